"""Signed URLs of the files of many projects, for items and pages of them: few questions for a page, none for a file."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import partial

from sqlalchemy import Connection

from mainspring.kit.actors import Actor, ActorKind
from mainspring.modules.catalog.service.downloads import file_signer, owns_server
from mainspring.modules.projects import service as projects
from mainspring.modules.projects.schemas import Visibility
from mainspring.modules.projects.service import PlacedProject
from mainspring.modules.services import Services


@dataclass(frozen=True, slots=True)
class Reach:
    """What files a server hands out: whether public ones to everyone, and the names of the sources that it reaches.

    ``sign_ins`` is the name of that source whose own tokens accounts have, empty where there is none.
    """

    public_read: bool
    sources: Collection[str]
    sign_ins: str


def reach_of(services: Services) -> Reach:
    """Return what files a server hands out."""
    settings = services.settings
    return Reach(settings.public_read, services.sources.keys(), projects.source_of_sign_ins(settings))


@dataclass(frozen=True, slots=True)
class SignedFiles:
    """What signs URLs of files: ``slugs`` are those of the projects whose files an actor may have, by key.

    Projects that are open to everyone are left out: their files need no signature.
    """

    slugs: Mapping[int, str] = field(default_factory=dict)
    sign: Callable[[int, str, str, str], str] | None = None

    def of(self, project: int) -> Callable[[str, str], str] | None:
        """Return what makes path and query of a file's URL, by its path and ref; None where files are not signed."""
        slug = self.slugs.get(project)
        return None if slug is None or self.sign is None else partial(self.sign, project, slug)


def sign_files(tx: Connection, actor: Actor, placed: Collection[PlacedProject], reach: Reach) -> SignedFiles:
    """Return what signs URLs of files of projects as ``sign_download`` does, for an actor who may read them now."""
    if actor.kind is ActorKind.NOBODY:
        return SignedFiles()  # who sees what is open to everyone, and nothing else
    found = projects.readable_among(tx, actor, placed)
    closed = [each for each in found if not (reach.public_read and each.visibility == Visibility.PUBLIC)]
    reached = _reached(tx, actor, closed, reach)
    slugs = {each.key: each.workspace for each in closed if each.source is None or each.key in reached}
    return SignedFiles(slugs, file_signer(tx, actor)) if slugs else SignedFiles()


def _reached(tx: Connection, actor: Actor, found: Collection[PlacedProject], reach: Reach) -> set[int]:
    """Return the projects kept elsewhere whose source would be asked for a file, with a token that may have it."""
    elsewhere = [each for each in found if each.source_name in reach.sources]
    if not elsewhere:
        return set()
    # What is not public is asked for with the account's own token, where people sign in by the source.
    own = owns_server(actor) or projects.has_token(tx, actor, reach.sign_ins)
    return {
        each.key
        for each in elsewhere
        if own or each.visibility == Visibility.PUBLIC or each.source_name != reach.sign_ins
    }
