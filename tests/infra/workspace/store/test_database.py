"""The store keeps what it acknowledged, and nothing else."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from infra.workspace.store.database import Store
from infra.workspace.store.documents import Documents, NameTaken


def test_a_failed_transaction_leaves_nothing_behind(tmp_path: Path) -> None:
    store = Store(tmp_path / "store.db")
    documents = Documents(store, "job")
    with pytest.raises(RuntimeError), store.write():
        documents.put(1, {"a": 1})
        raise RuntimeError
    assert documents.get(1) is None


def test_nested_writes_are_one_transaction(tmp_path: Path) -> None:
    store = Store(tmp_path / "store.db")
    documents = Documents(store, "job")
    with pytest.raises(RuntimeError), store.write():
        with store.write():
            documents.put(1, {})
        raise RuntimeError
    assert documents.all() == []


def test_a_name_is_unique_within_its_kind(tmp_path: Path) -> None:
    store = Store(tmp_path / "store.db")
    jobs, groups = Documents(store, "job"), Documents(store, "group")
    jobs.put(1, {}, name="training")
    groups.put(1, {}, name="training")
    with pytest.raises(NameTaken):
        jobs.put(2, {}, name="training")
    jobs.put(1, {"renamed": True}, name="scoring")
    jobs.put(2, {}, name="training")


def test_ids_are_never_given_twice(tmp_path: Path) -> None:
    store = Store(tmp_path / "store.db")
    given: list[int] = []
    threads = [threading.Thread(target=lambda: given.append(store.next_id("run"))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(given) == list(range(1, 17))


def test_what_was_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    """A process that is killed while it writes: every number that it printed must be there afterwards."""
    program = (
        "import sys; from pathlib import Path; from infra.workspace.store.database import Store\n"
        "from infra.workspace.store.documents import Documents\n"
        "documents = Documents(Store(Path(sys.argv[1])), 'job')\n"
        "for number in range(10**6):\n"
        "    documents.put(number, {'number': number}); print(number, flush=True)\n"
    )
    path = tmp_path / "store.db"
    writer = subprocess.Popen([sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    acknowledged = [int(writer.stdout.readline()) for _ in range(200)]
    os.kill(writer.pid, signal.SIGKILL)
    acknowledged += [int(line) for line in writer.stdout.read().splitlines() if line]
    writer.wait()
    found = {document["number"] for document in Documents(Store(path), "job").all()}
    assert set(acknowledged) <= found
    assert found <= set(range(len(acknowledged) + 1))


def test_a_commit_that_fails_leaves_no_transaction_open(tmp_path: Path) -> None:
    """A deferred constraint fails where a full disk does: at the commit. What follows must be committed again."""
    store = Store(tmp_path / "db")
    store.schema(
        "test",
        "CREATE TABLE parents (id INTEGER PRIMARY KEY);"
        "CREATE TABLE children (parent INTEGER REFERENCES parents (id) DEFERRABLE INITIALLY DEFERRED);",
    )
    with pytest.raises(sqlite3.IntegrityError), store.write() as connection:
        connection.execute("INSERT INTO children VALUES (1)")
    with store.write() as connection:
        connection.execute("INSERT INTO parents VALUES (7)")
    assert [row["id"] for row in Store(tmp_path / "db").rows("SELECT id FROM parents")] == [7]
