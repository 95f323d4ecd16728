"""What a process that may run a fork's code sees of the caller's variables."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from ci.rehearsal.environment import sealed

_SECRETS = dict.fromkeys(
    (
        "DATABRICKS_TOKEN", "DATABRICKS_HOST", "DATABRICKS_CONFIG_PROFILE", "TF_VAR_databricks_token",
        "TF_VAR_git_token", "TF_TOKEN_app_terraform_io", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "ARM_CLIENT_SECRET",
        "AZURE_CLIENT_SECRET", "GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_CREDENTIALS", "GITHUB_TOKEN", "GH_TOKEN",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "ACTIONS_RUNTIME_TOKEN", "SYSTEM_ACCESSTOKEN", "NPM_TOKEN", "PIP_INDEX_URL",
        "HTTPS_PROXY", "SSH_AUTH_SOCK", "GIT_ASKPASS", "GIT_CONFIG_GLOBAL", "MLFLOW_TRACKING_TOKEN", "BRANCH",
        "ENVIRONMENTS", "COMMIT", "DESTROY_DATA", "PYTHONSTARTUP", "PYTHONPATH",
    ),
    "secret",
)  # fmt: skip


def test_nothing_that_opens_anything_is_handed_on(tmp_path: Path) -> None:
    given_ = {**_SECRETS, "PATH": "/bin", "HOME": "/home/user", "LC_ALL": "C.UTF-8", "SSL_CERT_FILE": "/certs"}
    found = sealed(given_, tmp_path / "home", tmp_path)
    assert "secret" not in found.values()
    assert found["HOME"] == str(tmp_path / "home")
    assert found["PATH"].endswith(":/bin")
    assert (found["LC_ALL"], found["SSL_CERT_FILE"]) == ("C.UTF-8", "/certs")


@given(names=st.sets(st.from_regex(r"[A-Z][A-Z0-9_]{2,20}", fullmatch=True)))
def test_a_variable_that_nobody_thought_of_stays_behind(names: set[str]) -> None:
    known = set(sealed({}, Path("/h"), Path("/r")))
    unknown = {f"X_{name}": "secret" for name in names}
    assert set(sealed(unknown, Path("/h"), Path("/r"))) == known


def test_bytecode_is_kept_where_the_caller_writes_none_beside_the_sources(tmp_path: Path) -> None:
    found = sealed({"PYTHONDONTWRITEBYTECODE": "1"}, tmp_path, tmp_path)
    assert Path(found["PYTHONPYCACHEPREFIX"]).is_relative_to(tmp_path)
    assert "PYTHONDONTWRITEBYTECODE" not in found
