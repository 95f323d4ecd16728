"""Locks this very process in, by means that need no privileges: limits, seccomp and Landlock of Linux.

What is locked stays so, for the process and all that it starts. See seccomp(2), landlock(7), prctl(2).
"""

from __future__ import annotations

import ctypes
import os
import platform
import resource
import struct
import sys
from collections.abc import Iterable

_MIB = 1024 * 1024

_NO_NEW_PRIVILEGES, _SECCOMP, _FILTER = 38, 22, 2
_ALLOW, _REFUSE, _KILL = 0x7FFF0000, 0x00050001, 0x80000000  # refuse: EPERM
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06

# Numbers of system calls: what reaches a network, starts a program, reaches into other processes or out of this one.
_CALLS = {
    "x86_64": (
        0xC000003E,
        {
            **{"socket": 41, "connect": 42, "bind": 49, "listen": 50, "execve": 59, "execveat": 322, "kill": 62},
            **{"tkill": 200, "tgkill": 234, "rt_sigqueueinfo": 129, "pidfd_send_signal": 424, "ptrace": 101},
            **{"process_vm_readv": 310, "process_vm_writev": 311, "io_uring_setup": 425, "bpf": 321, "mount": 165},
            **{"unshare": 272, "setns": 308, "keyctl": 250, "add_key": 248, "request_key": 249, "userfaultfd": 323},
            **{"pidfd_getfd": 438, "perf_event_open": 298, "kexec_load": 246, "init_module": 175},
        },
    ),
    "aarch64": (
        0xC00000B7,
        {
            **{"socket": 198, "connect": 203, "bind": 200, "listen": 201, "execve": 221, "execveat": 281, "kill": 129},
            **{"tkill": 130, "tgkill": 131, "rt_sigqueueinfo": 138, "pidfd_send_signal": 424, "ptrace": 117},
            **{"process_vm_readv": 270, "process_vm_writev": 271, "io_uring_setup": 425, "bpf": 280, "mount": 40},
            **{"unshare": 97, "setns": 268, "keyctl": 219, "add_key": 217, "request_key": 218, "userfaultfd": 282},
            **{"pidfd_getfd": 438, "perf_event_open": 241, "kexec_load": 104, "init_module": 105},
        },
    ),
}
_X32 = 0x40000000  # x86_64's second table of the same calls

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF, _PATH_BENEATH = 444, 445, 446, 1
_READ = 0b1101  # execute (for libraries), read a file, read a folder
_EVERYTHING = (1 << 13) - 1  # all rights of the first version: reading, writing, making and removing
_FILE_RIGHTS = 0b111  # those that a file can have


def lock_down(readable: Iterable[str], writable: Iterable[str], memory: int, seconds: int) -> list[str]:
    """Limits this process (`memory` in MiB of address space, `seconds` of processor) and shuts it in.

    Returns what holds it: limits, and where the system knows them network and files.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_FSIZE, (256 * _MIB, 256 * _MIB))
    guards = ["limits"]
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_AS, (memory * _MIB, memory * _MIB))
        libc = ctypes.CDLL(None, use_errno=True)
        libc.syscall.restype = ctypes.c_long
        libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
        guards += ["files"] if _close_files(libc, readable, writable) else []
        guards += ["network"] if _close_calls(libc) else []
    return guards


def _close_calls(libc: ctypes.CDLL) -> bool:
    """No network, no programs, no other processes. False where the system does not filter calls."""
    if platform.machine() not in _CALLS:
        return False
    architecture, calls = _CALLS[platform.machine()]
    numbers = sorted(calls.values())
    steps = [_step(_LOAD, 4), _step(_EQUAL, architecture, 1, 0), _step(_RETURN, _KILL), _step(_LOAD, 0)]
    # Each jump is counted from the next step: over the comparisons that are left, and over the one that allows.
    steps.append(_step(_AT_LEAST, _X32, len(numbers) + 1, 0))
    steps += [_step(_EQUAL, number, len(numbers) - at, 0) for at, number in enumerate(numbers)]
    steps += [_step(_RETURN, _ALLOW), _step(_RETURN, _REFUSE)]
    code = ctypes.create_string_buffer(b"".join(steps))
    program = struct.pack("HxxxxxxP", len(steps), ctypes.addressof(code))
    return int(libc.prctl(_SECCOMP, _FILTER, ctypes.create_string_buffer(program), 0, 0)) == 0


def _step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("HBBI", code, if_true, if_false, value)


def _close_files(libc: ctypes.CDLL, readable: Iterable[str], writable: Iterable[str]) -> bool:
    """No files but these. False where the system has no Landlock."""
    handled = struct.pack("Q", _EVERYTHING)
    ruleset = int(libc.syscall(_CREATE_RULESET, ctypes.create_string_buffer(handled), ctypes.c_size_t(8), 0))
    if ruleset < 0:
        return False
    try:
        for paths, rights in ((readable, _READ), (writable, _EVERYTHING)):
            for path in paths:
                _allow(libc, ruleset, path, rights)
        return int(libc.syscall(_RESTRICT_SELF, ruleset, 0)) == 0
    finally:
        os.close(ruleset)


def _allow(libc: ctypes.CDLL, ruleset: int, path: str, rights: int) -> None:
    try:
        opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not os.path.isdir(path):  # noqa: PTH112  # before anything else is imported
            rights &= _FILE_RIGHTS
        rule = struct.pack("=Qi", rights, opened)
        libc.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, ctypes.create_string_buffer(rule), 0)
    finally:
        os.close(opened)
