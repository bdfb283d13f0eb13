"""Documents: written as versions that stay, read, compared, brought back, and held against their schema."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from mainspring.kit.actors import Actor
from mainspring.kit.errors import FailedPrecondition, NotFound
from mainspring.kit.events import Event, publish
from mainspring.kit.pages import Page, offset_of, page_of
from mainspring.kit.permissions import Permission
from mainspring.kit.time import now_ms
from mainspring.modules.configuration.schemas import (
    Difference,
    Document,
    DocumentHeader,
    DocumentSchema,
    DocumentUpdate,
    DocumentVersion,
    Rollback,
)
from mainspring.modules.configuration.service import rules
from mainspring.modules.configuration.service.effective import effective_at
from mainspring.modules.configuration.service.pointers import changes_between
from mainspring.modules.configuration.service.rules import Level
from mainspring.modules.configuration.service.validation import check_document, check_fits
from mainspring.modules.configuration.store import documents as store
from mainspring.modules.configuration.store.documents import INSTANCE, Place, Stored
from mainspring.modules.quotas import service as quotas
from mainspring.modules.quotas.schemas import Resource

quotas.counted(Resource.DOCUMENTS)(store.count_documents)


def list_documents(tx: Connection, actor: Actor, max_results: int, page_token: str | None) -> Page[DocumentHeader]:
    """Return the documents of the actor's project and of the instance, by name."""
    actor.require(Permission.CONFIGURATION_READ)
    limit, offset = rules.check_max_results(max_results), offset_of(page_token)
    return page_of(store.list_documents(tx, actor.project, limit + 1, offset), offset, limit)


def get_document(tx: Connection, actor: Actor, name: str, level: Level, version: int | None = None) -> Document:
    """Return a document, the newest version unless told. NotFound also for a deletion."""
    actor.require(Permission.CONFIGURATION_READ)
    place = rules.place_of(actor, name, level)
    wanted = None if version is None else rules.check_version(version)
    found = store.find_document(tx, place, wanted)
    if found is None:
        raise _not_found(tx, place, version)
    return found


def set_document(tx: Connection, actor: Actor, name: str, level: Level, update: DocumentUpdate) -> Document:
    """Write the next version of a document, which is made where there is none.

    InvalidArgument where the value does not fit its schema, FailedPrecondition where the newest version is not the
    expected one.
    """
    place = rules.place_of(actor, name, level)
    rules.require_write(actor, place)
    check_document(update.value)
    _write(tx, actor, place, update.value, update.message, update.expected_version, "set")
    return get_document(tx, actor, name, level)


def rollback_document(tx: Connection, actor: Actor, name: str, level: Level, rollback: Rollback) -> Document:
    """Write a version equal to an earlier one; it also brings a deleted document back."""
    place = rules.place_of(actor, name, level)
    rules.require_write(actor, place)
    before = store.find_document(tx, place, rules.check_version(rollback.version))
    if before is None:
        raise _not_found(tx, place, rollback.version)
    message = rollback.message or f"Rolled back to version {rollback.version}"
    _write(tx, actor, place, before.value, message, rollback.expected_version, "rollback")
    return get_document(tx, actor, name, level)


def delete_document(
    tx: Connection, actor: Actor, name: str, level: Level, message: str = "", expected_version: int | None = None
) -> None:
    """Delete a document. Its versions stay, and one of them can be rolled back to."""
    place = rules.place_of(actor, name, level)
    rules.require_write(actor, place)
    if store.find_document(tx, place) is None:
        raise _not_found(tx, place, None)
    _write(tx, actor, place, None, message, expected_version, "delete")


def list_versions(
    tx: Connection, actor: Actor, name: str, level: Level, max_results: int, page_token: str | None
) -> Page[DocumentVersion]:
    """Return the versions of a document, newest first; those of a deleted one too."""
    actor.require(Permission.CONFIGURATION_READ)
    limit, offset = rules.check_max_results(max_results), offset_of(page_token)
    key = _stored(tx, rules.place_of(actor, name, level)).key
    return page_of(store.list_versions(tx, key, limit + 1, offset), offset, limit)


def diff_document(
    tx: Connection, actor: Actor, name: str, level: Level, from_version: int, to_version: int | None = None
) -> Difference:
    """Return what changed between two versions of a document; the second is the newest unless told."""
    actor.require(Permission.CONFIGURATION_READ)
    place = rules.place_of(actor, name, level)
    stored = _stored(tx, place)
    newest = stored.version if to_version is None else to_version
    before, after = _value(tx, stored, from_version), _value(tx, stored, newest)
    return Difference(from_version, newest, list(changes_between(before, after)))


# Schemas


def get_schema(tx: Connection, actor: Actor, name: str, instance: bool) -> DocumentSchema:
    """Return the schema of a name."""
    actor.require(Permission.CONFIGURATION_READ)
    place = rules.place_of(actor, name, Level(instance=instance))
    found = store.find_schema(tx, place.project, name)
    if found is None:
        raise NotFound(f"The documents '{name}' have no schema here.", field="name")
    return found


def set_schema(tx: Connection, actor: Actor, name: str, instance: bool, schema: dict[str, Any]) -> DocumentSchema:
    """Set the schema of a name; ``validation.check_schema`` must have passed it.

    InvalidArgument where a document that is there does not fit.
    """
    place = rules.place_of(actor, name, Level(instance=instance))
    rules.require_write(actor, place)
    store.take_revision(tx)  # whoever writes such a document now waits, and then finds the schema
    new = DocumentSchema(schema, actor.name, now_ms())
    store.set_schema(tx, place.project, name, new)
    _check_levels(tx, place)
    publish(tx, Event("configuration_schema.set", rules.shown(place), actor, rules.event_project(place)))
    return new


def delete_schema(tx: Connection, actor: Actor, name: str, instance: bool) -> None:
    """Delete the schema of a name; its documents may be anything then."""
    place = rules.place_of(actor, name, Level(instance=instance))
    rules.require_write(actor, place)
    if not store.delete_schema(tx, place.project, name):
        raise NotFound(f"The documents '{name}' have no schema here.", field="name")
    publish(tx, Event("configuration_schema.delete", rules.shown(place), actor, rules.event_project(place)))


def _write(
    tx: Connection,
    actor: Actor,
    place: Place,
    value: dict[str, Any] | None,
    message: str,
    expected_version: int | None,
    verb: str,
) -> None:
    """Add a version, after everyone who wrote before, and see that all that follows from it fits its schema."""
    rules.check_message(message)
    revision = store.take_revision(tx)
    before = store.find_stored(tx, place)
    _check_expected(before, place, expected_version)
    if value is not None and (before is None or before.value is None) and place.project != INSTANCE:
        quotas.take(tx, place.project, Resource.DOCUMENTS)
    store.add_version(tx, place, before, revision, value, message, actor.name, now_ms())
    _check_levels(tx, place)
    old = {"version": before.version} if before else None
    new = {"version": before.version + 1 if before else 1, "message": message}
    publish(tx, Event(f"configuration.{verb}", rules.shown(place), actor, rules.event_project(place), old, new))


def _check_expected(before: Stored | None, place: Place, expected: int | None) -> None:
    """Raise FailedPrecondition unless the newest version is the expected one; 0 expects no document."""
    if expected is None:
        return
    version = before.version if before and (before.value is not None or expected) else 0
    if version != expected:
        raise FailedPrecondition(
            f"'{rules.shown(place)}' is at version {version}, not {expected}: someone has changed it since. Get it "
            "again, and change that.",
            field="expected_version",
        )


def _check_levels(tx: Connection, place: Place) -> None:
    """Raise InvalidArgument unless what holds at this level, and at those below that have a document, fits its schema.

    A project's schema is for what its own clients get; changes of the instance's documents are held against the
    instance's schema alone.
    """
    schema = store.find_schema(tx, place.project, place.name)
    if schema is None:
        return
    below = [] if place.environment else store.environments_with(tx, place.project, place.name)
    for environment in (place.environment, *below):
        holds = effective_at(tx, Place(place.project, environment, place.name))
        if holds and not holds.deleted:
            what = f"'{rules.shown(Place(place.project, environment, place.name))}'"
            check_fits(holds.value, schema.schema, what)


def _stored(tx: Connection, place: Place) -> Stored:
    found = store.find_stored(tx, place)
    if found is None:
        raise _not_found(tx, place, None)
    return found


def _value(tx: Connection, stored: Stored, version: int) -> dict[str, Any]:
    found, value = store.find_value(tx, stored.key, rules.check_version(version))
    if not found:
        raise NotFound(
            f"'{rules.shown(stored.place)}' has no version {version}: its newest is {stored.version}.", field="version"
        )
    return value


def _not_found(tx: Connection, place: Place, version: int | None) -> NotFound:
    name, stored = rules.shown(place), store.find_stored(tx, place)
    if stored is None:
        return NotFound(f"There is no document '{name}'.", field="name")
    if version is not None and version != stored.version:
        return NotFound(f"'{name}' has no version {version}, or that was its deletion.", field="version")
    return NotFound(f"'{name}' was deleted by version {stored.version}; rollback brings it back.", field="name")
