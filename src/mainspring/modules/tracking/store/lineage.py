"""SQL of where runs and logged models come from and lead to: of many at once, of whatever projects.

It is for those who look at the ``project`` of what they get.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection

from mainspring.kit.sql_engines import select_where_in


def find_locations(tx: Connection, run_ids: Iterable[str]) -> dict[str, tuple[int, str]]:
    """Return (project, artifact URI) of the runs that exist, by run id."""
    rows = select_where_in(tx, "SELECT run_id, project, artifact_uri FROM runs WHERE run_id", run_ids)
    return {run_id: (project, location) for run_id, project, location in rows}
