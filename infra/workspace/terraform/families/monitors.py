"""Quality monitors of tables; `databricks_lakehouse_monitor` is the older name of the same."""

import time

from infra.workspace.terraform.families.catalog import UNITY
from infra.workspace.terraform.planning import State
from infra.workspace.terraform.resource import Mapper, Refused, Resource, resource
from infra.workspace.terraform.session import Api, Json, segment

_PATIENCE = 900.0
_PAUSE = 0.2


def _path(table_name: str) -> str:
    return f"{UNITY}/tables/{segment(table_name)}/monitor"


@resource("databricks_quality_monitor")
@resource("databricks_lakehouse_monitor")
class QualityMonitor(Resource):
    _KEPT = frozenset({"id", "warehouse_id", "skip_builtin_dashboard", "provider_config"})
    """What the API does not answer: it stays as configured."""

    @property
    def mapper(self) -> Mapper:
        return Mapper(self.schema.block, {}, self._KEPT)

    def create(self, api: Api, new: State) -> str:
        asked = {name: new[name] for name in ("warehouse_id", "skip_builtin_dashboard") if new.get(name)}
        api.post(_path(new["table_name"]), {**self._body(new), **asked})
        self._wait(api, new["table_name"])
        return str(new["table_name"])

    def existing(self, api: Api, new: State, since_ms: int) -> str | None:
        """A table has one monitor at most."""
        return str(api.get(_path(new["table_name"]))["table_name"])

    def read(self, api: Api, known: State) -> State | None:
        return self.mapper.state(api.get(_path(known.get("table_name") or known["id"])))

    def update(self, api: Api, old: State, new: State) -> str | None:
        body = self._body(new)
        if old.get("dashboard_id"):
            body["dashboard_id"] = old["dashboard_id"]
        api.put(_path(new["table_name"]), body)
        self._wait(api, new["table_name"])
        return None

    def delete(self, api: Api, old: State) -> None:
        api.delete(_path(old["table_name"]))

    def imported(self, api: Api, identifier: str) -> State:
        """A block `snapshot {}` is empty, and would count as none if it were not known to be there."""
        snapshot: list[State] = [{}] if "snapshot" in api.get(_path(identifier)) else []
        return {"id": identifier, "table_name": identifier, "snapshot": snapshot}

    def _body(self, state: State) -> Json:
        """What can be set, without the table's name, which is in the address."""
        answered = {name for name, each in self.schema.block.attributes.items() if each.computed and not each.optional}
        body = {name: value for name, value in self.mapper.body(state).items() if name not in {*answered, "table_name"}}
        if "schedule" in body:
            body["schedule"] = {name: value for name, value in body["schedule"].items() if name != "pause_status"}
        return body

    def _wait(self, api: Api, table_name: str) -> None:
        end = time.monotonic() + _PATIENCE
        while (status := api.get(_path(table_name))["status"]) != "MONITOR_STATUS_ACTIVE":
            if status in ("MONITOR_STATUS_ERROR", "MONITOR_STATUS_FAILED") or time.monotonic() > end:
                raise Refused(f"the monitor of table {table_name} is {status}")
            time.sleep(_PAUSE)
