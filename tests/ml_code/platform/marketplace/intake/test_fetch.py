"""Fetching: pinned revisions, sums, sizes, and the places that it may come from."""

from __future__ import annotations

import hashlib
import io
import itertools
import os
import random
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ml_code.platform.errors import StepError
from ml_code.platform.marketplace.intake.fetch import fetch
from ml_code.platform.marketplace.intake.findings import Rejected
from ml_code.platform.marketplace.intake.scan import files_of
from ml_code.platform.marketplace.intake.unpack import unpack
from tests.support.model_hub import ModelHub, serving
from tests.support.model_requests import TRANSFORMERS, of_files, of_hub, policy, request, tensors, transformer_files


@pytest.fixture
def hub() -> Iterator[ModelHub]:
    with serving(files=transformer_files()) as found:
        yield found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "work" / "model"
    made.mkdir(parents=True)
    return made


def names(folder: Path) -> list[str]:
    return [name for _, name in files_of(folder)]


def refused(rule: str, told: str, *arguments: Any) -> None:
    with pytest.raises(Rejected) as error:
        fetch(*arguments)
    assert error.value.finding.rule == rule
    assert told in error.value.finding.told


def test_a_repository_by_its_commit(hub: ModelHub, folder: Path) -> None:
    hub.files |= {"pytorch_model.bin": b"pickles", "modeling.py": b"x = 1\n", "onnx/model.onnx": b"x"}
    found = fetch(request(of_hub(hub.url), **TRANSFORMERS).request, folder, policy(hub.url))
    assert names(folder) == sorted(transformer_files())
    assert found.licence == "apache-2.0"
    (note,) = found.notes
    assert "pytorch_model.bin, modeling.py, onnx/model.onnx" in note.told
    assert not any("pytorch_model.bin" in each for each in hub.asked), "what is not needed is not even fetched"


def test_pickles_are_taken_only_where_there_is_nothing_safer(hub: ModelHub, folder: Path) -> None:
    hub.files["pytorch_model.bin"] = hub.files.pop("model.safetensors")
    found = fetch(request(of_hub(hub.url), **TRANSFORMERS).request, folder, policy(hub.url))
    assert "pytorch_model.bin" in names(folder)
    assert any("safe formats are preferred" in note.told for note in found.notes)


@pytest.mark.parametrize("name", ["model.safetensors", "config.json"])
def test_a_file_that_is_not_the_commits_is_refused(hub: ModelHub, folder: Path, name: str) -> None:
    content = bytearray(hub.files[name])
    content[-1] ^= 1
    hub.spoilt[name] = bytes(content)
    refused("sum", "but the commit has", request(of_hub(hub.url), **TRANSFORMERS).request, folder, policy(hub.url))


def test_a_truncated_file_is_not_taken(hub: ModelHub, folder: Path) -> None:
    hub.spoilt["model.safetensors"] = hub.files["model.safetensors"][:-5]
    with pytest.raises((Rejected, StepError)):
        fetch(request(of_hub(hub.url), **TRANSFORMERS).request, folder, policy(hub.url))


def test_a_hub_that_answers_with_another_revision_is_refused(hub: ModelHub, folder: Path) -> None:
    hub.answered_revision = "f" * 40
    refused(
        "source", "answers with revision", request(of_hub(hub.url), **TRANSFORMERS).request, folder, policy(hub.url)
    )


def test_too_large_is_known_before_anything_is_fetched(hub: ModelHub, folder: Path) -> None:
    hub.files["model.safetensors"] = bytes(2 * 2**20)
    rules = policy(hub.url, limits={"total": 1})
    refused("size", "at most 1 MiB", request(of_hub(hub.url), **TRANSFORMERS).request, folder, rules)
    assert not any("/resolve/" in each for each in hub.asked)


def test_a_path_that_leads_out_of_the_folder_is_refused(hub: ModelHub, folder: Path) -> None:
    hub.files["../../up.json"] = b"{}"
    source = of_hub(hub.url, files=["*.json"])
    refused("traversal", "leads out", request(source, **TRANSFORMERS).request, folder, policy(hub.url))
    assert not (folder.parent.parent / "up.json").exists()


def test_a_hub_that_is_not_there_is_no_verdict(folder: Path) -> None:
    with serving() as gone:
        url = gone.url
    with pytest.raises(StepError, match=r"clinic/notes at 0123456789.* cannot be fetched"):
        fetch(request(of_hub(url), **TRANSFORMERS).request, folder, policy(url))


def test_files_by_address_and_sum(hub: ModelHub, folder: Path) -> None:
    hub.plain = {"/m/model.safetensors": tensors(), "/m/other": b"other"}
    hub.redirects = {"/moved": f"{hub.url}/m/other"}
    source = of_files(
        "https",
        model__safetensors=(f"{hub.url}/m/model.safetensors?download=1", tensors()),
        other__txt=(f"{hub.url}/moved", b"other"),
    )
    fetch(request(source).request, folder, policy(hub.url))
    assert names(folder) == ["model.safetensors", "other.txt"]
    assert (folder / "other.txt").read_bytes() == b"other"


def test_other_content_than_its_sum_is_refused(hub: ModelHub, folder: Path) -> None:
    hub.plain = {"/a": b"b"}
    source = of_files("https", a=(f"{hub.url}/a", b"a"))
    refused("sum", hashlib.sha256(b"b").hexdigest(), request(source).request, folder, policy(hub.url))


def test_addresses_and_redirects_that_the_policy_does_not_know(hub: ModelHub, folder: Path) -> None:
    with serving(plain={"/a": b"a"}) as elsewhere:
        hub.redirects = {"/a": f"{elsewhere.url}/a"}
        source = of_files("https", a=(f"{hub.url}/a", b"a"))
        refused("source", "sends on to", request(source).request, folder, policy(hub.url))
        source = of_files("https", b=(f"{hub.url}/a", b"a"))
        refused("source", "not an address", request(source).request, folder, policy(elsewhere.url))
        assert elsewhere.asked == []


def test_endless_content_and_endless_redirects_end(hub: ModelHub, folder: Path) -> None:
    hub.plain = {"/big": bytes(2 * 2**20)}
    hub.redirects = {"/loop": "/loop"}
    rules = policy(hub.url, limits={"total": 1})
    refused("size", "larger than", request(of_files("https", a=(f"{hub.url}/big", b""))).request, folder, rules)
    refused("source", "redirects", request(of_files("https", b=(f"{hub.url}/loop", b""))).request, folder, rules)


def test_files_of_a_folder_that_the_policy_names(tmp_path: Path, folder: Path) -> None:
    volume = tmp_path / "volume"
    volume.mkdir()
    (volume / "a").write_bytes(b"a")
    (tmp_path / "secret").write_bytes(b"a")
    (volume / "link").symlink_to(tmp_path / "secret")
    rules = policy(folders=[str(volume)])
    fetch(request(of_files("file", a=(f"{volume}/a", b"a"))).request, folder, rules)
    assert names(folder) == ["a"]
    for path in (f"{volume}/../secret", f"{volume}/link", str(tmp_path / "secret")):
        refused(
            "source", "none of the policy's folders", request(of_files("file", b=(path, b"a"))).request, folder, rules
        )
    with pytest.raises(StepError, match="cannot be read"):
        fetch(request(of_files("file", c=(f"{volume}/gone", b"a"))).request, folder, rules)


def test_sums_of_the_request_are_held_against_the_files(hub: ModelHub, folder: Path) -> None:
    sums = {"model.safetensors": hashlib.sha256(b"another").hexdigest()}
    asked = request(of_hub(hub.url), **TRANSFORMERS, sums=sums).request
    refused("sum", "the request says", asked, folder, policy(hub.url))


def tar(**members: bytes | tarfile.TarInfo) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, content in members.items():
            if isinstance(content, tarfile.TarInfo):
                archive.addfile(content)
                continue
            info = tarfile.TarInfo(name.replace("__", "."))
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def zipped(name: str, content: bytes, mode: int = 0o100644) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        info = zipfile.ZipInfo(name)
        info.external_attr = mode << 16
        info.compress_type = zipfile.ZIP_DEFLATED
        archive.writestr(info, content)
    return out.getvalue()


@pytest.mark.parametrize("archive", [tar(a__json=b"{}"), zipped("a.json", b"{}")], ids=["tar", "zip"])
def test_an_archive_is_unpacked(tmp_path: Path, folder: Path, archive: bytes) -> None:
    (tmp_path / "m").write_bytes(archive)
    source = of_files("file", models=(str(tmp_path / "m"), archive))
    source["files"][0]["unpack"] = True
    fetch(request(source).request, folder, policy(folders=[str(tmp_path)]))
    assert names(folder) == ["models/a.json"]


@pytest.mark.parametrize(
    ("archive", "rule"),
    [
        (tar(**{"../up": b"x"}), "traversal"),
        (tar(**{"/etc/up": b"x"}), "traversal"),
        (zipped("../up", b"x"), "traversal"),
        (zipped("a\\..\\..\\up", b"x"), "traversal"),
        (zipped("C:up", b"x"), "traversal"),
        (tar(link=special("link", tarfile.SYMTYPE, "/etc")), "traversal"),
        (tar(link=special("link", tarfile.LNKTYPE, "/etc/passwd")), "traversal"),
        (tar(pipe=special("pipe", tarfile.FIFOTYPE)), "traversal"),
        (tar(disk=special("disk", tarfile.BLKTYPE)), "traversal"),
        (zipped("link", b"/etc", 0o120777), "traversal"),
        (tar(a=bytes(4 * 2**20)), "bomb"),
        (zipped("a", bytes(4 * 2**20)), "bomb"),
        (tar(**{f"f{number}": b"" for number in range(30)}), "bomb"),
        (tar(**{"n" * (2**20 + 5): b"x"}), "archive"),
        (tar(a=random.Random(0).randbytes(5_000))[:2_000], "archive"),
        (b"no archive", "archive"),
    ],
    ids=itertools.count(),
)
def test_archives_that_are_refused(tmp_path: Path, archive: bytes, rule: str) -> None:
    (tmp_path / "archive").write_bytes(archive)
    rules = policy(limits={"files": 20, "total": 3})
    with pytest.raises(Rejected) as error:
        unpack(tmp_path / "archive", tmp_path / "a" / "b", rules, "model.archive")
    assert error.value.finding.rule == rule
    assert error.value.finding.file == "model.archive"
    assert not (tmp_path / "up").exists()
    assert not (tmp_path / "a" / "up").exists()
    assert sum(path.stat().st_size for path in tmp_path.rglob("*") if path.name != "archive") < 5 * 2**20
    assert not any(os.path.islink(path) for path in tmp_path.rglob("*"))  # noqa: PTH114  # broken links, too
