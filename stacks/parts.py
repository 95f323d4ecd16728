"""Compositions that more than one stack uses."""

from typing import Literal

from infra.constructs.catalog import Schema, SchemaConfig, Volume, VolumeConfig
from infra.constructs.git_credential import GitCredential, GitCredentialConfig
from infra.synth.stack import EnvironmentStack
from stacks import access


def add_schema(stack: EnvironmentStack, catalog: str, principal: str, who: access.People) -> Schema:
    """The schema with its volume: the environment's own in the admin stack, a copy's in the project stack."""
    settings = stack.settings
    own = access.SCHEMA_OWN_OF_COPIES if settings.copy_of else access.SCHEMA_OWN
    schema = Schema(
        stack,
        "schema",
        SchemaConfig(
            catalog=catalog,
            name=settings.schema_name,
            comment=f"{settings.project.project} from branch {settings.branch}",
            tags=settings.tags,
            destroy_data=settings.values.storage.destroy_data,
            privileges=access.privileges(who, "schema", principal, own),
        ),
    )
    Volume(
        stack,
        "landing",
        VolumeConfig(
            catalog=schema.catalog,
            schema=schema.name,
            name=settings.project.volume,
            comment="Files as they land",
            privileges=access.privileges(who, "volume", principal, access.VOLUME_OWN),
        ),
    )
    return schema


def add_git_credential(stack: EnvironmentStack, *, owner: Literal["admin", "service_principal"]) -> None:
    """The credential that the settings ask for, if it is to belong to who deploys this stack."""
    git = stack.settings.project.git
    if git.credential and git.credential.owner == owner:
        config = GitCredentialConfig(git.provider, git.credential.method, git.credential.username)
        GitCredential(stack, "git", config)
