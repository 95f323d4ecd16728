"""Names in the hub: legal ones only, and no two origins under one name unless the rule says so."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml_code.platform.errors import ConfigurationError
from ml_code.platform.marketplace.hub.errors import Unfit
from ml_code.platform.marketplace.hub.naming import check_template, hub_name

PLACE = "hub.models"


def test_the_fields_of_the_rule() -> None:
    assert hub_name("{workspace}__{model}", "dev01", "main.births.risk", PLACE) == "hub.models.dev01__risk"
    assert hub_name("{catalog}_{schema}_{model}", "dev01", "main.births.risk", None) == "main_births_risk"
    assert hub_name("{workspace}__{model}", "dev01", "risk", None) == "dev01__risk"


def test_unity_catalog_keeps_names_in_lower_case() -> None:
    assert hub_name("{model}", "dev01", "Risk", PLACE) == "hub.models.risk"
    assert hub_name("{model}", "dev01", "Risk", None) == "Risk"


@pytest.mark.parametrize("model", ["my model", "a/b", "a.b", "x" * 256, "tab\there"])
def test_what_unity_catalog_does_not_take_is_refused(model: str) -> None:
    with pytest.raises(Unfit, match=r"dev01's .* in hub\.models of Unity Catalog"):
        hub_name("{model}", "dev01", model, PLACE)


@pytest.mark.parametrize("model", ["a/b", "a:b", " "])
def test_what_mlflow_does_not_take_is_refused(model: str) -> None:
    with pytest.raises(Unfit):
        hub_name("{model}", "dev01", model, None)


@pytest.mark.parametrize("template", ["{workspace}", "{model", "{model}_{team}", "{}", "{0}_{model}"])
def test_a_rule_that_is_none_is_a_wrong_setting(template: str) -> None:
    with pytest.raises(ConfigurationError, match="naming"):
        check_template(template)


@settings(deadline=None)
@given(st.text(max_size=300))
def test_a_name_is_legal_or_refused(model: str) -> None:
    try:
        name = hub_name("{workspace}__{model}", "dev01", model, PLACE)
    except Unfit:
        return
    short = name.removeprefix(f"{PLACE}.")
    assert name == name.lower()
    assert 0 < len(short) <= 255
    assert not set(" ./\n\t") & set(short)
