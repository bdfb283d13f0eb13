"""Configuration and secrets of a project that is deleted for good."""

from sqlalchemy import Connection

from mainspring.kit.actors import Actor
from mainspring.kit.permissions import Permission
from mainspring.modules.configuration.store import documents, secrets


def drop_project(tx: Connection, actor: Actor, project: int) -> None:
    """Delete all documents, schemas and secrets of a project, with their versions."""
    actor.require(Permission.STORAGE_MANAGE)
    documents.delete_project(tx, project)
    secrets.delete_project(tx, project)
