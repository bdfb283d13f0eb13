"""Servers with a catalog in their databases, once on each database."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import httpx
import pytest
from sqlalchemy import insert

from mainspring.kit.sql_engines import create_write_engine
from mainspring.modules.identity.service import find_holder
from mainspring.modules.projects.tables import grants
from tests.components.accounts import Guarded
from tests.components.postgres import Postgres, create_database
from tests.stac.world import SAMPLES, bulk, fill

ROOTS = ["/api/v1/stac", "/api/stac"]


@dataclass(frozen=True)
class Catalog:
    """A server with a catalog: ``bob`` sees the hidden item as well, ``eve`` does not; strangers see what is public.

    ``keys`` are those of projects by their names.
    """

    server: Guarded
    keys: dict[str, int]
    clients: dict[str | None, httpx.Client] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Where the server is."""
        return self.server.url

    def client(self, name: str | None = "bob") -> httpx.Client:
        """Return the client of somebody at the shorter root."""
        if name not in self.clients:
            self.clients[name] = client = self.server.client(name)
            client.base_url = httpx.URL(f"{self.url}/api/stac")
        return self.clients[name]


@pytest.fixture(scope="package", params=["sqlite", "postgresql"])
def catalog(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalog]:
    """Yield a server with accounts that everyone may read, and a catalog."""
    url = None
    if request.param == "postgresql":
        postgres: Postgres = request.getfixturevalue("postgres")
        url = postgres.database_url(create_database(postgres))
    with Guarded(tmp_path_factory.mktemp("stac") / "data", "--public-read", database_url=url) as server:
        for name in ("bob", "eve"):
            server.add_user(name)
        engine = create_write_engine(server.database_url)
        with engine.begin() as tx:
            keys = fill(tx, [*SAMPLES, *bulk()])
            row = {"holder_kind": "user", "holder": find_holder(tx, "user", "bob"), "role": 10, "created_by": "root"}
            scope = {"scope_kind": "project", "scope": keys["hidden-ships"], "created_at": 0}
            tx.execute(insert(grants).values(row | scope))
        engine.dispose()
        yield Catalog(server, keys)
