from __future__ import annotations

import pytest

from ci.errors import Trouble
from ci.lineage.subject import ModelVersion, PredictionRow, parse, parse_prediction
from infra.settings import Settings, load_settings


def settings_of(name: str) -> Settings:
    return load_settings(name, branch="dev")


@pytest.mark.parametrize(
    ("text", "table", "where"),
    [
        ("prod:birth_id=b00123@2026-11-20", "prod.hrob.predictions", {"birth_id": "b00123", "date": "2026-11-20"}),
        ("dev:birth_id=b1", "dev.hrob.predictions", {"birth_id": "b1"}),
        ("a.b-c.scores/key=x,date=2026-01-02", "a.b-c.scores", {"key": "x", "date": "2026-01-02"}),
        ("a.b.c/x=' OR 1;/y", "a.b.c", {"x": "' OR 1;/y"}),  # a value becomes a parameter of the statement
        ("dev:url=https://x/y", "dev.hrob.predictions", {"url": "https://x/y"}),
    ],
)
def test_predictions(text: str, table: str, where: dict[str, str]) -> None:
    assert parse(text, settings_of) == PredictionRow(table, where)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("prod", ModelVersion("prod.hrob.risk", None, "champion")),
        ("prod/3", ModelVersion("prod.hrob.risk", 3, None)),
        ("prod.hrob.risk@challenger", ModelVersion("prod.hrob.risk", None, "challenger")),
        ("a.b.c/12", ModelVersion("a.b.c", 12, None)),
    ],
)
def test_model_versions(text: str, expected: ModelVersion) -> None:
    assert parse(text, settings_of) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a.b/1",
        "prod@",
        "prod/one",
        "a`b.c.d/1",
        "prod:birth_id",
        "prod:=1",
        "prod:a=1,a=2",
        "x y=1",
    ],
)
def test_what_names_nothing_is_refused(text: str) -> None:
    with pytest.raises(Trouble):
        parse(text, settings_of)


def test_only_a_prediction_can_be_reproduced() -> None:
    with pytest.raises(Trouble, match="expected <environment>:<key>=<value>"):
        parse_prediction("prod.hrob.risk/3", settings_of)
