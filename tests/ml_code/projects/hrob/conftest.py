"""A project with a champion and scored days, made once for the tests of what comes after scoring."""

from __future__ import annotations

import contextlib
import datetime
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from databricks.sdk.errors import ResourceAlreadyExists
from databricks.sdk.service.catalog import VolumeType

from ml_code.context import Context
from ml_code.platform import tables
from ml_code.platform.privacy.pseudonyms import SECRET
from ml_code.platform.registry.versions import CHAMPION, Versions
from ml_code.platform.volumes import Volume
from ml_code.projects.hrob import features, ingest, score, train
from ml_code.projects.hrob.generator import Population, births
from ml_code.projects.hrob.land import in_file_order
from tests.ml_code.conftest import CATALOG, ROOT, Place, Services

SCOPE = "dev-hrob"
KEY = "a key of sufficient length"
TRAINED = datetime.date(2026, 6, 30)
SCORED = (datetime.date(2026, 2, 3), datetime.date(2026, 2, 4))


@dataclass(frozen=True)
class Project:
    """The place, and a checkout whose privacy rules hash the identifier and drop a feature."""

    place: Place
    root: Path

    def context(self, day: datetime.date) -> Context:
        return self.place.context("test", day, self.root)

    def score(self, day: datetime.date, **options: Any) -> score.Scored:
        return score.run(self.context(day), model=self.place.model, **options)

    def rows(self, name: str) -> list[dict[str, Any]]:
        context = self.context(TRAINED)
        return tables.to_arrow(context.spark.table(context.table(name))).to_pylist()

    def version(self, name: str) -> int:
        context = self.context(TRAINED)
        return tables.version(context.spark, context.table(name))


@pytest.fixture(scope="session")
def scored(services: Services, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    client = services.client
    client.schemas.create("hrob_scored", CATALOG)
    client.volumes.create(CATALOG, "hrob_scored", "landing", VolumeType.MANAGED)
    client.workspace.mkdirs("/Shared")
    with contextlib.suppress(ResourceAlreadyExists):
        client.secrets.create_scope(SCOPE)
    client.secrets.put_secret(SCOPE, SECRET, string_value=KEY)
    root = tmp_path_factory.mktemp("scored") / "checkout"
    shutil.copytree(ROOT / "ml_code", root / "ml_code")
    configs = root / "ml_code/projects/hrob/configs.yml"
    text = configs.read_text().replace("plots_every_trial: true", "plots_every_trial: false")
    assert "columns: {birth_id: keep}" in text
    configs.write_text(text.replace("columns: {birth_id: keep}", "columns: {birth_id: hash, boy: drop}"))

    project = Project(Place("hrob_scored", client), root)
    with services.here():
        context = project.context(TRAINED)
        members = in_file_order(births(Population(members=4_000, days=60)).to_pandas())
        volume = Volume(context.workspace, context.volume("landing"))
        for number, half in enumerate((members[:2_000], members[2_000:])):
            volume.write(f"generated-{number}.csv", half.to_csv(index=False).encode())
        ingest.run(context)
        features.run(context)
        train.run(context, model=project.place.model, experiment=project.place.experiment, trials=1)
        Versions(project.place.model).point(CHAMPION, 1)
        for day in SCORED:
            project.score(day)
    yield project
    client.secrets.delete_secret(SCOPE, SECRET)
