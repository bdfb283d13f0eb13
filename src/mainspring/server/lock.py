"""One server at a time on an embedded database: a lock that the system frees when its holder dies."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import IO

from mainspring.kit.errors import FailedPrecondition, Unavailable


def lock_database(database: Path) -> IO[str]:
    """Lock an SQLite file for this process; the lock lasts as long as the file returned is open.

    Raises FailedPrecondition where another server holds it, Unavailable where the folder cannot be written.
    """
    path = database.with_name(f"{database.name}.lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+")
    except OSError as error:
        raise Unavailable(f"The data folder {path.parent} cannot be used: {error.strerror}.") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = handle.read().strip() or "another process"
        handle.close()
        raise FailedPrecondition(
            f"A server already runs on {path.parent}: {holder}. Use that one, stop it, or start this one with another "
            "folder: --data FOLDER."
        ) from error
    return handle


def describe_holder(handle: IO[str], address: str) -> None:
    """Write into the lock who holds it, for the message to the next who tries."""
    handle.seek(0)
    handle.truncate()
    handle.write(f"process {os.getpid()} at {address}")
    handle.flush()
