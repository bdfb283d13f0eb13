"""An open database and an artifact store on the disk, as services get them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mainspring.db import migrate
from mainspring.db.engine import Database, check_url
from mainspring.engines.blobs import open_store
from mainspring.modules.services import Services
from mainspring.server.schema import metadata


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    """Yield services on SQLite."""
    yield from open_services(f"sqlite:///{tmp_path / 'a.db'}", tmp_path / "store")


@pytest.fixture(params=["sqlite", "postgresql"])
def both(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Services]:
    """Yield services once on each database."""
    url = f"sqlite:///{tmp_path / 'a.db'}"
    if request.param == "postgresql":
        url = check_url(request.getfixturevalue("postgres_database"))
    yield from open_services(url, tmp_path / "store")


def open_services(url: str, folder: Path) -> Iterator[Services]:
    db = Database(url)
    migrate.upgrade(db.write_engine, metadata)
    yield Services(db, open_store(folder.as_uri()))
    db.close()
