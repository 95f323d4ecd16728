"""The whole check: what is accepted, what is refused and by which rule, and that what is refused is never opened."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pytest
import yaml

from ml_code.platform.marketplace.intake.__main__ import main
from ml_code.platform.marketplace.intake.check import Checked, check
from ml_code.platform.marketplace.intake.findings import Report
from ml_code.platform.marketplace.intake.policy import FILE
from ml_code.platform.marketplace.intake.request import FOLDER, NamedRequest
from tests.support.model_hub import COMMIT, ModelHub, serving
from tests.support.model_requests import (
    TRANSFORMERS,
    classifier,
    of_hub,
    policy,
    request,
    transformer_files,
)


@pytest.fixture
def hub() -> Iterator[ModelHub]:
    with serving(files={"model.pkl": classifier(), "README.md": b"# Notes\n"}) as found:
        yield found


def judge(hub: ModelHub, tmp_path: Path, named: NamedRequest | None = None, **options: Any) -> Checked:
    return check(named or request(of_hub(hub.url)), policy(hub.url), tmp_path / "work", **options)


def refusals(report: Report) -> list[str]:
    return [each.rule for each in report.findings if each.level == "refused"]


def test_a_harmless_model_is_accepted_and_loaded_in_isolation(
    hub: ModelHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pickle, "loads", None)
    monkeypatch.setattr(pickle, "load", None)
    said: list[str] = []
    checked = judge(hub, tmp_path, say=said.append)
    report = checked.report
    assert (report.verdict, refusals(report)) == ("accepted", [])
    assert report.loaded.state == "loaded", report.loaded
    assert "answers a row" in report.loaded.told
    assert report.flavors == ("python_function", "sklearn")
    assert {file.path: file.kind for file in report.files} == {
        "MLmodel": "text",
        "README.md": "text",
        "conda.yaml": "text",
        "model.pkl": "pickle",
        "python_env.yaml": "text",
        "requirements.txt": "text",
    }
    assert checked.folder is not None
    assert report.scanner.startswith("modelscan 0.")
    assert report.to_document() == json.loads(json.dumps(report.to_document()))
    assert [line.partition(": ")[2].split()[0] for line in said] == ["fetching", "scanning", "loading"]


def test_the_same_model_has_the_same_content(hub: ModelHub, tmp_path: Path) -> None:
    once, again = (judge(hub, tmp_path / name, load=False).report for name in ("a", "b"))
    assert once.content_sha256 == again.content_sha256 != ""
    hub.files["README.md"] = b"# Others\n"
    assert judge(hub, tmp_path / "c", load=False).report.content_sha256 != once.content_sha256


@pytest.mark.parametrize(
    ("files", "rule", "told"),
    [
        ({"model.pkl": b"cos\nsystem\n(S'id'\ntR."}, "pickle", "os.system"),
        ({"model.pkl": pickle.dumps(print)}, "pickle", "builtins.print"),
        ({"model.pkl": classifier(), "notes.txt": b"cos\nsystem\n(S'id'\ntR."}, "pickle", "os.system"),
        ({"model.pkl": classifier(), "config.json": b'{"auto_map": {}}'}, "code", "auto_map"),
        ({"model.pkl": classifier(), "other.pkl": classifier()}, "format", "expected model.skops or model.pkl, once"),
    ],
)
def test_malicious_and_wrong_models_are_refused(
    hub: ModelHub, tmp_path: Path, files: dict[str, bytes], rule: str, told: str
) -> None:
    hub.files = files
    checked = judge(hub, tmp_path)
    assert checked.folder is None
    assert rule in refusals(checked.report)
    assert told in " ".join(each.told for each in checked.report.findings)
    assert checked.report.loaded.state == "skipped", "what is refused is never opened"


def test_modelscan_has_its_say_beside_our_own_list(hub: ModelHub, tmp_path: Path) -> None:
    hub.files = {"model.pkl": b"cos\nsystem\n(S'id'\ntR."}
    by = {each.rule: each for each in judge(hub, tmp_path).report.findings}
    assert "CRITICAL" in by["modelscan"].told
    assert by["modelscan"].file == "model.pkl"


@pytest.mark.parametrize(
    ("requested", "stated", "verdict"),
    [
        ("Apache-2.0", "apache-2.0", "accepted"),
        ("Apache-2.0", None, "accepted"),
        ("Apache-2.0", "cc-by-nc-4.0", "refused"),
        ("MIT", "apache-2.0", "refused"),
        ("GPL-3.0-only", "gpl-3.0", "refused"),
    ],
)
def test_licences(hub: ModelHub, tmp_path: Path, requested: str, stated: str | None, verdict: str) -> None:
    hub.licence = stated
    report = judge(hub, tmp_path, request(of_hub(hub.url), licence=requested), load=False).report
    assert report.verdict == verdict
    assert ("licence" in refusals(report)) == (verdict == "refused")
    if stated is None:
        assert any("states no licence" in each.told for each in report.findings)


def test_what_the_policy_rules_out_is_not_even_fetched(hub: ModelHub, tmp_path: Path) -> None:
    report = judge(hub, tmp_path, request(of_hub("https://example.com"), licence="GPL-3.0-only")).report
    assert refusals(report) == ["licence", "source"]
    assert hub.asked == []


def test_a_model_of_transformers_without_the_library_has_its_tensors_read(hub: ModelHub, tmp_path: Path) -> None:
    hub.files = transformer_files()
    checked = judge(hub, tmp_path, request(of_hub(hub.url), **TRANSFORMERS))
    assert checked.report.verdict == "accepted", checked.report.findings
    assert checked.report.loaded.told.startswith(("layout of 2 tensors is whole", "it loads"))
    assert not any(each.rule == "preference" for each in checked.report.findings)


def test_a_booster_in_its_own_text_format(hub: ModelHub, tmp_path: Path) -> None:
    rows = np.linspace(0, 1, 200).reshape(100, 2)
    data = lightgbm.Dataset(rows, rows[:, 0] > 0.5)
    booster = lightgbm.train({"verbose": -1, "objective": "binary", "num_threads": 1}, data, 2)
    hub.files = {"model.txt": booster.model_to_string().encode()}
    named = request(of_hub(hub.url), format="lightgbm", requirements=[f"lightgbm=={lightgbm.__version__}"])
    report = judge(hub, tmp_path, named, load=False).report
    assert report.verdict == "accepted", report.findings
    assert report.flavors == ("lightgbm", "python_function")


def test_an_mlflow_model_as_it_is(hub: ModelHub, tmp_path: Path) -> None:
    flavors = {"sklearn": {"pickled_model": "model.pkl", "serialization_format": "pickle"}}
    signature = {"inputs": '[{"name": "a", "type": "double"}]', "outputs": None, "params": None}
    found = {"flavors": flavors, "signature": signature}
    hub.files = {"m/MLmodel": yaml.safe_dump(found).encode(), "m/model.pkl": classifier(), "README.md": b"words"}
    named = request(of_hub(hub.url), format="mlflow", requirements=None, signature=None)
    checked = judge(hub, tmp_path, named, load=False)
    assert checked.report.verdict == "accepted", checked.report.findings
    assert [file.path for file in checked.report.files] == ["MLmodel", "model.pkl"]
    assert checked.report.signature == signature
    hub.files["m/MLmodel"] = yaml.safe_dump({"flavors": flavors}).encode()
    assert "no signature" in str(judge(hub, tmp_path / "b", named, load=False).report.findings)
    hub.files["m/code/extra.py"] = b"x = 1\n"
    assert "code" in refusals(judge(hub, tmp_path / "c", named, load=False).report)


def test_the_process_of_a_pull_request_reports_refused_and_failed(hub: ModelHub, tmp_path: Path) -> None:
    hub.files["model.pkl"] = b"cos\nsystem\n(S'id'\ntR."
    with serving() as gone:
        nowhere = gone.url
    asked = {"evil": of_hub(hub.url), "nowhere": of_hub(nowhere)}
    (tmp_path / FOLDER).mkdir(parents=True)
    for number, (name, source) in enumerate(asked.items(), 1):
        content = request(source, version=number).request.model_dump_json()
        (tmp_path / FOLDER / f"{name}.yaml").write_text(content)
    (tmp_path / FILE).write_text(policy(hub.url, nowhere).model_dump_json())
    assert main(str(tmp_path), str(tmp_path / "answer.json")) == 0
    evil, failed = json.loads((tmp_path / "answer.json").read_text())
    assert (evil["request"], evil["verdict"], evil["revision"]) == ("evil", "refused", COMMIT)
    assert (failed["request"], failed["verdict"]) == ("nowhere", "failed")
    assert "cannot be fetched" in failed["findings"][0]["told"]
    assert main(str(tmp_path), str(tmp_path / "answer.json"), "gone") == 1
