"""What settings say, and how wrong ones are reported."""

from collections.abc import Callable
from pathlib import Path

import pytest

from infra.settings import SettingsError, load_all, load_project, load_settings

Edit = Callable[[str, str, str], None]


def problems(folder: Path, environment: str = "prod") -> list[str]:
    with pytest.raises(SettingsError) as raised:
        load_settings(environment, folder=folder, repository=folder, variables={})
    return [str(problem) for problem in raised.value.problems]


def test_environments_are_pinned_to_their_branches() -> None:
    settings = load_all(variables={"BRANCH": "dev"})
    assert {name: (s.branch, s.catalog) for name, s in settings.items()} == {
        "dev": ("dev", "dev"),
        "staging": ("main", "staging"),
        "prod": ("release", "prod"),
    }


def test_names_follow_from_environment_and_project() -> None:
    prod = load_settings("prod")
    assert prod.volume_path == "/Volumes/prod/hrob/landing"
    assert prod.model_full_name == "prod.hrob.risk"
    assert prod.experiment_name == "/branchline/prod/hrob"
    assert prod.job_name("training") == "prod-hrob-training"
    assert (prod.policy_name, prod.secret_scope) == ("prod-hrob-jobs", "prod-hrob")


def test_only_prod_runs_by_schedule_and_only_dev_is_copied() -> None:
    settings = load_all(variables={"BRANCH": "dev"})
    assert [name for name, s in settings.items() if s.schedules_active] == ["prod"]
    assert [name for name, s in settings.items() if s.values.copies.allowed] == ["dev"]


def test_an_unknown_key_is_named_with_line_and_the_likely_one(folder: Path, edit: Edit) -> None:
    edit("prod.yaml", "catalog: prod", "catlog: prod")
    found = problems(folder)
    assert "prod.yaml:3: catlog: unknown key; did you mean 'catalog'?" in found
    assert any(p.startswith("prod.yaml: catalog: missing; expected a value (Unity Catalog") for p in found)


def test_an_unknown_key_deep_inside_is_named_by_its_path(folder: Path, edit: Edit) -> None:
    edit("prod.yaml", "workers: 0}", "wrokers: 0}")
    found = problems(folder)
    assert any("compute.sizes.small.wrokers: unknown key; did you mean 'workers'?" in p for p in found)
    assert any("compute.sizes.small.workers: missing" in p for p in found)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "retries: 1",
            "retries: two",
            "jobs.retries: expected integer (further attempts of a failed task), found 'two'",
        ),
        ("retries: 1", 'retries: "1"', "jobs.retries: expected integer"),
        ("floor: 0.5", "floor: 5", "promotion.floor: expected less than or equal to 1"),
        ("schedules: active", "schedules: sometimes", "schedules: expected 'active' or 'paused'"),
        ("engineers: view", "engineers: admin", "permissions.engineers: expected 'view', 'run', 'develop' or 'manage'"),
        ("type: local", "type: ftp", "backend: expected type to be one of 'local', 'azurerm', 's3', 'gcs'"),
        ("email: [mlops@example.com]", "email: []", "notifications: expected at least one target in email or webhooks"),
        ("email: [mlops@example.com]", "email: [mlops]", "notifications.email.0: expected text that matches"),
        (
            "max_workers: 8",
            "max_workers: 3",
            "compute: sizes.large.workers: expected at most policy.max_workers (3), found 4",
        ),
        (
            "workers: 2, max_workers: 4",
            "workers: 4, max_workers: 2",
            "compute.sizes.large: workers: expected 1 to max_workers (2), found 4",
        ),
        ("workers: 2, max_workers: 4", "workers: many", "compute.sizes.large.workers: expected integer"),
        (
            "warning_minutes: 60",
            "warning_minutes: 600",
            "jobs: warning_minutes: expected at most timeout_minutes (120)",
        ),
        (
            "branch: release",
            "branch:",
            "branch: expected string (git branch that the environment's jobs run), found nothing",
        ),
        ("copies:", "catalog: other\ncopies:", "catalog: is given twice"),
    ],
)
def test_a_wrong_value_names_file_line_key_and_what_was_expected(
    folder: Path, edit: Edit, old: str, new: str, expected: str
) -> None:
    edit("prod.yaml", old, new)
    found = problems(folder)
    assert any(expected in p and p.startswith("prod.yaml:") and p.split(":")[1].isdigit() for p in found), found


def test_all_problems_of_all_files_come_at_once(folder: Path, edit: Edit) -> None:
    edit("prod.yaml", "retries: 1", "retries: two")
    edit("prod.yaml", "floor: 0.5", "floor: 2")
    edit("dev.yaml", "branch: dev", "brunch: dev")
    edit("project.yaml", "model: risk", "model: 3")
    with pytest.raises(SettingsError) as raised:
        load_settings("prod", folder=folder, repository=folder, variables={})
    assert {(p.file, p.key) for p in raised.value.problems} == {
        ("prod.yaml", "jobs.retries"),
        ("prod.yaml", "promotion.floor"),
        ("project.yaml", "model"),
    }
    edit("project.yaml", "model: 3", "model: risk")
    with pytest.raises(SettingsError) as raised:
        load_all(folder=folder, repository=folder, variables={})
    assert {p.file for p in raised.value.problems} == {"prod.yaml", "dev.yaml"}


def test_bad_yaml_is_reported_with_line_and_column(folder: Path, edit: Edit) -> None:
    edit("prod.yaml", "tags:\n", "tags: [\n")
    (found,) = problems(folder)
    assert found.startswith("prod.yaml:")
    assert "column" in found
    assert "bad YAML" in found


@pytest.mark.parametrize("text", ["", "- a\n- b\n", "just words"])
def test_a_file_without_keys_is_refused(folder: Path, text: str) -> None:
    (folder / "prod.yaml").write_text(text)
    assert "expected keys and values" in problems(folder)[0]


def test_a_missing_file_is_named(folder: Path) -> None:
    (folder / "prod.yaml").unlink()
    assert "prod.yaml: cannot be read" in problems(folder)[0]


def test_an_unknown_environment_is_refused_with_the_likely_one(folder: Path) -> None:
    assert "no environment 'stagin'; did you mean 'staging'?" in problems(folder, "stagin")[0]


@pytest.mark.parametrize(
    ("backend", "key"),
    [
        (
            "{type: azurerm, resource_group_name: rg, storage_account_name: NOT_OK, container_name: tf}",
            "storage_account_name",
        ),
        ("{type: azurerm, resource_group_name: rg, storage_account_name: state1}", "container_name"),
        ("{type: s3, bucket: state, region: Frankfurt}", "region"),
        ("{type: gcs, bucket: UPPER}", "bucket"),
        ("{type: s3, bucket: state, region: eu-central-1, bukcet: x}", "bukcet"),
    ],
)
def test_a_backend_is_checked_by_its_own_type(folder: Path, edit: Edit, backend: str, key: str) -> None:
    edit("prod.yaml", "backend:\n  type: local\n  directory: .branchline/state", f"backend: {backend}")
    assert [p.split(": ")[1] for p in problems(folder)] == [f"backend.{key}"]


def test_microsoft_entra_is_refused_outside_azure_repos(folder: Path, edit: Edit) -> None:
    edit("project.yaml", "credential: null", "credential: {method: entra}")
    assert any("needs provider azureDevOpsServices" in p for p in problems(folder))
    edit("project.yaml", "provider: gitHub", "provider: azureDevOpsServices")
    assert load_project(folder).git.credential is not None


def test_settings_cannot_be_changed_after_reading() -> None:
    prod = load_settings("prod")
    with pytest.raises(ValueError, match="frozen"):
        prod.values.catalog = "dev"  # type: ignore[misc] - this is what the test is about


def test_data_is_given_up_by_name_only() -> None:
    assert not load_settings("prod", variables={}).values.storage.destroy_data
    assert not load_settings("prod", variables={"DESTROY_DATA": "staging"}).values.storage.destroy_data
    assert load_settings("prod", variables={"DESTROY_DATA": "staging,prod"}).values.storage.destroy_data
