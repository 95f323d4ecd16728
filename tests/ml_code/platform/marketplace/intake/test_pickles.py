"""The op-code machine: what it lets through, what it refuses, and that it sees the names that unpickling would."""

from __future__ import annotations

import collections
import io
import pickle
import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from ml_code.platform.marketplace.intake.pickle_names import allowed_names
from ml_code.platform.marketplace.intake.pickles import Unsafe, check_pickle, would_call

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner),
    max_leaves=20,
)


def check(content: bytes, **options: Any) -> set[str]:
    return check_pickle(io.BytesIO(content), allowed_names(), **options)


class Calls:
    """Pickles as a call; nothing in this process ever unpickles it."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> Any:
        return self.call


def seen(content: bytes) -> set[str]:
    """The names that unpickling asks for, of harmless content."""

    names: set[str] = set()

    class Unpickler(pickle.Unpickler):
        def find_class(self, module: str, name: str) -> Any:
            names.add(f"{module}.{name}")
            return super().find_class(module, name)

    Unpickler(io.BytesIO(content)).load()
    return names


@settings(deadline=None, max_examples=60)
@given(value=plain, protocol=st.sampled_from(PROTOCOLS))
def test_plain_data_passes_and_uses_no_more_than_unpickling_asks_for(value: Any, protocol: int) -> None:
    content = pickle.dumps(value, protocol)
    assert check(content) == seen(content)


@settings(deadline=None, max_examples=60)
@given(value=plain, protocol=st.sampled_from(PROTOCOLS), function=st.sampled_from([eval, exec, open, getattr, compile]))
def test_a_call_is_refused_wherever_it_hides(value: Any, protocol: int, function: Any) -> None:
    content = pickle.dumps([value, {"deep": (value, Calls(function, "1"))}], protocol)
    with pytest.raises(Unsafe, match="not on the list of harmless names"):
        check(content)


@settings(deadline=None, max_examples=60)
@given(st.binary(max_size=200))
def test_bytes_of_any_kind_are_judged_and_nothing_else_is_raised(content: bytes) -> None:
    try:
        check(content)
    except Unsafe:
        return
    assert content.endswith(b".")


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    "model",
    [
        make_pipeline(StandardScaler(), LogisticRegression()),
        RandomForestClassifier(n_estimators=2),
        GradientBoostingClassifier(n_estimators=2),
    ],
    ids=["pipeline", "forest", "boosting"],
)
def test_fitted_estimators_pass(model: Any, protocol: int) -> None:
    rows = np.linspace(0, 1, 40).reshape(20, 2)
    content = pickle.dumps(model.fit(rows, rows[:, 0] > 0.5), protocol)
    assert check(content) == seen(content)


def test_an_estimator_that_calls_what_it_is_given_is_refused() -> None:
    with pytest.raises(Unsafe, match="FunctionTransformer"):
        check(pickle.dumps(FunctionTransformer(np.log1p)))


def test_arrays_and_ordered_dicts_pass() -> None:
    value = collections.OrderedDict(a=np.arange(3), b=np.float32(1.5))
    content = pickle.dumps(value)
    assert check(content) == seen(content)


BYPASSES = {
    "dotted name through a harmless module": b"\x80\x04\x8c\x0bcollections\x8c\x18OrderedDict.__init__.foo\x93.",
    "name from the memo": b"\x80\x04\x8c\x02os\x94\x8c\x06system\x94h\x00h\x01\x93\x8c\x02id\x85R.",
    "name from a byte string": b"\x80\x04U\x02osU\x06system\x93\x8c\x02id\x85R.",
    "INST": b"(S'id'\nios\nsystem\n.",
    "OBJ": b"(cos\nsystem\nS'id'\no.",
    "extension code": b"\x80\x02\x82\x01.",
    "persistent id": b"\x80\x02\x8c\x02idQ.",
    "call before the damage": b"cos\nsystem\n(S'id'\ntR\xff\xff",
    "a second pickle behind the first": pickle.dumps(1) + b"cos\nsystem\n(S'id'\ntR.",
    "no end": pickle.dumps([1, 2])[:-1],
    "empty": b"",
    "class changed by BUILD": b"\x80\x02ccollections\nOrderedDict\n}U\x01aK\x01sb.",
    "class changed by APPEND": b"\x80\x02cbuiltins\nlist\nK\x01a.",
    "result called": b"\x80\x02cbuiltins\nobject\n)R)R.",
    "mark taken for a value": b"\x80\x02(0N(\x85.",
    "runstring of numpy": b"\x80\x02cnumpy.testing._private.utils\nrunstring\n(S'1'\n}tR.",
    "getattr by another name": b"\x80\x02c__builtin__\ngetattr\n(S'1'\nS'2'\ntR.",
}


@pytest.mark.parametrize("content", BYPASSES.values(), ids=BYPASSES.keys())
def test_ways_around_are_refused(content: bytes) -> None:
    with pytest.raises(Unsafe):
        check(content)


def test_the_memo_is_followed_as_it_is_overwritten() -> None:
    # Slot 0 first holds a harmless module, then another: what is looked up is the latter.
    content = b"\x80\x04\x8c\x0bcollectionsq\x000\x8c\x02osq\x000h\x00\x8c\x06system\x93."
    with pytest.raises(Unsafe, match=r"os\.system"):
        check(content)


def test_storages_of_pytorch_pass_only_where_they_belong() -> None:
    storage = b"(\x8c\x07storagectorch\nFloatStorage\n\x8c\x010\x8c\x03cpuK\x04tQ"
    with pytest.raises(Unsafe, match="BINPERSID"):
        check(b"\x80\x02" + storage + b".")
    assert check(b"\x80\x02" + storage + b".", tensors=True) == {"torch.FloatStorage"}
    with pytest.raises(Unsafe, match="outside"):
        check(b"\x80\x02(\x8c\x05othertQ.", tensors=True)


def test_an_allowed_name_of_the_policy_passes() -> None:
    content = pickle.dumps(Calls(struct.calcsize, "i"))
    with pytest.raises(Unsafe):
        check(content)
    names = check_pickle(io.BytesIO(content), allowed_names() | {"_struct.calcsize"})
    assert names == {"_struct.calcsize"}


def test_texts_that_would_call_something_are_seen() -> None:
    assert str(would_call(io.BytesIO(b"cos\nsystem\n(S'id'\ntR and more"))) == "os.system"
    assert str(would_call(io.BytesIO(b"(S'id'\nios\nsystem\n."))) == "os.system"


@pytest.mark.parametrize(
    "text", ["", "{}", "# A model card\n\nIt was trained.", "config of\nsomething\nelse", '{"a": [1, 2]}', "(not code)"]
)
def test_words_are_no_pickles(text: str) -> None:
    assert would_call(io.BytesIO(text.encode())) is None
