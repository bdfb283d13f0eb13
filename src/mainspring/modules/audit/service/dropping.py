"""Webhooks of a project that is deleted for good; what is in the log of it stays."""

from sqlalchemy import Connection

from mainspring.kit.actors import Actor
from mainspring.kit.permissions import Permission
from mainspring.modules.audit.store import webhooks


def drop_project(tx: Connection, actor: Actor, project: int) -> None:
    """Delete all webhooks of a project, with their deliveries."""
    actor.require(Permission.STORAGE_MANAGE)
    webhooks.delete_project(tx, project)
