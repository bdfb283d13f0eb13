"""What the tests of faults share: the databases that a server of theirs runs on."""

from __future__ import annotations

import pytest


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str | None:
    """Return the URL of an empty PostgreSQL database, or None for the embedded SQLite."""
    if request.param == "sqlite":
        return None
    return str(request.getfixturevalue("postgres_database"))
