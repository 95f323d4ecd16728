"""The process that loads models: what it may not do, tried in it, and what comes of models that misbehave."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ml_code.platform.marketplace.intake.loading import load_isolated
from ml_code.platform.marketplace.intake.package import package
from ml_code.platform.marketplace.intake.policy import Loading
from tests.support.model_requests import classifier, of_hub, request

ROOT = Path(__file__).parents[5]
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="seccomp and Landlock are Linux's")

# Each line is tried in a process that has locked itself in; what it raises is its answer.
ATTEMPTS = {
    "reach the network": "socket.create_connection(('127.0.0.1', PORT), 1)",
    "open a socket of this machine": "socket.socket(socket.AF_UNIX)",
    "look a name up": "socket.getaddrinfo('example.com', 443)",
    "start a program": "subprocess.run(['/bin/true'], check=True)",
    "end its parent": "os.kill(os.getppid(), 9)",
    "read a file of the user": "open(SECRET).read()",
    "read its parent's environment": "open(f'/proc/{os.getppid()}/environ').read()",
    "write elsewhere": "open(SECRET + '.new', 'w')",
    "remove a file": "os.remove(SECRET)",
    "fill the memory": "bytearray(4 * 2**30)",
    "fill the disk": "open(SCRATCH + '/big', 'wb').write(bytes(300 * 2**20))",
}
SCRIPT = """
import json, os, signal, socket, subprocess, sys
sys.path.insert(0, {root!r})
from ml_code.platform.marketplace.intake.isolation import lock_down
PORT, SECRET, SCRATCH = {port}, {secret!r}, {scratch!r}
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
readable = ["/usr", "/lib", "/lib64", "/proc/self", sys.prefix, sys.base_prefix, *sys.path]
guards = lock_down(readable, [SCRATCH], 2048, 60)
answers = {{}}
for name, attempt in {attempts!r}.items():
    try:
        exec(attempt)
        answers[name] = "done"
    except BaseException as error:
        answers[name] = type(error).__name__
with open(SCRATCH + "/kept", "w") as file:
    file.write("its own folder stays its own")
print(json.dumps([guards, answers]))
"""


@LINUX
def test_a_locked_process_can_do_nothing_to_others(tmp_path: Path) -> None:
    import socket

    secret, scratch = tmp_path / "secret", tmp_path / "scratch"
    secret.write_text("of the user")
    scratch.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as server:
        script = SCRIPT.format(
            root=str(ROOT),
            port=server.getsockname()[1],
            secret=str(secret),
            scratch=str(scratch),
            attempts=ATTEMPTS,
        )
        done = subprocess.run(
            [sys.executable, "-I", "-c", script], capture_output=True, text=True, timeout=120, check=False
        )
    assert done.returncode == 0, done.stderr
    guards, answers = json.loads(done.stdout)
    assert "network" in guards
    if "files" not in guards:  # a kernel without Landlock
        for name in ("read a file of the user", "read its parent's environment", "write elsewhere", "remove a file"):
            answers.pop(name)
    assert "done" not in answers.values(), answers
    assert (scratch / "kept").exists()
    assert secret.read_text() == "of the user" or "files" not in guards


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A packaged model that is harmless."""
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "model.pkl").write_bytes(classifier())
    return package(request(of_hub("https://huggingface.co")).request, tmp_path / "model", {"model.pkl": "pickle"})


@LINUX
def test_a_model_that_gets_past_every_scan_still_does_no_harm(model: Path, tmp_path: Path) -> None:
    """Its pickle opens a connection and writes a file; it was never scanned here, to see what holds it then."""
    witness = tmp_path / "witness"
    (model / "model.pkl").write_bytes(f"cos\nsystem\n(S'touch {witness}'\ntR.".encode())
    found = load_isolated(model, ["python_function", "sklearn"], Loading(), executable=True)
    assert found.state == "failed"
    assert not witness.exists()


def test_a_model_that_takes_too_long_is_ended_and_leaves_nothing(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    found = load_isolated(model, ["python_function", "sklearn"], Loading(seconds=1), executable=False)
    assert found.state == "failed"
    assert "within 1 s" in found.told or "exit code" in found.told
    assert os.listdir(scratch) == []  # noqa: PTH208  # names are enough
