from __future__ import annotations

from ci.lineage.text import tree
from ci.lineage.trail import Kind, Node, State, Tracing


def test_each_thing_is_described_once_where_it_is_nearest() -> None:
    tracing = Tracing()
    for id, kind, title, facts in (
        ("prediction", Kind.PREDICTION, "p", {"risk": "0.5", "band": "low"}),
        ("model", Kind.MODEL, "m v1", {}),
        ("features", Kind.FEATURES, "f @ v2", {"rows": "7"}),
        ("commit", Kind.COMMIT, "abc", {"message": "a long message that does not fit into the width of this page"}),
    ):
        tracing.add(Node(id=id, kind=kind, title=title, facts=facts))
    tracing.link("model", "prediction", "scored")
    tracing.link("features", "model", "taught")
    tracing.link("features", "prediction", "gave the inputs of")
    tracing.link("commit", "model", "made")
    tracing.gap(Kind.PULL_REQUEST, "commit", "pull request", "pushed directly", "brought")
    lines = [line.plain for line in tree(tracing.trail("prediction"), 50)]
    assert lines == [
        "prediction p",
        "│  risk  0.5",
        "│  band  low",
        "│",
        "├─ scored it: model version m v1",
        "│  │",
        "│  ├─ taught it: features f @ v2 …",
        "│  │",
        "│  └─ made it: commit abc",
        "│     │  message  a long message that does not fit",
        "│     │           into the width of this page",
        "│     │",
        "│     └─ brought it: GAP: pull request",
        "│           pushed directly",
        "│",
        "└─ gave the inputs of it: features f @ v2",
        "      rows  7",
        "The trail has 1 gap: pull request.",
    ]


def test_what_came_of_a_model_follows_what_it_came_from() -> None:
    tracing = Tracing()
    tracing.add(Node(id="model", kind=Kind.MODEL, title="m v1"))
    tracing.add(Node(id="run", kind=Kind.RUN, title="r"), into="model", relation="registered")
    tracing.add(Node(id="none", kind=Kind.JOB, title="job", state=State.NONE, reason="nobody scores"))
    tracing.link("model", "none", "scores in")
    lines = [line.plain for line in tree(tracing.trail("model"), 80)]
    assert lines == [
        "model version m v1",
        "│",
        "├─ registered it: MLflow run r",
        "│",
        "└─ it scores in: job",
        "      nobody scores",
        "The trail is whole: 3 things, 2 links.",
    ]
