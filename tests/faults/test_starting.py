"""What stands in the way of a start, and of a synthesis, is said in words."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.clone import ROOT, Clone, CommandFailed, run
from tests.support.deployment import QUIET

pytestmark = pytest.mark.faults


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that someone else listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield int(listener.getsockname()[1])


@pytest.mark.parametrize("option", ["--port", "--provider-port"])
def test_a_port_in_use_is_named_with_the_option_that_chooses_another(tmp_path: Path, taken: int, option: str) -> None:
    ports = {"--port": "0", "--provider-port": "0", option: str(taken)}
    words = [word for pair in ports.items() for word in pair]
    with pytest.raises(CommandFailed) as failed:
        run(["branchline", "workspace", "up", *words, "--data-dir", str(tmp_path / "workspace")], ROOT, {})
    printed = " ".join(str(failed.value).split())
    assert f"port {taken} of 127.0.0.1 is in use; choose another with {option}" in printed
    assert "Traceback" not in printed


def test_bad_settings_stop_the_synthesis_with_file_line_and_what_was_expected(clone: Clone) -> None:
    """Bad YAML in one file and a wrong type in another: both are told at once."""
    dev, staging = (clone.path / f"infra/settings/{name}.yaml" for name in ("dev", "staging"))
    good = {file: file.read_text() for file in (dev, staging)}
    wrong_line = 1 + good[staging].splitlines().index("  timeout_minutes: 120")
    try:
        dev.write_text(good[dev].replace("catalog: dev", "catalog: [dev"))
        staging.write_text(good[staging].replace("timeout_minutes: 120", "timeout_minutes: an hour"))
        with pytest.raises(CommandFailed) as failed:
            clone.cdktf("synth", environment={**QUIET, "BRANCH": "dev"})
    finally:
        for file, text in good.items():
            file.write_text(text)
    printed = str(failed.value)
    assert "infra/settings/dev.yaml:4: column " in printed
    assert "bad YAML" in printed
    assert f"infra/settings/staging.yaml:{wrong_line}: jobs.timeout_minutes: expected " in printed
    assert "integer" in printed
    assert "found 'an hour'" in printed
    assert "Traceback" not in printed
