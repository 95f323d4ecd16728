"""Terraform in one stack's folder: initialized when it must be, tried again where it may, and its errors in words."""

from __future__ import annotations

import json
import os
import random
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ci.plan.model import digest_of
from ci.terraform.errors import TerraformFailed, failure
from ci.terraform.process import Process
from ci.terraform.synthesis import SynthesizedStack

PLAN_FILE = "branchline.tfplan"
_INITIALIZED = ".branchline-initialized"
_TRIES, _FIRST_WAIT, _LONGEST_WAIT = 5, 1.0, 15.0
_QUIET = {"CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1", "TF_INPUT": "0"}


def _silent(line: str) -> None:
    """Nobody listens."""


class Terraform:
    """One stack's Terraform; `log` hears each line that it prints, `say` what people should know while they wait."""

    def __init__(
        self,
        stack: SynthesizedStack,
        variables: Mapping[str, str],
        log: Callable[[str], None] = _silent,
        say: Callable[[str], None] | None = None,
    ) -> None:
        self.stack = stack
        self._log = log
        self._say = say or log
        self._environment = {**os.environ, **_QUIET, **variables}
        self._program = self._environment.get("TERRAFORM_BINARY_NAME") or "terraform"

    def init(self) -> None:
        """Backend and providers, unless this folder has just these; raises TerraformFailed."""
        wanted = self._what_init_reads()
        stamp = self.stack.folder / ".terraform" / _INITIALIZED
        if stamp.exists() and stamp.read_text() == wanted:
            return
        self._patiently("init", "-reconfigure")
        stamp.write_text(wanted)

    def plan(self, *, destroy: bool = False, lock: bool = False) -> dict[str, Any]:
        """Terraform's plan as JSON. Raises TerraformFailed.

        The binary file, which holds secrets in the clear, stays in the stack's folder for `apply_planned`. Without
        `lock` a plan reads beside a deployment that is under way.
        """
        path = self._plan_file()
        path.unlink(missing_ok=True)
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))  # Terraform keeps the mode of a file that is there
        options = ["-destroy"] if destroy else []
        try:
            self._patiently("plan", f"-lock={str(lock).lower()}", f"-out={PLAN_FILE}", *options)
            return self._json("show", "-json", PLAN_FILE)
        except TerraformFailed:
            path.unlink(missing_ok=True)
            raise

    def apply_planned(self) -> None:
        """Applies the last plan, exactly; never tried twice. Raises TerraformFailed, StateLocked among them."""
        try:
            self._run("apply", PLAN_FILE)
        finally:
            self.forget_plan()

    def adopt(self, address: str, id: str) -> None:
        """Takes an object that the workspace has into the state (terraform import)."""
        self._run("import", address, id)

    def forget_plan(self) -> None:
        """Removes the binary plan."""
        self._plan_file().unlink(missing_ok=True)

    def resources(self) -> list[str]:
        """The addresses in the state."""
        listed = self._output(["state", "list"], tolerate="No state file was found")
        return [line.strip() for line in listed.splitlines() if line.strip() and not line.startswith("data.")]

    def state(self) -> dict[str, Any]:
        """The state as JSON; it may hold sensitive values."""
        return self._json("show", "-json")

    def _what_init_reads(self) -> str:
        terraform = self.stack.content.get("terraform", {})
        reattached = self._environment.get("TF_REATTACH_PROVIDERS")
        # Of providers that are attached only their names count: nothing is installed for them.
        attached = sorted(json.loads(reattached)) if reattached else []
        return digest_of({"terraform": terraform, "attached": attached, "program": self._program})

    def _patiently(self, verb: str, *options: str) -> None:
        """Runs what changes nothing, again after a growing wait while the workspace may be at fault."""
        wait = _FIRST_WAIT
        for attempt in range(1, _TRIES + 1):
            try:
                self._run(verb, *options)
                return
            except TerraformFailed as error:
                if not error.transient:
                    raise
                if attempt == _TRIES:
                    raise TerraformFailed(
                        f"{error}\nTried {_TRIES} times; nothing was changed. Is the workspace well?", error.output
                    ) from error
                self._say(f"{self.stack.name}: terraform {verb} failed, again in {wait:.0f} s ({attempt}/{_TRIES})")
            time.sleep(wait * random.uniform(0.75, 1.25))  # noqa: S311 - several stacks should not knock at once
            wait = min(wait * 2, _LONGEST_WAIT)

    def _run(self, verb: str, *options: str) -> str:
        """One Terraform command to its end, line by line into the log."""
        lines: list[str] = []
        command = [self._program, verb, "-input=false", "-no-color", *options]
        process = Process(command, self.stack.folder, self._environment)
        for line in process:
            lines.append(line)
            self._log(line)
        output = "\n".join(lines)
        if process.returncode != 0:
            raise failure(self.stack.name, self.stack.folder, verb, output)
        return output

    def _json(self, *arguments: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self._output(arguments))
        return found

    def _output(self, arguments: Sequence[str], tolerate: str | None = None) -> str:
        """What a reading command prints, kept from the log."""
        done = subprocess.run(
            [self._program, *arguments],
            cwd=self.stack.folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
        if done.returncode != 0:
            if tolerate and tolerate in done.stderr:
                return ""
            raise failure(self.stack.name, self.stack.folder, arguments[0], done.stderr or done.stdout)
        return done.stdout

    def _plan_file(self) -> Path:
        return self.stack.folder / PLAN_FILE
