"""What a pickle would do, found out without doing it: its op-codes run on a stack of descriptions.

Op-codes and names are allowed one by one; whatever is not known is refused. The machine follows the stack and the
memo as CPython's does, so that a name that is put together from pieces is seen as it would be used.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from typing import IO, Any

_LONGEST_NAME = 512
_MOST_VALUES = 50_000_000

# Op-codes that push one thing which is data alone.
_PUSH = frozenset(
    (
        *("NONE", "NEWTRUE", "NEWFALSE", "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4"),
        *("FLOAT", "BINFLOAT", "STRING", "BINSTRING", "SHORT_BINSTRING", "BINBYTES", "SHORT_BINBYTES"),
        *("BINBYTES8", "BYTEARRAY8", "EMPTY_LIST", "EMPTY_TUPLE", "EMPTY_DICT", "EMPTY_SET"),
    )
)
_TEXT = frozenset(("UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"))
_TO_MARK = frozenset(("LIST", "TUPLE", "DICT", "FROZENSET"))
_ADD_TO_MARK = frozenset(("APPENDS", "SETITEMS", "ADDITEMS"))
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
# What a call takes from the stack; the function is below its arguments.
_CALLS = {"REDUCE": 2, "NEWOBJ": 2, "NEWOBJ_EX": 3}
_MARK = object()


class Unsafe(Exception):
    """A pickle that does what is not allowed, or that cannot be read."""


@dataclass(frozen=True)
class Name:
    """module.name as the pickle looks it up."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass
class Machine:
    """The stack, the memo, and what was met so far."""

    stack: list[Any] = field(default_factory=list)
    memo: dict[int, Any] = field(default_factory=dict)
    allowed: Collection[str] | None = None
    """Names that may be looked up; None: any, for a look at what would be called."""
    names: dict[Name, None] = field(default_factory=dict)
    called: Name | None = None
    stopped: bool = False

    def run(self, opcode: str, argument: Any) -> None:
        """One op-code. Raises Unsafe where it is not allowed or the stack does not hold what it takes."""
        if opcode in _PUSH:
            self._push(None)
        elif opcode in _TEXT:
            self._push(argument if len(argument) <= _LONGEST_NAME else None)
        elif opcode in _TUPLES:
            self._push(tuple(reversed([self._pop() for _ in range(_TUPLES[opcode])])))
        elif opcode in _TO_MARK:
            found = self._to_mark()
            self._push(tuple(found) if opcode == "TUPLE" else None)
        elif opcode in _ADD_TO_MARK:
            self._to_mark()
            self._target()
        elif opcode in _CALLS:
            self._call(_CALLS[opcode])
        elif opcode in _OTHERS:
            _OTHERS[opcode](self, argument)
        else:
            raise Unsafe(f"the op-code {opcode} is not allowed")

    def _push(self, value: Any) -> None:
        if len(self.stack) > _MOST_VALUES:
            raise Unsafe("its stack grows beyond all measure")
        self.stack.append(value)

    def _pop(self) -> Any:
        value = self._top()
        self.stack.pop()
        return value

    def _top(self) -> Any:
        if not self.stack or self.stack[-1] is _MARK:
            raise Unsafe("its stack is empty where something is taken from it")
        return self.stack[-1]

    def _to_mark(self) -> list[Any]:
        found: list[Any] = []
        while self.stack:
            value = self.stack.pop()
            if value is _MARK:
                return found[::-1]
            found.append(value)
        raise Unsafe("a mark is missing on its stack")

    def _call(self, taken: int) -> None:
        values = [self._pop() for _ in range(taken)]
        called = values[-1]
        if not isinstance(called, Name):
            raise Unsafe("it calls something that is no name")
        self.called = called
        self._push(None)

    def _name(self, module: Any, name: Any) -> None:
        if not isinstance(module, str) or not isinstance(name, str):
            raise Unsafe("it looks up a name that is only known when it runs")
        found = Name(module, name)
        # A dotted name goes through attributes of what it begins with: from a harmless module to a harmful one.
        if self.allowed is not None and ("." in name or str(found) not in self.allowed):
            raise Unsafe(f"it uses {found}, which is not on the list of harmless names")
        self.names[found] = None
        self._push(found)

    def _global(self, argument: str) -> None:
        self._name(*argument.split(" ", 1))

    def _stack_global(self, _: Any) -> None:
        name, module = self._pop(), self._pop()
        self._name(module, name)

    def _put(self, index: int | None) -> None:
        self.memo[len(self.memo) if index is None else int(index)] = self._top()

    def _get(self, index: int) -> None:
        if int(index) not in self.memo:
            raise Unsafe("it reads what it never kept")
        self._push(self.memo[int(index)])

    def _build(self, _: Any) -> None:
        self._pop()
        self._target()

    def _take(self, number: int) -> None:
        for _ in range(number):
            self._pop()
        self._target()

    def _target(self) -> None:
        if isinstance(self._top(), Name):
            raise Unsafe("it changes what a name stands for")

    def _drop_to_mark(self, _: Any) -> None:
        self._to_mark()

    def instance(self, argument: str) -> None:
        """INST, which looks up a class and calls it."""
        self._to_mark()
        self.called = Name(*argument.split(" ", 1))

    def _drop(self, _: Any) -> None:
        if not self.stack:
            raise Unsafe("its stack is empty where something is taken from it")
        self.stack.pop()

    def stored(self) -> None:
        """BINPERSID as PyTorch uses it: a storage beside the pickle."""
        found = self._pop()
        if not (isinstance(found, tuple) and found and found[0] == "storage"):
            raise Unsafe("it asks for an object from outside")
        self._push(None)

    def _stop(self, _: Any) -> None:
        self._top()
        self.stopped = True


_OTHERS: dict[str, Callable[[Machine, Any], None]] = {
    "PROTO": lambda machine, argument: None,
    "FRAME": lambda machine, argument: None,
    "MARK": lambda machine, argument: machine._push(_MARK),
    "POP": Machine._drop,
    "POP_MARK": Machine._drop_to_mark,
    "DUP": lambda machine, argument: machine._push(machine._top()),
    "APPEND": lambda machine, argument: machine._take(1),
    "SETITEM": lambda machine, argument: machine._take(2),
    "GLOBAL": Machine._global,
    "STACK_GLOBAL": Machine._stack_global,
    "BUILD": Machine._build,
    **dict.fromkeys(("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"), Machine._put),
    **dict.fromkeys(("GET", "BINGET", "LONG_BINGET"), Machine._get),
    "STOP": Machine._stop,
}


def check_pickle(stream: IO[bytes], allowed: Collection[str], *, tensors: bool = False) -> set[str]:
    """The names that the pickle uses, all of them allowed. Raises Unsafe, saying what it would do.

    The stream ends with the pickle. `tensors`: storages of PyTorch may be referred to.
    """
    machine = Machine(allowed=allowed)
    for opcode, argument in _opcodes(stream):
        if tensors and opcode == "BINPERSID":
            machine.stored()
        else:
            machine.run(opcode, argument)
    if not machine.stopped:
        raise Unsafe("it does not end as a pickle does")
    if stream.read(1):
        raise Unsafe("something follows the end of the pickle")
    return {str(name) for name in machine.names}


def would_call(stream: IO[bytes]) -> Name | None:
    """The name that would be called if this text were read as a pickle; None where it would not get so far.

    For files that do not look like pickles: the oldest protocol is plain text.
    """
    machine = Machine()
    try:
        for opcode, argument in _opcodes(stream):
            if opcode == "INST":
                machine.instance(argument)
            else:
                machine.run(opcode, argument)
            if machine.called:
                return machine.called
    except Unsafe:
        return None
    return None


def _opcodes(stream: IO[bytes]) -> Iterator[tuple[str, Any]]:
    try:
        for opcode, argument, _ in pickletools.genops(stream):
            yield opcode.name, argument
    except Unsafe:
        raise
    except Exception as error:  # whatever a damaged file makes the library raise
        raise Unsafe(f"it cannot be read as a pickle ({type(error).__name__}: {str(error)[:200]})") from None
