"""Names by which MLflow's clients know projects, and the catalog its items: each is given once."""

from __future__ import annotations

from sqlalchemy import Connection

from mainspring.modules.projects import store
from mainspring.modules.projects.service.names import workspace_of


def free_workspace(tx: Connection, namespace: str, name: str) -> str:
    """Return a workspace's name that no project has, as close as may be to what a path suggests."""
    suggested = workspace_of(namespace, name)
    number, free = 2, suggested
    while store.find_workspace(tx, free):
        free = f"{suggested[:58].rstrip('-')}-{number}"
        number += 1
    return free
