"""What a file is by its content: a name can say anything. What is not known to be harmless may not come in."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path
from zipfile import BadZipFile, ZipFile, ZipInfo, is_zipfile

from ml_code.platform.marketplace.intake.findings import Rejected
from ml_code.platform.marketplace.intake.pickle_names import allowed_names
from ml_code.platform.marketplace.intake.pickles import Unsafe, check_pickle, would_call
from ml_code.platform.marketplace.intake.policy import Policy

_MIB = 1024 * 1024
_CODE = frozenset(
    (
        *(".py", ".pyc", ".pyd", ".so", ".dll", ".dylib", ".exe", ".sh", ".bat", ".ps1", ".ipynb", ".js"),
        *(".jar", ".class", ".whl", ".egg", ".r", ".jl"),
    )
)
_PICKLES = frozenset((".pkl", ".pickle", ".joblib", ".bin", ".pt", ".pth", ".ckpt", ".dill", ".cloudpickle"))
_PICTURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a")
_PROGRAMS = (b"\x7fELF", b"MZ", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe", b"#!")
# Formats that are known, and not supported: by what they begin with, and what to do instead.
_UNSUPPORTED = (
    (b"GGUF", "GGUF, which no MLflow flavour loads: ask for the model's safetensors"),
    (b"\x89HDF\r\n\x1a\n", "HDF5 (Keras), which may hold code: ask for safetensors"),
    (b"\x1f\x8b", "a gzip archive within the model: unpack it with `unpack: true` of an https or file source"),
    (b"7z\xbc\xaf", "a 7z archive, which is not supported"),
    (b"BZh", "a bzip2 archive, which is not supported"),
)


def kind_of(path: Path, name: str, policy: Policy) -> str:
    """safetensors, json, text, picture, sentencepiece, npy, npz, pickle, torch or skops. Raises Rejected.

    A kind is only returned after the checks that belong to it.
    """
    if path.suffix.lower() in _CODE:
        raise Rejected("code", f"{path.suffix} is code, and code of others is not taken in", name)
    with path.open("rb") as file:
        head = file.read(64)
    if head.startswith(_PROGRAMS):
        raise Rejected("code", "a program or a script, and code of others is not taken in", name)
    for magic, told in _UNSUPPORTED:
        if head.startswith(magic):
            raise Rejected("format", told, name)
    if path.suffix.lower() == ".safetensors":
        return _safetensors(path, name)
    if head.startswith(b"PK\x03\x04"):
        return _zip(path, name, policy)
    if is_zipfile(path):
        raise Rejected("format", "something else with a zip archive at its end", name)
    if head.startswith(b"\x93NUMPY"):
        return _array(path, name)
    if path.suffix.lower() in _PICKLES or _begins_as_pickle(head):
        return _pickle(path, name, policy)
    if head.startswith(_PICTURES):
        return "picture"
    if path.suffix == ".model" and _is_sentencepiece(head):
        return "sentencepiece"
    return _text(path, name, policy)


def check_members(archive: ZipFile, name: str, policy: Policy) -> list[ZipInfo]:
    """The files of a zip archive, none of which is a bomb, hidden, or outside of it. Raises Rejected."""
    members = archive.infolist()
    if len(members) > policy.limits.files:
        raise Rejected("bomb", f"{len(members)} files in the archive; at most {policy.limits.files} may be", name)
    if len({member.filename for member in members}) < len(members):
        raise Rejected("archive", "two files of the archive have the same name", name)
    for member in members:
        unsafe_path(member.filename, name)
        if member.flag_bits & 1:
            raise Rejected("archive", f"{member.filename} is encrypted", name)
        if member.file_size > max(member.compress_size, 1024) * policy.limits.ratio:
            raise Rejected("bomb", f"{member.filename} would become {member.file_size:,} bytes", name)
    if (whole := sum(member.file_size for member in members)) > policy.limits.total * _MIB:
        raise Rejected("bomb", f"the archive would become {whole:,} bytes", name)
    return [member for member in members if not member.is_dir()]


def unsafe_path(path: str, name: str) -> None:
    """Raises Rejected where a path leads out of the folder that it belongs in, or would on another system."""
    parts = path.replace("\\", "/").split("/")
    absolute = path.startswith(("/", "\\")) or ":" in parts[0]
    if absolute or ".." in parts or "\x00" in path or not path:
        raise Rejected("traversal", f"{path!r} leads out of the model's folder", name)


def _safetensors(path: Path, name: str) -> str:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as tensors:
            if not tensors.keys():
                raise Rejected("format", "safetensors without a tensor", name)
    except (SafetensorError, OSError, ValueError) as error:
        raise Rejected("format", f"not whole safetensors: {error}", name) from None
    return "safetensors"


def _zip(path: Path, name: str, policy: Policy) -> str:
    try:
        with ZipFile(path) as archive:
            members = check_members(archive, name, policy)
            names = [member.filename for member in members]
            if "schema.json" in names:
                return _skops(archive, members, path, name, policy)
            pickles = [each for each in names if each.rpartition("/")[2] == "data.pkl"]
            if len(pickles) == 1:
                return _torch(archive, members, pickles[0], name, policy)
            if names and all(each.endswith(".npy") for each in names):
                for each in members:
                    with archive.open(each) as member:
                        _header(member.read(_MIB), name)
                return "npz"
    except (BadZipFile, RuntimeError, NotImplementedError, EOFError, OSError) as error:
        raise Rejected("format", f"an archive that cannot be read: {error}", name) from None
    raise Rejected("format", "an archive within the model, of no known format", name)


def _torch(archive: ZipFile, members: list[ZipInfo], pickle: str, name: str, policy: Policy) -> str:
    if any("/code/" in f"/{member.filename}" for member in members):
        raise Rejected("code", "TorchScript, which holds code: ask for safetensors", name)
    info = archive.getinfo(pickle)
    _pickles_allowed(info.file_size, name, policy)
    with archive.open(info) as stream:
        _check(BytesIO(stream.read()), f"{name}:{pickle}", policy, tensors=True)
    return "torch"


def _skops(archive: ZipFile, members: list[ZipInfo], path: Path, name: str, policy: Policy) -> str:
    """A skops archive says which types it is made of; arrays of objects in it would be pickles."""
    from skops.io import get_untrusted_types  # type: ignore[import-untyped]

    for member in members:
        if member.filename != "schema.json":
            with archive.open(member) as stream:
                _header(stream.read(_MIB), f"{name}:{member.filename}")
    try:
        untrusted = set(get_untrusted_types(file=path))
    except (TypeError, ValueError, KeyError, AttributeError, ImportError, RecursionError) as error:
        raise Rejected("format", f"not a model of skops: {type(error).__name__}: {str(error)[:200]}", name) from None
    if used := sorted(untrusted - allowed_names() - set(policy.pickles.names)):
        raise Rejected("pickle", f"its schema uses {', '.join(used[:5])}, not on the list of harmless names", name)
    return "skops"


def _array(path: Path, name: str) -> str:
    with path.open("rb") as file:
        _header(file.read(_MIB), name)
    return "npy"


def _header(head: bytes, name: str) -> None:
    """Raises Rejected unless it begins an array of numbers: an array of objects is a pickle."""
    from numpy.lib import format as layout

    stream = BytesIO(head)
    try:
        version = layout.read_magic(stream)
        read = layout.read_array_header_1_0 if version == (1, 0) else layout.read_array_header_2_0
        kind = read(stream)[2]
    except (ValueError, SyntaxError, TypeError, EOFError) as error:
        raise Rejected("format", f"not an array of numpy: {error}", name) from None
    if kind.hasobject:
        raise Rejected("pickle", "an array of objects, which is a pickle", name)


def _pickle(path: Path, name: str, policy: Policy) -> str:
    _pickles_allowed(path.stat().st_size, name, policy)
    with path.open("rb") as stream:
        _check(stream, name, policy)
    return "pickle"


def _pickles_allowed(size: int, name: str, policy: Policy) -> None:
    if not policy.pickles.allowed:
        raise Rejected("pickle", "a pickle, and none may come in: ask for safetensors", name)
    if size > policy.limits.pickle * _MIB:
        raise Rejected("size", f"a pickle of {size:,} bytes; at most {policy.limits.pickle} MiB are checked", name)


def _check(stream: object, name: str, policy: Policy, *, tensors: bool = False) -> None:
    try:
        check_pickle(stream, allowed_names() | set(policy.pickles.names), tensors=tensors)  # type: ignore[arg-type]  # BufferedReader or BytesIO
    except Unsafe as error:
        hint = ""
        if "joblib.numpy_pickle" in str(error):
            hint = "; joblib mixes arrays into its pickles, which no check can read: ask for a plain pickle or skops"
        raise Rejected("pickle", f"{error}{hint}", name) from None


def _begins_as_pickle(head: bytes) -> bool:
    return len(head) > 1 and head[0] == 0x80 and head[1] <= 5


def _is_sentencepiece(head: bytes) -> bool:
    """A list of pieces in Protocol Buffers: field 1, its length, and in it field 1, the piece's text."""
    return len(head) > 3 and head[0] == 0x0A and head[1] < 0x80 and head[2] == 0x0A


def _text(path: Path, name: str, policy: Policy) -> str:
    size = path.stat().st_size
    if size > policy.limits.text * _MIB:
        raise Rejected("format", f"of no known format, and too large to be read as text ({size:,} bytes)", name)
    content = path.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Rejected("format", f"of no known format: it begins with {content[:8].hex(' ')}", name) from None
    if "\x00" in text:
        raise Rejected("format", "of no known format: text with zero bytes", name)
    if called := would_call(BytesIO(content)):
        raise Rejected("pickle", f"a pickle of the oldest protocol in a text's clothes: it would call {called}", name)
    if path.suffix.lower() == ".json":
        _json(text, name)
        return "json"
    return "text"


def _json(text: str, name: str) -> None:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Rejected("format", f"not JSON: {str(error)[:200]}", name) from None
    if isinstance(found, dict) and (keys := {"auto_map", "custom_pipelines"} & found.keys()):
        raise Rejected("code", f"{', '.join(sorted(keys))} names code that MLflow would fetch and run on loading", name)
