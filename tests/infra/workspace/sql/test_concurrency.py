"""Statements at once, against a whole workspace."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from infra.workspace.launch import Running


def test_statements_at_once_do_not_disturb_each_other(workspace: Running) -> None:
    """Sessions of one process share what Spark's client keeps: one that ends must not end another's statement."""
    warehouse = workspace.call("POST", "/api/2.0/sql/warehouses", json={"name": "many", "cluster_size": "2X-Small"})

    def ask(number: int) -> object:
        body = {"warehouse_id": warehouse["id"], "statement": f"SELECT {number} AS x", "wait_timeout": "50s"}
        answer = workspace.call("POST", "/api/2.0/sql/statements", json=body)
        return answer.get("result", {}).get("data_array", answer["status"])

    try:
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(ask, range(48)))
        assert answers == [[[str(number)]] for number in range(48)]
    finally:
        workspace.call("DELETE", f"/api/2.0/sql/warehouses/{warehouse['id']}")
