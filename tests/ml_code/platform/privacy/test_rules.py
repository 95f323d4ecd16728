from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ml_code.platform.errors import ConfigurationError, StepError
from ml_code.platform.privacy.pseudonyms import hashing_key, pseudonym, pseudonymised
from ml_code.platform.privacy.rules import Privacy, protected
from ml_code.projects.hrob.configuration import FOLDER, read_project
from tests.ml_code.conftest import ROOT, Place


def test_columns_are_kept_hashed_or_dropped(place: Place) -> None:
    spark = place.context("test", "2026-01-01").spark
    frame = spark.createDataFrame(
        [("b1", "x", 1.0, 2.0), (None, "y", None, 3.0)], "id string, g string, v double, w double"
    )
    privacy = Privacy(columns={"id": "hash", "v": "drop", "g": "hash"}, others="keep")
    rows = protected(frame, privacy, ["id", "v", "w"], b"secret").collect()
    # g is none of the columns that the rules are for here.
    assert [tuple(row) for row in rows] == [(pseudonym("b1", b"secret"), "x", None, 2.0), (None, "y", None, 3.0)]
    with pytest.raises(ValueError, match="a key is needed"):
        pseudonymised(frame, ["id"], None)


def test_a_pseudonym_is_hmac_sha256() -> None:
    # RFC 4231, test case 2.
    expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert pseudonym("what do ya want for nothing?", b"Jefe") == expected


def test_a_short_key_is_refused(place: Place, services: object) -> None:
    place.client.secrets.create_scope("short-keys")
    place.client.secrets.put_secret("short-keys", "privacy-key", string_value="1234")
    with pytest.raises(StepError, match="has 4 characters, at least 16 are needed"):
        hashing_key(place.context("test", "2026-01-01"), "short-keys")
    place.client.secrets.delete_scope("short-keys")


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ("{birth_id: drop}", "privacy.columns.birth_id: cannot be dropped, labels are joined and members erased by it"),
        ("{visits: hash}", "privacy.columns.visits: a number cannot be hashed; expected keep or drop"),
        ("{risk: drop}", "privacy.columns.risk: no column that a rule can be given for"),
        ("{age_group: drop}", "monitoring.slices: age_group: privacy drops age_group"),
        ("{birth_id: burn}", "privacy.columns.birth_id: should be 'keep', 'hash' or 'drop'"),
    ],
)
def test_rules_that_cannot_hold_are_refused(tmp_path: Path, columns: str, message: str) -> None:
    shutil.copytree(ROOT / FOLDER, tmp_path / FOLDER)
    path = tmp_path / FOLDER / "configs.yml"
    path.write_text(path.read_text().replace("columns: {birth_id: keep}", f"columns: {columns}"))
    with pytest.raises(ConfigurationError, match=message):
        read_project(tmp_path, "prod")
