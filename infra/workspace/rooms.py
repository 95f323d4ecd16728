"""Builds every room once, in the order in which they need each other, and the application over them."""

from __future__ import annotations

import os
from typing import Any

from fastapi import FastAPI

from infra.workspace.alerts.routes import routes as alert_routes
from infra.workspace.alerts.service import AlertsService
from infra.workspace.catalog.routes import routes as catalog_routes
from infra.workspace.catalog.service import CatalogService
from infra.workspace.compute.local_engines import LocalEngines
from infra.workspace.compute.routes import routes as compute_routes
from infra.workspace.compute.service import ComputeService
from infra.workspace.config import WorkspaceConfig
from infra.workspace.control.clock import Clock
from infra.workspace.control.faults import Faults
from infra.workspace.control.routes import routes as control_routes
from infra.workspace.control.service import ControlService
from infra.workspace.dashboards.routes import routes as dashboard_routes
from infra.workspace.dashboards.service import DashboardsService
from infra.workspace.dashboards.viewing import Viewing
from infra.workspace.files.dbfs_routes import routes as dbfs_routes
from infra.workspace.files.routes import routes as files_routes
from infra.workspace.files.service import FilesService
from infra.workspace.files.volume_routes import routes as volume_routes
from infra.workspace.gateway.app import build_app
from infra.workspace.gateway.errors import ApiError
from infra.workspace.gateway.login import LoginService
from infra.workspace.gateway.routes import routes as gateway_routes
from infra.workspace.git.routes import routes as git_routes
from infra.workspace.git.service import GitService
from infra.workspace.identity.permissions import Permissions
from infra.workspace.identity.routes import routes as identity_routes
from infra.workspace.identity.service import IdentityService
from infra.workspace.jobs.routes import routes as jobs_routes
from infra.workspace.jobs.service import JobsService
from infra.workspace.jobs.services import JobServices
from infra.workspace.models.routes import routes as models_routes
from infra.workspace.models.service import ModelsService
from infra.workspace.monitors.routes import routes as monitor_routes
from infra.workspace.monitors.service import MonitorsService
from infra.workspace.pages.dashboards import routes as dashboard_page_routes
from infra.workspace.pages.marketplace import routes as marketplace_routes
from infra.workspace.pages.overview import Overview
from infra.workspace.pages.reports import routes as report_routes
from infra.workspace.pages.routes import routes as page_routes
from infra.workspace.record import read_admin_token
from infra.workspace.secrets.routes import routes as secrets_routes
from infra.workspace.secrets.service import SecretsService
from infra.workspace.sql.routes import routes as sql_routes
from infra.workspace.sql.service import SqlService
from infra.workspace.store.database import Store
from infra.workspace.terraform.journal import Journal
from infra.workspace.terraform.server import ProviderServer
from infra.workspace.tracking.routes import routes as tracking_routes
from infra.workspace.tracking.service import TrackingService

ADMIN = "admin@localhost"


class Rooms:
    """All services of one workspace; `app` answers for them."""

    def __init__(self, config: WorkspaceConfig) -> None:
        self.config = config
        store = Store(config.data_dir / "workspace.db")
        clock = Clock(store)
        self._identity = IdentityService(store, clock)
        permissions = Permissions(store, self._identity)
        secrets = SecretsService(store, clock, self._identity, config)
        catalog = CatalogService(store, clock, self._identity, config)
        files = FilesService(store, clock, permissions, catalog, config)
        git = GitService(store, self._identity, permissions, secrets.vault, files, config)

        self._compute = ComputeService(store, clock, permissions, config, self._identity, catalog.sail_environment)
        self._engines = LocalEngines(self._compute, self._identity)
        job_services = JobServices(store, clock, permissions, self._identity, self._compute, files, config, secrets)
        self._jobs = JobsService(job_services)
        self._tracking = TrackingService(store, clock, permissions, files, catalog, config)
        self._tracking.start()  # first of all: MLflow's process takes longest to come up
        models = ModelsService(store, clock, self._tracking, catalog)
        sql = SqlService(store, clock, permissions, catalog, self._compute, config.url)
        self._monitors = MonitorsService(store, clock, self._identity, catalog, self._jobs)
        self._alerts = AlertsService(
            store, clock, self._identity, permissions, files, sql, self._jobs.notifications, config.url
        )
        dashboards = DashboardsService(store, clock, permissions, files, sql.warehouses)
        viewing = Viewing(store, clock, self._identity, dashboards, sql.statements)
        faults = Faults()
        self._journal = Journal(store, clock)
        self._provider = ProviderServer(config.provider_port, config.url, config.folder("terraform"), self._journal)
        self.admin_token = self._admin_token()
        self.app: FastAPI = build_app(
            [
                gateway_routes(LoginService(self._identity, clock), self._status),
                identity_routes(self._identity, permissions, config.workspace_id),
                secrets_routes(secrets),
                monitor_routes(self._monitors),
                catalog_routes(catalog),
                files_routes(files),
                volume_routes(files.volumes),
                dbfs_routes(files.dbfs),
                git_routes(git),
                compute_routes(self._compute, self._engines),
                jobs_routes(self._jobs),
                sql_routes(sql),
                control_routes(ControlService(clock, faults)),
                models_routes(models),
                tracking_routes(self._tracking),
                alert_routes(self._alerts),
                dashboard_routes(dashboards),
                page_routes(
                    self._jobs, catalog, self._identity, Overview(files, viewing, self._monitors, self._alerts)
                ),
                dashboard_page_routes(viewing, self._identity),
                report_routes(files),
                marketplace_routes(files),
            ],
            self._identity.authenticate,
            faults,
        )

    def start(self) -> dict[str, Any]:
        """Starts what works on its own; returns Terraform's reattach entry."""
        self._provider.start()
        self._jobs.start()
        self._monitors.start()
        self._alerts.start()
        return self._provider.reattach(os.getpid())

    def stop(self) -> None:
        self._provider.stop()
        self._alerts.stop()
        self._monitors.stop()
        self._jobs.stop()
        self._tracking.stop()
        self._engines.stop()
        self._compute.stop()

    @property
    def provider_port(self) -> int:
        return int(self._provider.address.rpartition(":")[2])

    def _admin_token(self) -> str:
        """The token of the folder's last run while it is valid, so that shells keep theirs over a restart."""
        token = read_admin_token(self.config.data_dir)
        try:
            if token is not None and self._identity.authenticate(token).admin:
                return token
        except ApiError:
            pass
        return self._identity.bootstrap(ADMIN)

    def _status(self) -> dict[str, Any]:
        status = {"workspace_id": self.config.workspace_id, "url": self.config.url, "pid": os.getpid()}
        unfinished = self._journal.unfinished()
        return {**status, "interrupted_creations": unfinished} if unfinished else status
