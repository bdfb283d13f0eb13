"""Deleted projects whose time for being restored is over: their names come free, once what they own is gone."""

from __future__ import annotations

from sqlalchemy import Connection

from mainspring.kit.actors import Actor
from mainspring.kit.events import Event, publish
from mainspring.kit.permissions import Permission
from mainspring.kit.time import now_ms
from mainspring.modules.identity import service as identity
from mainspring.modules.projects import store

RESTORE_DAYS = 30
"""For so long a deleted project can be brought back."""

DAY_MS = 86_400_000


def expired_since() -> int:
    """Return until when (ms) a project must have been deleted, to be past restoring."""
    return now_ms() - RESTORE_DAYS * DAY_MS


def find_expired(tx: Connection, actor: Actor) -> list[int]:
    """Return the keys of deleted projects that can be restored no more."""
    actor.require(Permission.STORAGE_MANAGE)
    return store.find_deleted(tx, expired_since())


def forget_project(tx: Connection, actor: Actor, key: int) -> None:
    """Delete the rows of an expired project that owns nothing any more."""
    actor.require(Permission.STORAGE_MANAGE)
    project = store.get_project(tx, key)
    if project is None or key not in store.find_deleted(tx, expired_since()):
        return
    store.delete_project(tx, key)
    identity.change_access(tx)
    publish(tx, Event("project.purge", project.path, actor, key, before={"path": project.path}))
