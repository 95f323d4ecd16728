"""Putting pages out: what is there stays, what is gone goes, and a kill anywhere is made good by the next run."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import fsspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_code.platform.errors import StepError
from ml_code.platform.marketplace.catalogue.publishing import RECORD, Published, Site, publish
from tests.support.s3 import BUCKET, s3_server

PAGES = {"index.html": b"front", "models/a.html": b"a", "models/b.html": b"b"}


class Killed(Exception):
    """The end of a process in the middle."""


class Fragile:
    """A folder in memory that ends its user's work after a number of changes."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files
        self.left = 1_000_000

    def paths(self) -> set[str]:
        return set(self.files)

    def read(self, path: str) -> bytes:
        return self.files[path]

    def write(self, path: str, content: bytes) -> None:
        self._change()
        self.files[path] = content

    def remove(self, path: str) -> None:
        self._change()
        self.files.pop(path, None)

    def _change(self) -> None:
        if self.left <= 0:
            raise Killed
        self.left -= 1


def test_only_what_changed_is_written(tmp_path: Path) -> None:
    site = Site(tmp_path.as_uri())
    assert publish(site, PAGES) == Published(3, 3, 0)
    before = (tmp_path / "models/a.html").stat().st_mtime_ns
    assert publish(site, PAGES) == Published(3, 0, 0)
    assert publish(site, {**PAGES, "index.html": b"new"}) == Published(3, 1, 0)
    assert (tmp_path / "index.html").read_bytes() == b"new"
    assert (tmp_path / "models/a.html").stat().st_mtime_ns == before


def test_pages_of_models_that_are_gone_go_and_other_files_stay(tmp_path: Path) -> None:
    site = Site(str(tmp_path))
    publish(site, PAGES)
    (tmp_path / "logo.png").write_bytes(b"of somebody else")
    assert publish(site, {"index.html": b"front"}) == Published(1, 0, 2)
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == ["index.html", "logo.png", RECORD]


def test_a_page_that_somebody_removed_comes_back(tmp_path: Path) -> None:
    site = Site(str(tmp_path))
    publish(site, PAGES)
    (tmp_path / "models/b.html").unlink()
    assert publish(site, PAGES).written == 1
    (tmp_path / RECORD).write_text("not JSON")
    assert publish(site, PAGES).written == 3


_CONTENTS = st.dictionaries(st.sampled_from(["index.html", "models/a.html", "models/b.html"]), st.binary(max_size=2))


@given(st.lists(st.tuples(_CONTENTS, st.integers(0, 8)), max_size=6), _CONTENTS)
def test_after_kills_the_next_run_makes_the_pages_what_they_should_be(
    kills: list[tuple[dict[str, bytes], int]], last: dict[str, bytes]
) -> None:
    files = {"logo.png": b"of somebody else"}
    for pages, changes in kills:
        folder = Fragile(files)
        folder.left = changes
        with suppress(Killed):
            publish(folder, pages)
    publish(Fragile(files), last)
    assert {path: content for path, content in files.items() if path != RECORD} == {
        **last,
        "logo.png": b"of somebody else",
    }


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StepError, match=r"file/pages\.json: could not be written"):
        publish(Site(str(tmp_path / "file")), PAGES)


def test_a_bucket_keeps_the_site_as_a_server_needs_it(tmp_path: Path) -> None:
    with s3_server(tmp_path) as server:
        site = Site(server.url("site"), server.options)
        assert publish(site, PAGES) == Published(3, 3, 0)
        assert publish(Site(server.url("site"), server.options), PAGES) == Published(3, 0, 0)
        bucket = fsspec.filesystem("s3", skip_instance_cache=True, **server.options)
        assert bucket.cat_file(f"{BUCKET}/site/models/a.html") == b"a"
        assert bucket.info(f"{BUCKET}/site/models/a.html")["ContentType"] == "text/html; charset=utf-8"
        assert publish(site, {"index.html": b"front"}) == Published(1, 0, 2)
        bucket.invalidate_cache()
        assert bucket.find(f"{BUCKET}/site") == [f"{BUCKET}/site/index.html", f"{BUCKET}/site/{RECORD}"]
