"""Starring a project: of one at home it is kept here, another is starred where it comes from, as who asks is there."""

from __future__ import annotations

from sqlalchemy import Connection

from mainspring.kit.actors import Actor
from mainspring.kit.errors import FailedPrecondition, Unavailable
from mainspring.kit.time import now_ms
from mainspring.modules.projects import service as projects
from mainspring.modules.projects.service import origins
from mainspring.modules.projects.service.origins import Origin
from mainspring.modules.projects.service.source_access import source_of_sign_ins, token_of
from mainspring.modules.services import Services


async def star_project(services: Services, actor: Actor, on: bool) -> None:
    """Star the project that the actor acts in, or take the star back; to do so twice changes nothing.

    Raises FailedPrecondition of a project that is kept where the actor has no account.
    """
    projects.check_may_star(actor)
    origin, name = await services.db.read(_find_origin, actor)
    if origin is None:
        await services.db.write(projects.set_star, actor, on)
        return
    source = services.sources.get(name)
    if source is None:
        raise Unavailable(f"{origin.url} is at a source that is not read any more.")
    # The tokens that are known are for the place by which people sign in, and go to no other.
    token = await token_of(services, actor) if name == source_of_sign_ins(services.settings) else None
    if token is None:
        raise FailedPrecondition(f"Star it at {origin.url}: this server knows no account of yours there.")
    await source.star(origin.external_id, token, on)
    await services.db.write(origins.note_changes, origin.source, [origin.external_id], now_ms())


def _find_origin(tx: Connection, actor: Actor) -> tuple[Origin | None, str]:
    """Return where the actor's project is kept, and the name of that source."""
    origin = origins.get_origin(tx, projects.own_project(tx, actor).key)
    return origin, "" if origin is None else origins.get_source(tx, origin.source).name
