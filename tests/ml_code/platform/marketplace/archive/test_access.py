"""The archive's access comes out of a secret, and no message shows any of it."""

from __future__ import annotations

import datetime

import pytest

from ml_code.context import Context
from ml_code.platform.errors import ConfigurationError
from ml_code.platform.marketplace.archive.access import options_of


class _Secrets(Context):
    content = ""
    asked: tuple[str, str] = ("", "")

    def secret(self, scope: str, key: str) -> str:
        self.asked = (scope, key)
        return self.content


@pytest.fixture
def context() -> _Secrets:
    return _Secrets("marketplace.export", ".", "dev", "c", "s", datetime.date(2026, 3, 1))


def test_options_out_of_a_secret(context: _Secrets) -> None:
    context.content = '{"key": "k", "client_kwargs": {"region_name": "eu-central-1"}}'
    assert options_of(context, "market/archive") == {"key": "k", "client_kwargs": {"region_name": "eu-central-1"}}
    assert context.asked == ("market", "archive")


def test_without_a_secret_the_cluster_is_who_it_is(context: _Secrets) -> None:
    assert options_of(context, "") == {}
    assert context.asked == ("", "")


@pytest.mark.parametrize("name", ["market", "market/", "/archive"])
def test_a_name_that_names_no_secret(context: _Secrets, name: str) -> None:
    with pytest.raises(ConfigurationError, match="expected scope/key"):
        options_of(context, name)


@pytest.mark.parametrize("content", ["AKIA-very-secret", '["AKIA-very-secret"]', ""])
def test_a_secret_that_holds_something_else_is_not_shown(context: _Secrets, content: str) -> None:
    context.content = content
    with pytest.raises(ConfigurationError, match="secret market/archive: expected") as caught:
        options_of(context, "market/archive")
    assert "very-secret" not in str(caught.value)
