"""Searches in the catalog: each shows, and counts, what its actor may see, and nothing else."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from sqlalchemy import Connection

from mainspring.kit.actors import Actor
from mainspring.kit.errors import InvalidArgument, NotFound
from mainspring.kit.pages import position_of, query_mark, token_of
from mainspring.kit.permissions import Permission
from mainspring.modules.catalog.service.categories import Category
from mainspring.modules.catalog.service.model_links import ModelLink
from mainspring.modules.catalog.service.models import linked_models
from mainspring.modules.catalog.service.signed_files import Reach, SignedFiles, sign_files
from mainspring.modules.catalog.store import search as store
from mainspring.modules.catalog.store.search import Extent
from mainspring.modules.catalog.store.search import ItemRecord as ItemRecord
from mainspring.modules.catalog.store.search_terms import Asked, Place, SortKey, Term
from mainspring.modules.projects import service as projects
from mainspring.modules.projects.service import Place as ProjectPlace

MAX_LIMIT = 1_000
DEFAULT_LIMIT = 10
MAX_IDS = 500
MAX_SORT_KEYS = 10
NEWEST = (SortKey("updated", ascending=False),)
_NEXT, _PREVIOUS = "n", "p"


@dataclass(frozen=True, slots=True)
class ItemQuery:
    """What items are asked for: of these collections, of these ids if any are given, for which all terms hold.

    An id is a slug, or a project's ``namespace/name``. ``token`` is that of an earlier page of the same query.
    """

    collections: Sequence[str]
    ids: Sequence[str] | None = None
    terms: Sequence[Term] = ()
    order: Sequence[SortKey] = ()
    limit: int = DEFAULT_LIMIT
    token: str | None = None


@dataclass(frozen=True, slots=True)
class ItemPage:
    """A page of items, how many there are in all, and the tokens of the pages beside it."""

    records: list[ItemRecord]
    matched: int
    next: str | None = None
    previous: str | None = None
    around: Surroundings = field(default_factory=lambda: Surroundings({}, {}))


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What items show that is not in the index, by the keys of their projects: paths, and registered models.

    ``stale`` are projects whose source cannot be read, with the time (ms) from which on it could not; ``files`` signs
    URLs of files.
    """

    paths: Mapping[int, str]
    models: Mapping[int, list[ModelLink]]
    stale: Mapping[int, int] = field(default_factory=dict)
    files: SignedFiles = field(default_factory=SignedFiles)

    @property
    def signed(self) -> bool:
        """Whether there are URLs in it that open what not everyone may have."""
        models = (link for links in self.models.values() for link in links)
        return bool(self.files.slugs) or any(file.signed for link in models for file in link.files)


@dataclass(frozen=True, slots=True)
class Shelf:
    """A collection, and what those of its items span together that may be seen; None where there is none."""

    category: Category
    extent: Extent | None


def search_items(tx: Connection, actor: Actor, query: ItemQuery, reach: Reach | None = None) -> ItemPage:
    """Return a page of items, with what signs their files where ``reach`` says which those may be.

    Raises InvalidArgument for a token of another query.
    """
    actor.require(Permission.PROJECTS_DISCOVER)
    order = tuple(query.order) or NEWEST
    mark = query_mark(query.collections, query.ids, query.terms, order)
    place = _place_of(query.token, mark, order) if query.token else None
    visible = projects.visible_keys(tx, actor)
    found = store.find_page(tx, visible, asked_for(tx, query), order, query.limit, place)
    backwards = place is not None and place.backwards
    has_next = found.more or backwards
    has_previous = found.more if backwards else place is not None
    return ItemPage(
        found.records,
        found.matched,
        _NEXT + token_of(mark, found.positions[-1]) if found.positions and has_next else None,
        _PREVIOUS + token_of(mark, found.positions[0]) if found.positions and has_previous else None,
        _surroundings(tx, actor, found.records, reach),
    )


def find_item(
    tx: Connection, actor: Actor, collection: str, id: str, reach: Reach | None = None
) -> tuple[ItemRecord, Surroundings]:
    """Return an item by its slug, or its project's ``namespace/name``, as ``search_items`` does. Raises NotFound.

    Files of its registered models are signed, too.
    """
    actor.require(Permission.PROJECTS_DISCOVER)
    visible = projects.visible_keys(tx, actor)
    record = store.find_item(tx, visible, asked_for(tx, ItemQuery((collection,), (id,))))
    if record is None:
        raise NotFound(f"There is no item '{id[:200]}' in the collection '{collection[:100]}', or you may not see it.")
    return record, _surroundings(tx, actor, [record], reach, alone=True)


def list_shelves(tx: Connection, actor: Actor, categories: Collection[Category]) -> list[Shelf]:
    """Return the collections, with what is in them that the actor may see."""
    actor.require(Permission.PROJECTS_DISCOVER)
    visible = projects.visible_keys(tx, actor)
    extents = {each.collection: each for each in store.list_extents(tx, visible, [each.id for each in categories])}
    return [Shelf(each, extents.get(each.id)) for each in categories]


def list_properties(tx: Connection, actor: Actor, collections: Sequence[str]) -> list[tuple[str, bool, bool]]:
    """Return the names of the properties that items of collections have, and whether as texts and as numbers."""
    actor.require(Permission.PROJECTS_DISCOVER)
    return store.list_names(tx, projects.visible_keys(tx, actor), Asked(collections))


def asked_for(tx: Connection, query: ItemQuery) -> Asked:
    """Return what the store is asked for by a query."""
    if query.ids is None:
        return Asked(query.collections, query.terms)
    found = []
    for path in [each for each in query.ids if "/" in each]:
        with suppress(NotFound):
            found.append(projects.find_place(tx, ProjectPlace(path)).key)
    return Asked(query.collections, query.terms, [each for each in query.ids if "/" not in each], found)


def _surroundings(
    tx: Connection, actor: Actor, records: Sequence[ItemRecord], reach: Reach | None, *, alone: bool = False
) -> Surroundings:
    keys = {each.project for each in records}
    placed = projects.list_placed(tx, keys)
    return Surroundings(
        {each.key: each.path for each in placed},
        linked_models(tx, actor, keys, signed=alone and reach is not None),
        {each.key: each.source_failed_at for each in placed if each.source_failed_at is not None},
        SignedFiles() if reach is None else sign_files(tx, actor, placed, reach),
    )


def _place_of(token: str, mark: str, order: Sequence[SortKey]) -> Place:
    """Return where the page of a token begins."""
    if token[0] in (_NEXT, _PREVIOUS):
        with suppress(InvalidArgument):
            return Place(position_of(token[1:], mark, store.kinds_of(order)), token[0] == _PREVIOUS)
    raise InvalidArgument(
        f"token is '{token[:100]}', which is not of this search; follow the link 'next' or 'prev' of a page of it.",
        field="token",
    )
