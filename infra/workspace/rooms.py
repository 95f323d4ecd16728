"""Builds every room once, in the order in which they need each other."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI

from infra.workspace.catalog.routes import routes as catalog_routes
from infra.workspace.catalog.service import CatalogService
from infra.workspace.compute.routes import routes as compute_routes
from infra.workspace.compute.service import ComputeService
from infra.workspace.config import WorkspaceConfig
from infra.workspace.control.clock import Clock
from infra.workspace.control.routes import routes as control_routes
from infra.workspace.control.service import ControlService
from infra.workspace.files.routes import routes as files_routes
from infra.workspace.files.service import FilesService
from infra.workspace.gateway.app import build_app
from infra.workspace.gateway.login import LoginService
from infra.workspace.gateway.routes import routes as gateway_routes
from infra.workspace.git.routes import routes as git_routes
from infra.workspace.git.service import GitService
from infra.workspace.identity.permissions import Permissions
from infra.workspace.identity.routes import routes as identity_routes
from infra.workspace.identity.service import IdentityService
from infra.workspace.jobs.routes import routes as jobs_routes
from infra.workspace.jobs.service import JobsService
from infra.workspace.models.routes import routes as models_routes
from infra.workspace.models.service import ModelsService
from infra.workspace.secrets.routes import routes as secrets_routes
from infra.workspace.secrets.service import SecretsService
from infra.workspace.sql.routes import routes as sql_routes
from infra.workspace.sql.service import SqlService
from infra.workspace.store.database import Store
from infra.workspace.terraform.server import ProviderServer
from infra.workspace.tracking.routes import routes as tracking_routes
from infra.workspace.tracking.service import TrackingService
