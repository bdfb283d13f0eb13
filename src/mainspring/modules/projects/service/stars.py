"""Who likes which project that is at home here."""

from __future__ import annotations

from sqlalchemy import Connection

from mainspring.kit.actors import Actor
from mainspring.kit.errors import PermissionDenied
from mainspring.kit.events import Event, publish
from mainspring.kit.permissions import Permission
from mainspring.kit.time import now_ms
from mainspring.modules.projects.service.access import own_project
from mainspring.modules.projects.store import origins

OWNER_OF_ALL = 0
"""Whose stars those are of the one user of a server without accounts."""


def set_star(tx: Connection, actor: Actor, on: bool) -> int:
    """Star the project that the actor acts in, or take the star back, and return how many it has.

    To do so twice changes nothing.
    """
    check_may_star(actor)
    project, user = own_project(tx, actor), OWNER_OF_ALL if actor.key is None else actor.key
    changed = origins.set_star(tx, project.key, user, now_ms()) if on else origins.delete_star(tx, project.key, user)
    stars = count_stars(tx, project.key)
    if changed:
        verb = "star" if on else "unstar"
        publish(tx, Event(f"project.{verb}", project.path, actor, project.key, after={"stars": stars}))
    return stars


def check_may_star(actor: Actor) -> None:
    """Raise unless the actor may star its project: who sees it may, but not by a token that only reads, or a run's."""
    actor.require(Permission.SIGNED_IN)
    actor.require(Permission.PROJECT_READ)
    only_reads = actor.limits is not None and not any(each.endswith(":write") for each in actor.limits)
    if only_reads or actor.run_id is not None:
        raise PermissionDenied("This token is not for starring projects: it only reads, or is a run's.")


def count_stars(tx: Connection, project: int) -> int:
    """Return how many like a project that is at home here."""
    return origins.count_stars(tx, project)
