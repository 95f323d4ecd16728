"""The Terraform backend of a stack, from the settings."""

import os
from pathlib import Path

from infra.settings.backends import AzureState, GcsState, LocalState, S3State
from infra.settings.settings import Settings
from infra.synth.library import cdk


def add_backend(stack: cdk.TerraformStack, name: str, settings: Settings, *, root: Path, working_folder: Path) -> None:
    """Gives the stack its backend; `working_folder` is where terraform runs, local paths are relative to it."""
    key = settings.state_key(name)
    match settings.values.backend:
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
            backend = cdk.S3Backend(
                stack,
                bucket=s3.bucket,
                region=s3.region,
                key=f"{s3.prefix}/{key}.tfstate",
                encrypt=s3.encrypt,
                kms_key_id=s3.kms_key_id,
                dynamodb_table=s3.dynamodb_table,
            )
            if s3.dynamodb_table is None:
                backend.add_override("use_lockfile", True)  # newer than the generated class (Terraform 1.10)
        case GcsState() as gcs:
            cdk.GcsBackend(
                stack,
                bucket=gcs.bucket,
                prefix=f"{gcs.prefix}/{key}",
                kms_encryption_key=gcs.kms_encryption_key,
            )
