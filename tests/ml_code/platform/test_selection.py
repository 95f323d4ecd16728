from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_code.platform.errors import ConfigurationError
from ml_code.platform.features.mappings import Feature, Group, Mappings, read_mappings
from ml_code.platform.features.preparation import Preparation, fit_preparation
from ml_code.platform.features.selection import Imputation, SelectionFile, read_selection, select

GROUPS = {"a": ("a1", "a2"), "b": ("b1", "b2"), "c": ("c1",)}
NAMES = [*GROUPS, *(name for names in GROUPS.values() for name in names)]
MAPPINGS = Mappings(
    primary_key="id",
    day="day",
    description="test",
    groups={
        group: Group(
            description=group,
            features={name: Feature(words=name, expression=name, low=0, high=1) for name in names},
        )
        for group, names in GROUPS.items()
    },
)


def test_groups_and_single_features() -> None:
    chosen = select(MAPPINGS, SelectionFile(keep=("a", "b", "c1"), drop=("b2",)))
    assert chosen.features == ("a1", "a2", "b1", "c1")


def test_a_single_feature_outranks_its_dropped_group() -> None:
    assert select(MAPPINGS, SelectionFile(keep=("a", "b1"), drop=("b",))).features == ("a1", "a2", "b1")


@given(st.sets(st.sampled_from(NAMES), min_size=1), st.sets(st.sampled_from(NAMES)))
def test_what_is_chosen_follows_from_the_most_specific_name(keep: set[str], drop: set[str]) -> None:
    drop -= keep
    expected = [
        name
        for group, names in GROUPS.items()
        for name in names
        if name in keep or (name not in drop and group in keep)
    ]
    file = SelectionFile(keep=tuple(keep), drop=tuple(drop))
    if expected:
        assert list(select(MAPPINGS, file).features) == expected
    else:
        with pytest.raises(ConfigurationError, match="leave no feature"):
            select(MAPPINGS, file)


def test_imputation_goes_by_feature_then_group_then_default() -> None:
    file = SelectionFile(
        keep=("a", "b", "c"),
        imputation={
            "default": Imputation(method="mean"),
            "a": Imputation(method="median"),
            "a2": Imputation(method="constant", value=9.0),
            "c": Imputation(method="none"),
        },
    )
    rows = pd.DataFrame({name: [1.0, 2.0, 6.0, None] for name in ("a1", "a2", "b1", "b2", "c1")})
    preparation = fit_preparation(select(MAPPINGS, file), rows)
    assert preparation.fill == {"a1": 2.0, "a2": 9.0, "b1": 3.0, "b2": 3.0}
    last = preparation.matrix(rows)[-1]
    assert list(last[:4]) == [2.0, 9.0, 3.0, 3.0]
    assert np.isnan(last[4])
    assert Preparation.from_dict(preparation.as_dict()).fill == preparation.fill


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("keep: [a, nope]", "keep: nope is neither a group nor a feature"),
        ("keep: [a]\ndrop: [a]", "a is both in keep and in drop"),
        ("keep: [a]\nfilter: [b]", "filter: unknown key"),
        ("keep: a", "keep: .*expected|keep: .*array"),
        ("keep: [a]\nimputation: {a: {method: guess}}", "imputation.a.method: .*median"),
        ("keep: [a]\nimputation: {a: {method: constant}}", "imputation.a: expected a value"),
        ("keep: [a", "line 1 is not valid YAML|line 2 is not valid YAML"),
    ],
)
def test_mistakes_name_file_and_key(tmp_path: Path, file: str, message: str) -> None:
    path = tmp_path / "feature_selection_config.yml"
    path.write_text(file)
    with pytest.raises(ConfigurationError, match=message) as caught:
        read_selection(path, MAPPINGS)
    assert "feature_selection_config.yml" in str(caught.value)


def test_a_feature_in_two_groups_is_refused(tmp_path: Path) -> None:
    feature = "{words: w, expression: x, low: 0, high: 1}"
    path = tmp_path / "feature_mappings.yml"
    path.write_text(
        "primary_key: id\nday: d\ndescription: t\ngroups:\n"
        f"  a: {{description: a, features: {{x: {feature}}}}}\n"
        f"  b: {{description: b, features: {{x: {feature}}}}}\n"
    )
    with pytest.raises(ConfigurationError, match="feature x of group b is there already, in a"):
        read_mappings(path)
