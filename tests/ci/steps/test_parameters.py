from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ci.errors import Trouble
from ci.repository import ROOT
from ci.steps.manifest import Step, read_manifest
from ci.steps.parameters import filled, settings_values, typed_parameters
from infra.settings import load_settings

DAY = date(2026, 1, 31)
STEP = Step(
    "hrob.train",
    "",
    {
        "catalog": {"type": "string"},
        "trials": {"type": "integer", "default": 20},
        "note": {"type": "string", "default": ""},
    },
)
names = st.from_regex(r"[a-z][a-z0-9_]{0,10}", fullmatch=True)


@given(st.dictionaries(names, st.text(max_size=10)), st.booleans())
def test_both_spellings_say_the_same(parameters: dict[str, str], joined: bool) -> None:
    words = []
    for name, value in parameters.items():
        words += [f"--{name}={value}"] if joined else [f"--{name}", value]
    assert typed_parameters(words) == parameters


@pytest.mark.parametrize("words", [["trials"], ["--trials"], ["--"], ["-t", "3"]])
def test_what_is_no_parameter_is_refused(words: list[str]) -> None:
    with pytest.raises(Trouble):
        typed_parameters(words)


def test_typed_goes_before_settings_before_defaults() -> None:
    assert filled(STEP, {"trials": "3"}, {"catalog": "dev"}) == ["hrob.train", "--catalog", "dev", "--trials", "3"]
    assert filled(STEP, {"catalog": "mine"}, {"catalog": "dev"}) == ["hrob.train", "--catalog", "mine"]


def test_missing_and_unknown_parameters_are_named() -> None:
    with pytest.raises(Trouble, match=r"needs --catalog"):
        filled(STEP, {}, {})
    with pytest.raises(Trouble, match=r"no parameter 'trails': did you mean --trials"):
        filled(STEP, {"trails": "3"}, {"catalog": "dev"})


def test_a_typed_day_bounds_what_is_landed() -> None:
    step = Step("hrob.land", "", {"date": {"type": "date"}, "through": {"type": "date"}})
    known = {"date": "2026-02-01", "through": "2026-02-01"}
    assert filled(step, {"date": "2026-01-31"}, known)[-1] == "2026-01-31"
    assert filled(step, {"date": "2026-01-31", "through": "2026-02-05"}, known)[-1] == "2026-02-05"


def test_the_settings_fill_every_step_of_the_project() -> None:
    settings = load_settings("staging")
    known = settings_values(settings, DAY)
    own = [step for name, step in read_manifest(ROOT).steps.items() if name.startswith("hrob.")]
    assert own, "the marketplace's steps have settings of their own"
    for step in own:
        arguments = filled(step, {"member": "b00001"} if "member" in step.parameters else {}, known)
        assert arguments[arguments.index("--catalog") + 1] == "staging"
        assert arguments[arguments.index("--date") + 1] == "2026-01-31"
        if "rules" in step.parameters:
            assert '"name":"feature-drift"' in arguments[arguments.index("--rules") + 1]
