"""Registered models of a project that is deleted for good."""

from sqlalchemy import Connection

from mainspring.kit.actors import Actor
from mainspring.kit.permissions import Permission
from mainspring.modules.registry import store


def drop_project(tx: Connection, actor: Actor, project: int) -> None:
    """Delete all registered models of a project, with their versions."""
    actor.require(Permission.STORAGE_MANAGE)
    store.delete_models_of(tx, project)
