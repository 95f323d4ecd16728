"""The stacks of environments as Terraform reads them, synthesized once by the app that cdktf.json names."""

from __future__ import annotations

import fcntl
import json
import os
import shlex
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ci import console
from ci.errors import Trouble
from ci.plan.model import digest_of
from ci.repository import ROOT

Kind = Literal["admin", "project"]
_ADMIN = "-admin"


def default_outdir(root: Path = ROOT) -> Path:
    """Where our commands synthesize to; cdktf's own folder stays cdktf's."""
    return root / ".branchline" / "synth"


@dataclass(frozen=True)
class SynthesizedStack:
    """One stack; Terraform runs in `folder`."""

    name: str
    environment: str
    kind: Kind
    folder: Path
    content: Mapping[str, Any]

    @property
    def digest(self) -> str:
        """Of what is deployed: neither where its state is kept nor what made it counts."""
        kept = {key: value for key, value in self.content.items() if key != "//"}
        terraform = {key: value for key, value in kept.get("terraform", {}).items() if key != "backend"}
        return digest_of({**kept, "terraform": terraform})


@dataclass(frozen=True)
class Synthesis:
    """All that one run of the app wrote."""

    folder: Path
    stacks: Mapping[str, SynthesizedStack]

    def of(self, environments: Sequence[str], kinds: Sequence[Kind] = ("admin", "project")) -> list[SynthesizedStack]:
        """The stacks of these environments, an environment's admin stack before its project stack."""
        wanted = [f"{name}{_ADMIN if kind == 'admin' else ''}" for name in environments for kind in sorted(kinds)]
        return [self.stacks[name] for name in wanted]


def synthesize(
    environments: Sequence[str],
    outdir: Path,
    *,
    root: Path = ROOT,
    variables: Mapping[str, str] = os.environ,
) -> Synthesis:
    """Runs the app for these environments; Terraform's working folders in `outdir` stay initialized.

    Raises Trouble with the app's own words, or for an environment that it left out.
    """
    outdir.mkdir(parents=True, exist_ok=True)
    app = json.loads((root / "cdktf.json").read_text(encoding="utf-8"))["app"]
    wanted = {**variables, "CDKTF_OUTDIR": str(outdir.absolute()), "ENVIRONMENTS": ",".join(environments)}
    with _alone(outdir):
        done = subprocess.run(
            shlex.split(app),
            cwd=root,
            env=wanted,
            check=False,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        )
        if done.returncode != 0:
            raise Trouble(f"the stacks cannot be synthesized:\n{(done.stderr or done.stdout).strip()}")
        stacks = {stack.name: stack for stack in _read(outdir)}
    missing = [name for name in environments if name not in stacks]
    if missing:
        raise Trouble(f"not synthesized: {', '.join(missing)}\n{done.stderr.strip()}")
    return Synthesis(outdir, stacks)


def read_synthesis(outdir: Path) -> Synthesis:
    """What the last synthesis wrote there; raises Trouble if nothing has been."""
    found = {stack.name: stack for stack in _read(outdir)} if (outdir / "manifest.json").exists() else {}
    if not found:
        raise Trouble(f"nothing is synthesized in {outdir}: run 'branchline plan' first")
    return Synthesis(outdir, found)


def _read(outdir: Path) -> Iterator[SynthesizedStack]:
    """The stacks of the last run only: folders of earlier runs stay for their initialized providers."""
    manifest = json.loads((outdir / "manifest.json").read_text(encoding="utf-8"))
    for name, described in manifest["stacks"].items():
        path = outdir / described["synthesizedStackPath"]
        kind: Kind = "admin" if name.endswith(_ADMIN) else "project"
        content = json.loads(path.read_text(encoding="utf-8"))
        yield SynthesizedStack(name, name.removesuffix(_ADMIN), kind, path.parent, content)


@contextmanager
def _alone(outdir: Path) -> Iterator[None]:
    """Two commands of one clone do not write the same stacks at once; the lock goes with its process."""
    with (outdir / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with console.waiting(f"another command synthesizes to {outdir}: waiting for it"):
                fcntl.flock(lock, fcntl.LOCK_EX)
        yield
