"""The pages: what stands on them, that their links lead somewhere, and that nothing on them runs but the search."""

from __future__ import annotations

import datetime
import re
from html import unescape
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_code.platform.marketplace.catalogue.records import Catalogue
from ml_code.platform.marketplace.catalogue.site import INDEX, page_path, pages
from ml_code.platform.reporting.page import Link, Page, Part, Section, policy, script_hash
from tests.support.browser import open_address

from .conftest import BAD

READMISSION = page_path("hub.marketplace.cardiology__readmission")
SENTIMENT = page_path("hub.marketplace.open-source__tiny-sentiment")
BARE = page_path("hub.marketplace.Lab Results")


@pytest.fixture
def site(catalogue: Catalogue) -> dict[str, str]:
    return {path: content.decode() for path, content in pages(catalogue, "Made by a test.").items()}


def test_the_front_page_lists_every_model_the_most_used_first(site: dict[str, str]) -> None:
    front = site[INDEX]
    places = [front.index(f'href="{path}"') for path in (READMISSION, BARE, SENTIMENT)]
    assert places == sorted(places)
    for said in ("4 versions from 2 workspaces", "ward-analysts", "nobody yet", "scan: accepted", "lightgbm"):
        assert said in front
    assert "students" not in front, "an ended approval lets nobody use a model"


def test_the_front_page_tells_what_did_not_come_in(site: dict[str, str]) -> None:
    front = site[INDEX]
    for said in ("its MLmodel cannot be read", "weights.bin: calls posix.system when it is loaded", "miner"):
        assert said in front


def test_a_models_page_tells_all_that_is_known(site: dict[str, str]) -> None:
    page = unescape(site[READMISSION])
    for said in (
        "Risk that a patient comes back within thirty days",
        "main.ward.readmission v4",
        "https://cardiology.cloud.example.com",
        "risk.board@example.com",
        "0.742 [0.711, 0.773]",
        "calibration error between groups is 0.12",
        "latency of 1 rows",
        "age double, stays long",
        "5.2 MiB in 14 files",
        "c0ffee",
        "by 2 workspaces",
        "emergency-jobs",
        "- model: cardiology__readmission",
        "models:/hub.marketplace.cardiology__readmission/1",
    ):
        assert said in page, said
    assert "trained on two years of discharges" in page
    assert "Exported Already On" not in page, "the export's mark is not its owner's description"


def test_a_model_from_outside_shows_its_scan(site: dict[str, str]) -> None:
    page = site[SENTIMENT]
    for said in ("modelscan 0.8.5", "Apache-2.0", "weights are safetensors", "loaded: answered an example", "d" * 40):
        assert said in page


def test_what_is_not_known_is_said(site: dict[str, str]) -> None:
    page = unescape(site[BARE])
    for said in (
        "Its owner has not described it",
        "has no tags of origin",
        "Nobody may use it yet",
        "left nothing that it could be judged by",
        "has no model card",
        "Nobody has brought or used it yet",
    ):
        assert said in page, said


def test_a_hub_without_models_has_a_page() -> None:
    made = pages(Catalogue(datetime.date(2026, 11, 20), "hub.marketplace", ()), "")
    assert list(made) == [INDEX]
    assert b"The hub has no models yet" in made[INDEX]


def test_every_link_leads_to_a_page_of_the_site(site: dict[str, str]) -> None:
    for path, page in site.items():
        ids = set(re.findall(r'id="([^"]+)"', page))
        for address in re.findall(r'href="([^"]+)"', re.sub(r'srcdoc="[^"]*"', "", page)):
            if address.startswith("#"):
                assert address[1:] in ids, f"{path} leads to {address}"
            else:
                parts: list[str] = []
                for part in (PurePosixPath(path).parent / address).parts:
                    parts = parts[:-1] if part == ".." else [*parts, part]
                assert "/".join(parts) in site, f"{path} leads to {address}"


def test_the_search_is_the_only_script(site: dict[str, str]) -> None:
    for path, page in site.items():
        scripts = re.findall(r"<script[^>]*>(.*?)</script>", page, re.DOTALL)
        assert len(scripts) == (1 if path == INDEX else 0), path
        assert not re.findall(r"""\s(?:src|on\w+)=["']""", page), path
        (allowed,) = re.findall(r'<meta http-equiv="content-security-policy" content="([^"]+)">', page)
        assert unescape(allowed) == policy(*scripts)
        assert ("script-src" in allowed) == (path == INDEX)
    assert BAD not in "".join(site.values())


def test_a_link_leads_to_pages_only() -> None:
    part = Part(head=("a",), rows=[[Link("x", "javascript:alert(1)")], [Link('"<b>', 'a"b.html')]])
    page = Page("t", "s", "f", sections=[Section("a", "A", "", [part])]).html()
    assert "javascript:" not in page
    assert '<a href="a&quot;b.html">&quot;&lt;b&gt;</a>' in page


def test_the_policy_names_the_script_by_its_sum() -> None:
    # The hash of this very text is the example of the Content Security Policy specification's section on hashes.
    text = "alert('Hello, world.');"
    assert script_hash(text) == "sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng="
    assert "'sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng='" in policy(text)
    assert "script-src" not in policy()


@given(st.lists(st.text(min_size=1, max_size=300), min_size=2, max_size=8, unique=True))
def test_pages_of_different_models_are_different_files_everywhere(models: list[str]) -> None:
    paths = [page_path(model) for model in models]
    assert len({path.lower() for path in paths}) == len(paths)
    assert all(re.fullmatch(r"models/[a-z0-9_][a-z0-9_.-]{0,110}\.html", path) for path in paths)


def test_the_site_works_from_a_disk(site: dict[str, str], tmp_path: Path) -> None:
    for path, page in site.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(page)
    front = open_address(f"{(tmp_path / INDEX).as_uri()}#q=Transformers%20outside", tmp_path / "none.png", 1200, 800)
    assert "0 of 3" in front.document
    front = open_address(f"{(tmp_path / INDEX).as_uri()}#q=Sentiment%20transformers", tmp_path / "one.png", 1200, 800)
    assert "1 of 3" in front.document
    assert len(re.findall(r'<tr hidden="">', front.document)) == 2
    assert front.colours() > 50
    model = open_address((tmp_path / READMISSION).as_uri(), tmp_path / "model.png", 1200, 3000)
    assert "a script ran</title>" not in model.document
    assert "<title>cardiology__readmission</title>" in model.document
