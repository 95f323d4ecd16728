"""The platform's suites on the project's own data: what every project here has, in a few lines."""

from __future__ import annotations

import datetime

import pytest

from ml_code.platform.suites.concept_drift import ConceptDriftSuite, History
from ml_code.platform.suites.end_to_end import EndToEndSuite, Stage, Walk
from ml_code.platform.volumes import Volume
from ml_code.projects.hrob import features, ingest, promote, score, train
from ml_code.projects.hrob.generator import Population, births
from ml_code.projects.hrob.land import in_file_order
from ml_code.projects.hrob.schema import DAY, KEY, LABEL, OUTCOME_DAY
from tests.ml_code.conftest import Services, new_place

DAY_OF_THE_WALK = datetime.date(2026, 3, 1)
MEMBERS = Population(members=6_000, days=60, outcome_delay=(1, 20))


class TestEndToEnd(EndToEndSuite):
    @pytest.fixture(scope="class")
    @classmethod
    def walk(cls, services: Services) -> Walk:
        place = new_place(services)
        content = in_file_order(births(MEMBERS).to_pandas()).to_csv(index=False).encode()
        Volume(place.client, f"/Volumes/ml_code_tests/{place.schema}/landing").write("generated-all.csv", content)
        model = {"model": place.model, "experiment": place.experiment}
        return Walk(
            context_of=place.context,
            day=DAY_OF_THE_WALK,
            prepare=(Stage("hrob.ingest", ingest.run), Stage("hrob.features", features.run)),
            train=(
                Stage("hrob.train", train.run, {**model, "trials": 2}),
                Stage("hrob.promote", promote.run, {**model, "floor": 0.5, "threshold": 0.0}),
            ),
            score=(Stage("hrob.score", score.run, {"model": place.model}),),
            features="features",
            labels="labels",
            predictions="predictions",
            key=KEY,
            row_day=DAY,
            known_on=OUTCOME_DAY,
            probability="risk",
        )


class TestConceptDrift(ConceptDriftSuite):
    @pytest.fixture(scope="class")
    @classmethod
    def rows(cls) -> History:
        frame = births(Population(members=12_000)).to_pandas()
        frame[LABEL] = (frame["bwght"] < 2500).astype(int)
        return History(frame, ("mage", "meduc", "monpre", "npvis", "fage", "feduc", "cigs"), LABEL, DAY)
