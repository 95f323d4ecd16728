from __future__ import annotations

import pytest

from ci.errors import Trouble
from ci.jobs.find import parameters


def test_parameters_may_hold_equals_signs() -> None:
    assert parameters(["trials=3", "filter=a=b", "note="]) == {"trials": "3", "filter": "a=b", "note": ""}


@pytest.mark.parametrize("pair", ["trials", "=3", ""])
def test_what_is_no_pair_is_refused(pair: str) -> None:
    with pytest.raises(Trouble, match="expected key=value"):
        parameters([pair])
