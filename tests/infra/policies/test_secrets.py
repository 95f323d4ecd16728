"""What looks like a credential, and what only bears its name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.policies.secrets import literal_secrets, secret_kind

HEX = st.text("0123456789abcdef", min_size=32, max_size=32)
UPPER = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=16, max_size=16)
LETTERS = st.text("abcdefghijkXYZ0123456789", min_size=36, max_size=36)
TOKEN = st.one_of(
    HEX.map("dapi{}".format),
    HEX.map("dose{}".format),
    UPPER.map("AKIA{}".format),
    LETTERS.map("ghp_{}".format),
    LETTERS.map("glpat-{}".format),
    LETTERS.map("-----BEGIN RSA PRIVATE KEY-----\n{}".format),
)
AROUND = st.text(" \n,;:'\"()", max_size=10)


@given(token=TOKEN, before=AROUND, after=AROUND, depth=st.integers(0, 3))
def test_a_token_is_found_wherever_it_stands_and_never_repeated(
    token: str, before: str, after: str, depth: int
) -> None:
    content: object = {"comment": f"{before}{token}{after}"}
    for _ in range(depth):
        content = [{"inner": content}]
    found = list(literal_secrets(content))
    assert len(found) == 1
    assert token not in " ".join(found[0])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("password", "hunter2"),
        ("client_secret", "x"),
        ("fs.azure.account.key", "abc"),
        ("storage_access_key", "abc"),
        ("token", "abc"),
        ("db_secret", "kJ8#pQ2z!mN5vB7x"),
        ("url", "https://user:hunter2@example.com/x"),
        ("connection", "AccountKey=" + "A1b2" * 12),
    ],
)
def test_a_literal_of_a_secrets_name_is_one(name: str, value: str) -> None:
    assert secret_kind(name, value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("password", "{{secrets/prod-hrob/db}}"),
        ("client_secret", "${var.databricks_client_secret}"),
        ("token", ""),
        ("personal_access_token", "(sensitive)"),
        ("secret_scope", "prod-hrob"),
        ("access_key_id", "an-id"),
        ("secret", "see the guide"),
        ("url", "https://github.com/branchline-example/branchline.git"),
        ("author", "mlops@example.com"),
    ],
)
def test_what_refers_to_a_secret_or_speaks_of_one_is_none(name: str, value: str) -> None:
    assert secret_kind(name, value) is None


def test_a_name_may_stand_beside_its_value() -> None:
    assert list(literal_secrets({"parameter": [{"name": "password", "default": "hunter2"}]})) == [
        ("parameter.default", "a literal value of 'password'")
    ]
    assert [path for path, _ in literal_secrets({"parameters": ["step", "--api_key", "abc", "--date", "x"]})] == [
        "parameters[2]"
    ]
