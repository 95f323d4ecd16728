"""One deployment of an environment at a time from one clone: Terraform's plan file lies in its folders."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ci.errors import Trouble


@contextmanager
def alone(folder: Path, environment: str) -> Iterator[None]:
    """Holds the folder; the operating system frees it with the process. Raises Trouble where another one holds it.

    Deployments from other machines meet at the lock of Terraform's state instead.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".apply.lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            holder = file.read().strip()
            raise Trouble(
                f"{environment} is being deployed from this clone by process {holder}: wait until that has ended"
            ) from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
