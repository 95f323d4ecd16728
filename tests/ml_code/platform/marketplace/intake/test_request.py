"""Requests and the policy: what they must say, and how wrong ones are told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from ml_code.platform.errors import ConfigurationError
from ml_code.platform.marketplace.intake.policy import read_policy
from ml_code.platform.marketplace.intake.request import FOLDER, Files, read_requests
from tests.support.model_requests import TRANSFORMERS, of_files, of_hub, policy, request

ROOT = Path(__file__).parents[5]


def write(root: Path, name: str, **changes: Any) -> Path:
    """A request's file, as people write it."""
    named = request(of_hub("https://huggingface.co"))
    path = root / FOLDER / f"{name}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {**named.request.model_dump(mode="json"), **changes}
    path.write_text(yaml.safe_dump({key: value for key, value in content.items() if value is not None}))
    return path


def test_the_example_of_the_readme_is_a_request(tmp_path: Path) -> None:
    text = (ROOT / FOLDER / "README.md").read_text().partition("```yaml\n")[2].partition("```")[0]
    (tmp_path / FOLDER).mkdir(parents=True)
    (tmp_path / FOLDER / "ward-notes.yaml").write_text(text)
    (found,) = read_requests(tmp_path)
    assert found.name == "ward-notes"
    assert read_policy(ROOT).knows_licence(found.request.licence)
    assert read_policy(ROOT).is_source(found.request.source.address)


def test_all_or_the_named_ones(tmp_path: Path) -> None:
    write(tmp_path, "a")
    write(tmp_path, "b", version=2)
    assert [each.name for each in read_requests(tmp_path)] == ["a", "b"]
    assert [each.name for each in read_requests(tmp_path, ["b"])] == ["b"]
    with pytest.raises(ConfigurationError, match="no request c; there are a, b"):
        read_requests(tmp_path, ["c"])


def test_two_requests_for_one_version_are_told_apart(tmp_path: Path) -> None:
    write(tmp_path, "a")
    write(tmp_path, "b")
    with pytest.raises(ConfigurationError, match=r"note-sorter version 1 is what a\.yaml asks for already"):
        read_requests(tmp_path)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"source": of_hub("https://huggingface.co", revision="main")}, "source.huggingface.revision"),
        ({"requirements": ["scikit-learn>=1"]}, "not pinned"),
        ({"requirements": ["x @ https://example.com/x.whl"]}, "not pinned"),
        ({"requirements": ["--index-url https://example.com"]}, "no requirement"),
        ({"requirements": []}, "requirements are missing"),
        ({"signature": None}, "signature is missing"),
        ({"task": "text-classification"}, "task belongs to the format transformers"),
        ({**TRANSFORMERS, "task": ""}, "task belongs to the format transformers"),
        ({"licence": "Apache 2.0"}, "licence"),
        ({"model": "../up"}, "model"),
        ({"version": 0}, "version"),
        ({"owner": ""}, "owner"),
        ({"extra": 1}, "extra: unknown key"),
        ({"sums": {"a": "1234"}}, "sums.a"),
    ],
)
def test_wrong_requests_are_told_by_file_and_key(tmp_path: Path, changes: dict[str, Any], told: str) -> None:
    write(tmp_path, "a", **changes)
    with pytest.raises(ConfigurationError) as error:
        read_requests(tmp_path)
    assert f"{FOLDER}/a.yaml" in str(error.value)
    assert told in str(error.value)


def test_the_revision_of_files_is_their_content() -> None:
    def revision(**files: tuple[str, bytes]) -> str:
        source = request(of_files("https", **files)).request.source
        assert isinstance(source, Files)
        return source.revision

    assert revision(a=("https://x/1", b"1")) == revision(a=("https://y/2", b"1"))
    assert revision(a=("https://x/1", b"1")) != revision(a=("https://x/1", b"2"))


def test_another_purpose_is_another_request_but_a_comment_is_not() -> None:
    one, same = (request(of_hub("https://huggingface.co"), name) for name in ("a", "b"))
    assert one.digest == same.digest
    assert request(of_hub("https://huggingface.co"), purpose="something else").digest != one.digest


@pytest.mark.parametrize(
    ("url", "source", "redirect"),
    [
        ("https://huggingface.co/a/b", True, True),
        ("https://HuggingFace.co:443/a", True, True),
        ("http://huggingface.co/a", False, False),
        ("https://huggingface.co:8443/a", False, True),
        ("https://cdn-lfs.hf.co/a", False, True),
        ("https://evil-hf.co/a", False, False),
        ("https://huggingface.co.example.com/a", False, False),
        ("https://huggingface.co@example.com/a", False, False),
        ("file:///etc/passwd", False, False),
        ("", False, False),
    ],
)
def test_addresses(url: str, source: bool, redirect: bool) -> None:
    rules = policy("https://huggingface.co", redirects=["huggingface.co", "hf.co"])
    assert (rules.is_source(url), rules.may_redirect(url)) == (source, redirect)
