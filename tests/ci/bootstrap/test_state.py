"""Where states are kept: the exact commands of each cloud, on programs that only record; and a real folder."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from ci.bootstrap.cloud import CloudCommand
from ci.bootstrap.state.azure import AzureContainer
from ci.bootstrap.state.choose import state_name, stores
from ci.bootstrap.state.gcs import GcsBucket
from ci.bootstrap.state.local import LocalFolder
from ci.bootstrap.state.s3 import S3Bucket
from ci.errors import Trouble
from infra.settings import load_all
from infra.settings.backends import AzureState, Backend, GcsState, LocalState, S3State
from tests.ci.bootstrap.conftest import Cloud

Say = Callable[[str], None]

AZURE = AzureState(
    type="azurerm",
    resource_group_name="line-state",
    storage_account_name="linestate",
    container_name="tfstate",
    location="westeurope",
)
S3 = S3State(type="s3", bucket="line-state", region="eu-central-1")
GCS = GcsState(type="gcs", bucket="line-state", location="europe-west3")

ACCOUNT_ID = "/subscriptions/s/resourceGroups/line-state/providers/Microsoft.Storage/storageAccounts/linestate"
CONTAINER_ID = f"{ACCOUNT_ID}/blobServices/default/containers/tfstate"
ADA = {"account show": {"user": {"type": "user", "name": "ada"}}, "ad signed-in-user show": {"id": "ada-id"}}
SAFE_ACCOUNT = {
    "id": ACCOUNT_ID,
    "allowBlobPublicAccess": False,
    "minimumTlsVersion": "TLS1_2",
    "enableHttpsTrafficOnly": True,
}
RECOVERABLE = {
    "isVersioningEnabled": True,
    "deleteRetentionPolicy": {"enabled": True},
    "containerDeleteRetentionPolicy": {"enabled": True},
}
AZURE_IS_THERE = {
    **ADA,
    "group show": {"name": "line-state"},
    "storage account show": SAFE_ACCOUNT,
    "storage account blob-service-properties show": RECOVERABLE,
    "storage container-rm show": {"name": "tfstate"},
    "role assignment list": [{"id": "r"}],
}
S3_IS_THERE = {
    "sts get-caller-identity": {"Arn": "arn:aws:iam::1:user/ada"},
    "s3api head-bucket": {"BucketRegion": "eu-central-1"},
    "s3api get-bucket-versioning": {"Status": "Enabled"},
    "s3api get-bucket-encryption": {
        "ServerSideEncryptionConfiguration": {
            "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": False}]
        }
    },
    "s3api get-public-access-block": {
        "PublicAccessBlockConfiguration": {
            "BlockPublicAcls": True,
            "IgnorePublicAcls": True,
            "BlockPublicPolicy": True,
            "RestrictPublicBuckets": True,
        }
    },
}
GCS_IS_THERE = {
    "auth list": "ada@example.com",
    "storage buckets describe": {
        "name": "line-state",
        "versioning_enabled": True,
        "uniform_bucket_level_access": True,
        "public_access_prevention": "enforced",
    },
}


def azure(say: Say, dry_run: bool = False) -> AzureContainer:
    return AzureContainer(AZURE, CloudCommand("az", "az login", say, dry_run=dry_run))


def s3(say: Say, backend: S3State = S3, dry_run: bool = False) -> S3Bucket:
    return S3Bucket(backend, CloudCommand("aws", "aws sso login", say, dry_run=dry_run))


def gcs(say: Say, dry_run: bool = False) -> GcsBucket:
    return GcsBucket(GCS, CloudCommand("gcloud", "gcloud auth login", say, dry_run=dry_run))


def test_azure_from_an_empty_subscription(cloud: Cloud, say: Say) -> None:
    cloud.install("az", ADA)
    made = azure(say, dry_run=True).ensure()
    assert made == [
        "az group create --name line-state --location westeurope --output json",
        "az storage account create --name linestate --resource-group line-state --location westeurope"
        " --kind StorageV2 --sku Standard_GRS --allow-blob-public-access false --min-tls-version TLS1_2"
        " --https-only true --output json",
        "az storage account blob-service-properties update --account-name linestate --resource-group line-state"
        " --enable-versioning true --enable-delete-retention true --delete-retention-days 30"
        " --enable-container-delete-retention true --container-delete-retention-days 30 --output json",
        "az storage container-rm create --name tfstate --storage-account linestate --resource-group line-state"
        " --public-access off --output json",
        "az role assignment create --assignee-object-id ada-id --assignee-principal-type User"
        " --role 'Storage Blob Data Contributor'"
        " --scope '<id of linestate>/blobServices/default/containers/tfstate' --output json",
    ]
    changing = (" create ", " update ", " delete ")
    assert not [line for line in cloud.asked() if any(word in line for word in changing)]


def test_azure_makes_only_what_is_missing_and_then_nothing(cloud: Cloud, say: Say) -> None:
    answers: dict[str, object] = {**AZURE_IS_THERE, "role assignment list": [], "role assignment create": {}}
    del answers["storage container-rm show"]
    cloud.install("az", {**answers, "storage container-rm create": {}})
    made = azure(say).ensure()
    assert [line.split()[1:4] for line in made] == [
        ["storage", "container-rm", "create"],
        ["role", "assignment", "create"],
    ]
    assert f"--scope {CONTAINER_ID} " in made[1]
    assert set(made) <= set(cloud.asked())
    cloud.install("az", AZURE_IS_THERE)
    assert azure(say).ensure() == []
    assert not [line for line in cloud.asked() if " create " in line or " update " in line]


def test_azure_puts_an_unsafe_account_right(cloud: Cloud, say: Say) -> None:
    unsafe = {**SAFE_ACCOUNT, "allowBlobPublicAccess": None, "minimumTlsVersion": "TLS1_0"}
    old = {**RECOVERABLE, "isVersioningEnabled": None}
    cloud.install(
        "az",
        {
            **AZURE_IS_THERE,
            "storage account show": unsafe,
            "storage account update": {},
            "storage account blob-service-properties show": old,
            "storage account blob-service-properties update": {},
        },
    )
    made = azure(say).ensure()
    assert made[0].startswith("az storage account update --name linestate --resource-group line-state --allow-blob")
    assert made[1].startswith("az storage account blob-service-properties update")
    assert len(made) == 2


def test_azure_as_a_service_principal(cloud: Cloud, say: Say) -> None:
    robot = {"account show": {"user": {"type": "servicePrincipal", "name": "app"}}, "ad sp show --id app": {"id": "sp"}}
    answers = {**AZURE_IS_THERE, **robot, "role assignment list": [], "role assignment create": {}}
    cloud.install("az", answers)
    assert "--assignee-object-id sp --assignee-principal-type ServicePrincipal" in azure(say).ensure()[0]


def test_s3_from_an_empty_account(cloud: Cloud, say: Say) -> None:
    login = {"sts get-caller-identity": S3_IS_THERE["sts get-caller-identity"]}
    cloud.install("aws", login)
    backend = S3.model_copy(update={"dynamodb_table": "locks", "kms_key_id": "alias/line"})
    ending = "--region eu-central-1 --output json"
    assert s3(say, backend, dry_run=True).ensure() == [
        "aws s3api create-bucket --bucket line-state"
        f" --create-bucket-configuration LocationConstraint=eu-central-1 {ending}",
        f"aws s3api put-bucket-versioning --bucket line-state --versioning-configuration Status=Enabled {ending}",
        "aws s3api put-bucket-encryption --bucket line-state --server-side-encryption-configuration"
        ' \'{"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms",'
        f' "KMSMasterKeyID": "alias/line"}}}}]}}\' {ending}',
        "aws s3api put-public-access-block --bucket line-state --public-access-block-configuration"
        f" BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true {ending}",
        "aws dynamodb create-table --table-name locks --attribute-definitions"
        " AttributeName=LockID,AttributeType=S --key-schema AttributeName=LockID,KeyType=HASH"
        f" --billing-mode PAY_PER_REQUEST {ending}",
    ]
    first = s3(say, S3.model_copy(update={"region": "us-east-1"}), dry_run=True).ensure()[0]
    assert first == "aws s3api create-bucket --bucket line-state --region us-east-1 --output json"


def test_s3_that_is_well_is_left_alone_and_one_that_is_not_is_put_right(cloud: Cloud, say: Say) -> None:
    cloud.install("aws", S3_IS_THERE)
    assert s3(say).ensure() == []
    answers = {**S3_IS_THERE, "s3api get-bucket-versioning": "", "s3api put-bucket-versioning": ""}
    cloud.install("aws", answers)
    assert [line.split()[2] for line in s3(say).ensure()] == ["put-bucket-versioning"]


def test_gcs_from_an_empty_project_then_nothing(cloud: Cloud, say: Say) -> None:
    cloud.install(
        "gcloud", {"auth list": "ada@example.com", "storage buckets create": "", "storage buckets update": ""}
    )
    made = [
        "gcloud storage buckets create gs://line-state --location=europe-west3 --uniform-bucket-level-access"
        " --public-access-prevention --format=json",
        "gcloud storage buckets update gs://line-state --versioning --format=json",
    ]
    assert gcs(say).ensure() == made
    assert set(made) <= set(cloud.asked())
    cloud.install("gcloud", GCS_IS_THERE)
    assert gcs(say).ensure() == []


def test_an_interrupted_bucket_is_finished(cloud: Cloud, say: Say) -> None:
    """Killed between its creation and its versioning."""
    half = {"uniform_bucket_level_access": True, "public_access_prevention": "enforced"}
    cloud.install("gcloud", {**GCS_IS_THERE, "storage buckets describe": half, "storage buckets update": ""})
    assert [line.split()[3] for line in gcs(say).ensure()] == ["update"]


def test_a_dry_run_goes_on_without_program_or_login_and_runs_nothing_that_changes(
    cloud: Cloud, say: Say, heard: list[str]
) -> None:
    made = azure(say, dry_run=True).ensure()
    assert len(made) == 5
    assert [line for line in heard if line.endswith("# would change")] == [f"$ {line}  # would change" for line in made]
    assert any("not on the PATH" in line for line in heard)
    cloud.install("aws", {"sts get-caller-identity": "!Unable to locate credentials"})
    assert len(s3(say, dry_run=True).ensure()) == 4
    assert len(cloud.asked()) == 1


def test_missing_programs_logins_rights_and_regions_are_said_with_what_to_do(cloud: Cloud, say: Say) -> None:
    with pytest.raises(Trouble, match=r"az is not on the PATH.*az login"):
        azure(say).ensure()
    cloud.install("gcloud", {"auth list": ""})
    with pytest.raises(Trouble, match=r"gcloud is not logged in: gcloud auth login"):
        gcs(say).ensure()
    cloud.install("aws", {**S3_IS_THERE, "s3api head-bucket": "!An error occurred (403): Forbidden"})
    with pytest.raises(Trouble, match=r"head-bucket.*Forbidden"):
        s3(say).ensure()
    cloud.install("az", ADA)
    nowhere = AzureContainer(AZURE.model_copy(update={"location": None}), CloudCommand("az", "az login", say))
    with pytest.raises(Trouble, match=r"backend\.location"):
        nowhere.ensure()
    assert not [line for line in cloud.asked() if " create" in line]


def test_a_store_with_anything_but_empty_states_is_left(cloud: Cloud, say: Say) -> None:
    known = frozenset({"branchline/dev-admin", "branchline/dev"})
    blobs = [{"name": "branchline/dev-admin.tfstate"}, {"name": "branchline/dev.feature-x.tfstate"}]
    cloud.install("az", {**AZURE_IS_THERE, "storage blob list": blobs})
    with pytest.raises(Trouble, match=r"not empty.*: branchline/dev\.feature-x\.tfstate$"):
        azure(say).remove(known)
    objects = {"Contents": [{"Key": "branchline/dev.tfstate"}, {"Key": "else"}]}
    cloud.install("aws", {**S3_IS_THERE, "s3api list-objects-v2": objects})
    with pytest.raises(Trouble, match=r"not empty.*: else$"):
        s3(say).remove(known)
    listed = [{"url": "gs://line-state/branchline/dev/default.tfstate#17"}, {"url": "gs://line-state/else#3"}]
    cloud.install("gcloud", {**GCS_IS_THERE, "storage ls": listed})
    with pytest.raises(Trouble, match=r"not empty.*: gs://line-state/else#3$"):
        gcs(say).remove(known)
    assert not [line for line in cloud.asked() if "delete" in line or " rm " in line]


def test_an_empty_store_goes_with_all_its_versions(cloud: Cloud, say: Say) -> None:
    known = frozenset({"branchline/dev-admin"})
    blobs = [{"name": "branchline/dev-admin.tfstate"}]
    cloud.install(
        "az",
        {
            **AZURE_IS_THERE,
            "storage blob list": blobs,
            "storage container-rm delete": "",
            "storage container-rm list": [{"name": "other"}],
        },
    )
    assert [line.split()[1:4] for line in azure(say).remove(known)] == [["storage", "container-rm", "delete"]]
    versions = {
        "Versions": [{"Key": "branchline/dev-admin.tfstate", "VersionId": "2"}],
        "DeleteMarkers": [{"Key": "branchline/dev.tflock", "VersionId": "3"}],
    }
    objects = {"Contents": [{"Key": "branchline/dev-admin.tfstate"}]}
    answers = {**S3_IS_THERE, "s3api list-objects-v2": objects, "s3api list-object-versions": versions}
    cloud.install("aws", {**answers, "s3api delete-objects": "", "s3api delete-bucket": ""})
    removed = s3(say).remove(known)
    assert [line.split()[2] for line in removed] == ["delete-objects", "delete-bucket"]
    assert all(version in removed[0] for version in ('"VersionId": "2"', '"VersionId": "3"'))
    cloud.install("gcloud", {**GCS_IS_THERE, "storage rm": ""})
    assert gcs(say).remove(known) == ["gcloud storage rm --recursive gs://line-state"]
    cloud.install("gcloud", {"auth list": "ada@example.com"})
    assert gcs(say).remove(known) == []


def test_azure_goes_with_account_and_group_when_they_hold_nothing_else(cloud: Cloud, say: Say) -> None:
    ends = {"storage container-rm delete": "", "storage account delete": "", "group delete": ""}
    empty = {"storage blob list": [], "storage container-rm list": [], "resource list": [{"name": "linestate"}]}
    cloud.install("az", {**AZURE_IS_THERE, **ends, **empty})
    assert [line.split("--")[0] for line in azure(say).remove(frozenset())] == [
        "az storage container-rm delete ",
        "az storage account delete ",
        "az group delete ",
    ]


def test_a_local_folder_is_made_closed_and_removed_only_when_its_states_are_empty(tmp_path: Path) -> None:
    backend = LocalState(type="local", directory="states/here")
    folder, path = LocalFolder(backend, tmp_path), tmp_path / "states/here"
    assert LocalFolder(backend, tmp_path, dry_run=True).ensure() == ["folder states/here"]
    assert not folder.exists()
    assert (folder.ensure(), folder.ensure()) == (["folder states/here"], [])
    assert stat.S_IMODE(path.stat().st_mode) == 0o700
    (path / "dev-admin.tfstate").write_text(json.dumps({"resources": []}))
    (path / "dev-admin.tfstate.backup").write_text(json.dumps({"resources": [{"type": "was"}]}))
    (path / "dev.feature-x.tfstate").write_text(json.dumps({"resources": [{"type": "is"}]}))
    (path / "notes.txt").write_text("mine")
    with pytest.raises(Trouble, match=r"not empty.*dev\.feature-x\.tfstate, notes\.txt"):
        folder.remove(frozenset())
    assert len(list(path.iterdir())) == 4
    (path / "dev.feature-x.tfstate").write_text("{ not json")
    (path / "notes.txt").unlink()
    with pytest.raises(Trouble, match=r"feature-x"):
        folder.remove(frozenset())
    (path / "dev.feature-x.tfstate").unlink()
    assert folder.remove(frozenset()) == ["folder states/here"]
    assert (path.exists(), folder.remove(frozenset())) == (False, [])


@pytest.mark.parametrize("backend", [AZURE, S3, GCS])
def test_environments_that_share_a_store_have_it_made_once(cloud: Cloud, say: Say, backend: Backend) -> None:
    loaded = load_all(variables={})
    settings = []
    for name, prefix in (("dev", "one"), ("staging", "two"), ("prod", "two")):
        values = loaded[name].values.model_copy(update={"backend": backend.model_copy(update={"prefix": prefix})})
        settings.append(loaded[name].model_copy(update={"values": values, "copy_of": None}))
    assert list(stores(settings, Path("/nowhere"), say, dry_run=True)) == ["dev, staging, prod"]
    assert [state_name(each, each.environment) for each in settings] == ["one/dev", "two/staging", "two/prod"]
