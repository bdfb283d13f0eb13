"""``mainspring db``: the schema of the database that the settings name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from mainspring.cli.flags import Data, DatabaseUrl
from mainspring.cli.output import say
from mainspring.kit.errors import FailedPrecondition

if TYPE_CHECKING:
    from pathlib import Path

app = typer.Typer(help="The schema of the database; `mainspring up` upgrades it by itself.", no_args_is_help=True)


@app.command()
def upgrade(data: Data = None, database_url: DatabaseUrl = None) -> None:
    """Bring the database to this release's schema, making it where there is none."""
    from mainspring.db import migrate
    from mainspring.kit.sql_engines import create_write_engine
    from mainspring.server.lock import lock_database
    from mainspring.server.schema import metadata

    url, file = _database(data, database_url)
    lock = lock_database(file) if file else None
    try:
        ran = migrate.upgrade(create_write_engine(url), metadata)
    finally:
        if lock:
            lock.close()
    say(f"Upgraded: {', '.join(ran)}." if ran else f"Nothing to do: the database is at {migrate.head()}, the newest.")


@app.command()
def check(data: Data = None, database_url: DatabaseUrl = None) -> None:
    """Say which schema the database has; fail unless it is this release's."""
    from mainspring.db import migrate
    from mainspring.kit.sql_engines import create_read_engine

    url, file = _database(data, database_url)
    if file and not file.exists():
        raise FailedPrecondition(f"There is no database at {file}: make it with `mainspring db upgrade`.")
    at, newest = migrate.check(create_read_engine(url, 1))
    if at != newest:
        raise FailedPrecondition(
            f"The database is at revision {at or 'none'}, this release needs {newest}: run `mainspring db upgrade`, or "
            "a newer release if that refuses."
        )
    say(f"The database is at revision {at}, the newest.")


def _database(data: Path | None, database_url: str | None) -> tuple[str, Path | None]:
    """Return the database's URL, and its file where it is embedded."""
    from mainspring.db.engine import check_url
    from mainspring.kit.sql_engines import embedded_file
    from mainspring.settings import load_settings

    settings, _ = load_settings({"data": data, "database_url": database_url})
    url = check_url(settings.resolved_database_url)
    return url, embedded_file(url)
