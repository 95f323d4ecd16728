"""MLmodel: read, judged, renamed with nothing else touched."""

from __future__ import annotations

from contextlib import suppress

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ml_code.platform.marketplace.hub.errors import Unfit
from ml_code.platform.marketplace.hub.model_file import ModelFile

FLAVORS = {"python_function": {"loader_module": "mlflow.sklearn", "env": {"conda": "conda.yaml"}}}
_NAMES = st.sampled_from(["run_id", "model_id", "artifact_path", "model_uuid", "signature", "metadata", "prompts"])
_VALUES = st.one_of(st.text(), st.none(), st.integers(), st.dictionaries(st.text(), st.text(), max_size=3))


@settings(deadline=None)
@given(st.dictionaries(_NAMES, _VALUES))
def test_renaming_changes_the_names_and_nothing_else(fields: dict[str, object]) -> None:
    content = yaml.safe_dump({"flavors": FLAVORS, **fields}, allow_unicode=True).encode()

    before = ModelFile.read(content)

    renamed = before.naming(run_id="r2", model_id="m-2", location="mlflow-artifacts:/1/m-2")

    expected = {**before.fields, "model_id": "m-2", "artifact_path": "mlflow-artifacts:/1/m-2"}
    expected |= {"run_id": "r2"} if "run_id" in fields else {}
    assert ModelFile.read(renamed).fields == expected


def test_a_hub_without_logged_models_is_told_of_none() -> None:
    before = b"artifact_path: x\nflavors: {sklearn: {}}\nmodel_id: m-1\nrun_id: r1\n"

    renamed = ModelFile.read(before).naming(run_id="r2", model_id=None, location="model-m-1")

    assert renamed == b"artifact_path: model-m-1\nflavors: {sklearn: {}}\nrun_id: r2\n"


@pytest.mark.parametrize(
    ("written", "path"),
    [
        ("model", "model"), ("deep/er", "deep/er"), ("mlflow-artifacts:/1/models/m-1/artifacts", "model"),
        ("../up", "model"), ("", "model"), ("/rooted/", "rooted"),
    ],
)  # fmt: skip
def test_the_folder_below_a_run(written: str, path: str) -> None:
    content = yaml.safe_dump({"artifact_path": written, "flavors": FLAVORS}).encode()

    assert ModelFile.read(content).artifact_path == path


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_whatever_it_holds_it_is_read_or_refused(content: bytes) -> None:
    with suppress(Unfit):
        assert ModelFile.read(content).fields["flavors"]


def test_no_object_is_made_of_what_it_says() -> None:
    with pytest.raises(Unfit):
        ModelFile.read(b"flavors: !!python/object/apply:os.getcwd []\n")


def test_a_flavour_is_looked_up_by_its_name_only() -> None:
    found = ModelFile.read(b"flavors: {sklearn: {}, 'os.path': {}, nonesuch: {}}\nmlflow_version: 2.9.1\n")

    assert [note.split()[1] for note in found.notes("2.9.2")] == ["os.path", "nonesuch"]
