"""The time of one permission check, in this process: of who asks with an API key, in the default project."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

from bench.servers import Server
from bench.subject import Sample
from mainspring.db.engine import Database, check_url
from mainspring.engines.blobs import open_store
from mainspring.kit.http import Message, Request
from mainspring.kit.permissions import Permission
from mainspring.modules.services import Services
from mainspring.server.access import Access
from mainspring.settings import Settings

AGAIN = 20_000


def measure(server: Server, keys: Sequence[str], rounds: int) -> tuple[list[Sample], list[Sample]]:
    """Return the CPU microseconds of a check where the answer is remembered, and of the first of a key.

    The server is stopped meanwhile: an embedded database is one process's.
    """
    server.halt()
    try:
        return asyncio.run(_measure(server, keys, rounds))
    finally:
        server.launch()


async def _measure(server: Server, keys: Sequence[str], rounds: int) -> tuple[list[Sample], list[Sample]]:
    url = server.database_url or f"sqlite:///{server.folder}/data/mainspring.db"
    db = Database(check_url(url))
    blobs = open_store(Path(server.folder, "data", "artifacts").absolute().as_uri())
    try:
        remembered, first = [], []
        for _ in range(rounds):
            settings = Settings(data=Path(server.folder), database_url=url, auth="local")
            access = Access(Services(db, blobs, settings))
            first.append(await _check(server, access, [request(key) for key in keys]))
            remembered.append(await _check(server, access, [request(keys[0]) for _ in range(AGAIN)]))
        return remembered, first
    finally:
        await blobs.close()
        db.close()


async def _check(server: Server, access: Access, requests: Sequence[Request]) -> Sample:
    """Ask for a permission for each request; the database's CPU time counts, too."""
    before, of_database = time.process_time(), server.cpu_of_database()
    for each in requests:
        (await access.find(each)).require(Permission.SIGNED_IN)
    spent = time.process_time() - before + server.cpu_of_database() - of_database
    return Sample(spent / len(requests) * 1_000_000)


def request(key: str) -> Request:
    """Return a request that comes with an API key."""
    headers = [(b"host", b"127.0.0.1"), (b"authorization", f"Bearer {key}".encode())]
    return Request({"type": "http", "method": "POST", "path": "/", "scheme": "http", "headers": headers}, _no_body)


async def _no_body() -> Message:
    return {"type": "http.disconnect"}
