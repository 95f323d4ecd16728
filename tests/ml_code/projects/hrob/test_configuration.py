from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ml_code.platform.errors import ConfigurationError
from ml_code.projects.hrob.configuration import FOLDER, read_parameters, read_project
from tests.ml_code.conftest import ROOT


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / FOLDER, tmp_path / FOLDER)
    return tmp_path / FOLDER


def test_an_environment_overrides_what_it_names_and_nothing_else(folder: Path) -> None:
    dev, prod = (read_parameters(folder / "configs.yml", name) for name in ("dev", "prod"))
    assert dev.validation.bootstrap != prod.validation.bootstrap
    assert dev.validation.metric == prod.validation.metric
    assert dev.landing == prod.landing


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("  landing:", "  landin:", "landing: missing; expected a value"),
        ("seed: 7", "seed: seven", r"validation.seed: should be a valid integer, found 'seven'"),
        ("train: 50", "train: 60", "split: train, validation and test must add up to 100, not 110"),
        ("from: 0.06", "from: 0.5", "bands must fall"),
        ("reasons_for: [high", "reasons_for: [huge", "reasons_for names no band: huge"),
        ("first_day: 2026-01-01", "first_day: soon", "landing.first_day: .*date"),
        ("bootstrap: 1000", "bootstraps: 1000", r"environment prod\): validation.bootstraps: unknown key"),
        ("metric: auc", "metric: accuracy", "validation.metric: should be 'auc' or 'average_precision'"),
        ("threads: 2", "threads: '2'", "search.threads: should be a valid integer"),
    ],
)
def test_mistakes_name_file_key_and_expectation(folder: Path, old: str, new: str, message: str) -> None:
    path = folder / "configs.yml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(ConfigurationError, match=message) as caught:
        read_parameters(path, "dev")
    assert "configs.yml" in str(caught.value)


def test_an_unknown_environment_lists_those_there_are(folder: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"environments\.qa: missing; there are dev, staging, prod"):
        read_parameters(folder / "configs.yml", "qa")


@pytest.mark.parametrize("outcome", ["bwght", "omaps", "FMAPS", "outcome_date"])
def test_a_feature_that_uses_an_outcome_is_refused(folder: Path, outcome: str) -> None:
    path = folder / "feature_mappings.yml"
    path.write_text(path.read_text().replace("expression: mage,", f"expression: mage + {outcome},"))
    with pytest.raises(ConfigurationError, match=f"mother_age.expression: uses the outcome {outcome.lower()}"):
        read_project(folder.parents[2], "dev")


def test_protected_attributes_are_in_the_table_and_not_in_the_model() -> None:
    project = read_project(ROOT, "prod")
    sensitive = {name for name, feature in project.mappings.features.items() if feature.sensitive}
    assert sensitive
    assert not sensitive & set(project.selection.features)
