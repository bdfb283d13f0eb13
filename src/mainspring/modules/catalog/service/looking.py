"""With whose eyes a project is looked at where it is kept: the source's own, else those of somebody it is shown to."""

from __future__ import annotations

from dataclasses import dataclass

from mainspring.engines.sources import Source, SourceProject
from mainspring.kit.errors import NotFound, PermissionDenied
from mainspring.modules.projects import service as projects
from mainspring.modules.projects.schemas import Visibility
from mainspring.modules.projects.service.origins import Mirror
from mainspring.modules.projects.service.source_access import token_of_inside, token_of_member
from mainspring.modules.services import Services


@dataclass(frozen=True, slots=True)
class Seen:
    """What a source shows of a project, to somebody's ``token`` where it shows it not to everyone.

    ``gone`` says that nobody is shown it any more; without it and without a project nobody is there who could say.
    """

    project: SourceProject | None = None
    token: str | None = None
    gone: bool = False


async def look(services: Services, source: Source, external_id: str, mirror: Mirror | None) -> Seen:
    """Look for a project with the source's own eyes, else with those of a member, or of who is shown internal ones."""
    if project := await _get(source, external_id, None):
        return Seen(project)
    token = None if mirror is None else await _token_for(services, source, mirror)
    if token is None:
        # What was shown to few alone may be so still: that no token of theirs is here says nothing of it.
        return Seen(gone=mirror is not None and mirror.origin.shown)
    project = await _get(source, external_id, token)
    return Seen(project, token, gone=project is None)


async def _token_for(services: Services, source: Source, mirror: Mirror) -> str | None:
    """Return a token that a project is shown to as it is known here, None where there is none."""
    token = await token_of_member(services, mirror.origin.project)
    if token is None and mirror.visibility == Visibility.INTERNAL and source.name == _of_sign_ins(services):
        return await token_of_inside(services)
    return token


def _of_sign_ins(services: Services) -> str:
    """Return the name of the source whose tokens accounts have: to no other may they be shown."""
    return projects.source_of_sign_ins(services.settings)


async def _get(source: Source, external_id: str, token: str | None) -> SourceProject | None:
    """Return a project as a token is shown it, None where it is not."""
    try:
        return await source.get(external_id, token)
    except (NotFound, PermissionDenied):
        return None
