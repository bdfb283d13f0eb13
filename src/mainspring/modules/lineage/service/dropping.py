"""Lineage of a project that is deleted for good."""

from sqlalchemy import Connection

from mainspring.kit.actors import Actor
from mainspring.kit.permissions import Permission
from mainspring.modules.lineage import store


def drop_project(tx: Connection, actor: Actor, project: int) -> None:
    """Forget what a project was told by other systems."""
    actor.require(Permission.STORAGE_MANAGE)
    store.delete_all(tx, project)
