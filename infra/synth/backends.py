"""The Terraform backend of a stack, from the settings."""

import os
from pathlib import Path

from infra.settings.backends import AzureState, Backend, GcsState, LocalState, S3State
from infra.synth.library import cdk


def add_backend(stack: cdk.TerraformStack, key: str, backend: Backend, *, root: Path, working_folder: Path) -> None:
    """Gives the stack its backend, and its state the name `key`.

    `working_folder` is where terraform runs: local paths are relative to it.
    """
    match backend:
        case LocalState() as local:
            path = root / local.directory / f"{key}.tfstate"
            cdk.LocalBackend(stack, path=os.path.relpath(path, working_folder))
        case AzureState() as azure:
            cdk.AzurermBackend(
                stack,
                resource_group_name=azure.resource_group_name,
                storage_account_name=azure.storage_account_name,
                container_name=azure.container_name,
                key=f"{azure.prefix}/{key}.tfstate",
                use_azuread_auth=azure.use_azuread_auth,
                use_oidc=azure.use_oidc or None,
                subscription_id=azure.subscription_id,
                tenant_id=azure.tenant_id,
            )
        case S3State() as s3:
            bucket = cdk.S3Backend(
                stack,
                bucket=s3.bucket,
                region=s3.region,
                key=f"{s3.prefix}/{key}.tfstate",
                encrypt=s3.encrypt,
                kms_key_id=s3.kms_key_id,
                dynamodb_table=s3.dynamodb_table,
            )
            if s3.dynamodb_table is None:
                bucket.add_override("use_lockfile", True)  # newer than the generated class (Terraform 1.10)
        case GcsState() as gcs:
            cdk.GcsBackend(
                stack,
                bucket=gcs.bucket,
                prefix=f"{gcs.prefix}/{key}",
                kms_encryption_key=gcs.kms_encryption_key,
            )
