"""What holds: the instance's, the project's and an environment's document, merged; now, and after each change."""

from __future__ import annotations

from sqlalchemy import Connection

from mainspring.kit.actors import Actor
from mainspring.kit.errors import NotFound
from mainspring.kit.permissions import Permission
from mainspring.modules.configuration.schemas import EffectiveDocument, Environment
from mainspring.modules.configuration.service.pointers import merged
from mainspring.modules.configuration.service.rules import check_name
from mainspring.modules.configuration.store import documents as store
from mainspring.modules.configuration.store.documents import INSTANCE, Place, Stored

MAX_CHANGES = 20


def get_effective(tx: Connection, actor: Actor, name: str, environment: Environment | None) -> EffectiveDocument:
    """Return what holds in an environment, or in the project as a whole. NotFound where there never was anything."""
    actor.require(Permission.CONFIGURATION_READ)
    found = effective_at(tx, Place(actor.project, environment, check_name(name)))
    if found is None:
        where = f" in {environment}" if environment else ""
        raise NotFound(f"There is no document '{name}' for this project{where}.", field="name")
    return found


def effective_after(
    tx: Connection, actor: Actor, name: str, environment: Environment | None, revision: int
) -> list[EffectiveDocument]:
    """Return what held after each of the next changes behind ``revision``, oldest first; twenty at most.

    Where ``revision`` is past the newest, that of another database say, it is what holds now.
    """
    now = get_effective(tx, actor, name, environment)
    if revision > store.get_revision(tx):
        return [now]
    place = Place(actor.project, environment, name)
    changes = store.revisions_of(tx, _levels(place), revision, MAX_CHANGES)
    return [found for each in changes if (found := effective_at(tx, place, each))]


def effective_at(tx: Connection, place: Place, revision: int | None = None) -> EffectiveDocument | None:
    """Return what holds at a place, or held once; None where no document was ever written for it."""
    levels = sorted(store.find_levels(tx, _levels(place), revision), key=_depth)
    if not levels:
        return None
    there = [(_source(level.place), level.value) for level in levels if level.value is not None]
    value, sources = merged(there)
    newest = max(level.revision for level in levels)
    return EffectiveDocument(place.name, place.environment, newest, not there, value, sources)


def _levels(place: Place) -> list[Place]:
    """Return the places that a value may come from."""
    above = [Place(INSTANCE, None, place.name), Place(place.project, None, place.name)]
    return list(dict.fromkeys([*above, place]))


def _depth(stored: Stored) -> int:
    return 0 if stored.place.project == INSTANCE else 2 if stored.place.environment else 1


def _source(place: Place) -> str:
    if place.project == INSTANCE:
        return "instance"
    return place.environment.value if place.environment else "project"
