"""SQL of configuration documents; what belongs to the instance has the project 0."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection, Select, delete, func, insert, select, tuple_, update

from mainspring.kit.sql_engines import upsert_rows
from mainspring.modules.configuration.schemas import (
    Document,
    DocumentHeader,
    DocumentSchema,
    DocumentVersion,
    Environment,
)
from mainspring.modules.configuration.tables import (
    configuration_documents,
    configuration_revision,
    configuration_schemas,
    configuration_versions,
)

INSTANCE = 0
"""What stands in the place of a project's key for documents of the instance."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a document stands: its project (or ``INSTANCE``), its environment (or all) and its name."""

    project: int
    environment: Environment | None
    name: str


@dataclass(frozen=True, slots=True)
class Stored:
    """A document at one moment. ``value`` is None where it is deleted."""

    key: int
    place: Place
    version: int
    revision: int
    value: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Touched:
    """A document that changed, and by which revision."""

    project: int
    name: str
    revision: int


_HEADER = (
    configuration_documents.c.project,
    configuration_documents.c.environment,
    configuration_documents.c.name,
    configuration_versions.c.version,
    configuration_versions.c.revision,
    configuration_versions.c.message,
    configuration_versions.c.created_by,
    configuration_versions.c.created_at,
)
_BOTH = configuration_documents.c.id == configuration_versions.c.document
_NEWEST = configuration_documents.c.version == configuration_versions.c.version


def take_revision(tx: Connection) -> int:
    """Count the changes up by one and return the number; until this transaction ends all others wait here."""
    table = configuration_revision
    return int(tx.execute(update(table).values(number=table.c.number + 1).returning(table.c.number)).scalar_one())


def get_revision(tx: Connection) -> int:
    """Return the number of the last change."""
    return int(tx.execute(select(configuration_revision.c.number)).scalar_one())


def touched_after(tx: Connection, revision: int, limit: int) -> list[Touched]:
    """Return the documents whose newest change came after ``revision``, oldest change first."""
    table = configuration_documents
    found = select(table.c.project, table.c.name, table.c.revision).where(table.c.revision > revision)
    return [Touched(*row) for row in tx.execute(found.order_by(table.c.revision).limit(limit))]


def find_stored(tx: Connection, place: Place) -> Stored | None:
    """Return the newest state of a document, deleted ones too, or None."""
    return next((each for each in find_levels(tx, [place])), None)


def find_levels(tx: Connection, places: Sequence[Place], at: int | None = None) -> list[Stored]:
    """Return the documents at these places, deleted ones too: as they are, or were when the revision was ``at``."""
    documents, versions = configuration_documents, configuration_versions
    wanted = [(place.project, place.name, _text(place.environment)) for place in places]
    here = tuple_(documents.c.project, documents.c.name, documents.c.environment).in_(wanted)
    found: Select[Any] = select(*_HEADER, documents.c.id, versions.c.value).join_from(documents, versions, _BOTH)
    if at is None:
        rows = tx.execute(found.where(here, _NEWEST)).all()
    else:
        of_then = select(func.max(versions.c.revision)).where(versions.c.document == documents.c.id)
        then = of_then.where(versions.c.revision <= at).correlate(documents).scalar_subquery()
        rows = tx.execute(found.where(here, versions.c.revision == then)).all()
    return [_stored(row) for row in rows]


def revisions_of(tx: Connection, places: Sequence[Place], after: int, limit: int) -> list[int]:
    """Return the revisions after ``after`` by which any of these documents changed, oldest first."""
    documents, versions = configuration_documents, configuration_versions
    wanted = [(place.project, place.name, _text(place.environment)) for place in places]
    here = tuple_(documents.c.project, documents.c.name, documents.c.environment).in_(wanted)
    found = select(versions.c.revision).join_from(documents, versions, _BOTH).where(here, versions.c.revision > after)
    return list(tx.execute(found.order_by(versions.c.revision).limit(limit)).scalars())


def environments_with(tx: Connection, project: int, name: str) -> list[Environment]:
    """Return the environments that have a document of this name, deleted ones left out."""
    documents, versions = configuration_documents, configuration_versions
    found = select(documents.c.environment).join_from(documents, versions, _BOTH)
    mine = (documents.c.project == project, documents.c.name == name, documents.c.environment != "")
    there = found.where(*mine, _NEWEST, versions.c.value.is_not(None))
    return [Environment(text) for text in tx.execute(there.order_by(documents.c.environment)).scalars()]


def add_version(
    tx: Connection,
    place: Place,
    before: Stored | None,
    revision: int,
    value: Mapping[str, Any] | None,
    message: str,
    created_by: str,
    now: int,
) -> None:
    """Add a version to a document, which is made where it was not ``before``. A value of None deletes it."""
    version = before.version + 1 if before else 1
    newest = {"version": version, "revision": revision}
    documents = configuration_documents
    if before:
        key = before.key
        tx.execute(update(documents).where(documents.c.id == key).values(newest))
    else:
        row = newest | {"project": place.project, "environment": _text(place.environment), "name": place.name}
        key = tx.execute(insert(documents).values(row).returning(documents.c.id)).scalar_one()
    text = None if value is None else msgspec.json.encode(value).decode()
    made = {"value": text, "message": message, "created_by": created_by, "created_at": now}
    tx.execute(insert(configuration_versions).values(newest | made | {"document": key}))


def find_document(tx: Connection, place: Place, version: int | None = None) -> Document | None:
    """Return a document, its newest version unless told, or None: also where that version is its deletion."""
    documents, versions = configuration_documents, configuration_versions
    chosen = _NEWEST if version is None else versions.c.version == version
    found = select(*_HEADER, versions.c.value).join_from(documents, versions, _BOTH).where(*_at(place), chosen)
    row = tx.execute(found.where(versions.c.value.is_not(None))).one_or_none()
    if row is None:
        return None
    project, environment, name, number, revision, *made = row
    message, created_by, created_at, value = made
    where = (name, Environment(environment) if environment else None, project == INSTANCE)
    return Document(*where, number, revision, msgspec.json.decode(value), message, created_by, created_at)


def count_documents(tx: Connection, project: int) -> int:
    """Return how many documents a project has that were not deleted."""
    documents, versions = configuration_documents, configuration_versions
    alive = (documents.c.project == project, versions.c.value.is_not(None))
    joined = documents.join(versions, _BOTH & _NEWEST)
    return tx.execute(select(func.count()).select_from(joined).where(*alive)).scalar_one()


def list_documents(tx: Connection, project: int, limit: int, offset: int) -> list[DocumentHeader]:
    """Return the documents of a project and of the instance, by name; deleted ones left out."""
    documents, versions = configuration_documents, configuration_versions
    found = select(*_HEADER).join_from(documents, versions, _BOTH)
    there = found.where(documents.c.project.in_((project, INSTANCE)), _NEWEST, versions.c.value.is_not(None))
    order = (documents.c.name, documents.c.project, documents.c.environment)
    rows = tx.execute(there.order_by(*order).limit(limit).offset(offset)).all()
    return [_header(row) for row in rows]


def list_versions(tx: Connection, key: int, limit: int, offset: int) -> list[DocumentVersion]:
    """Return the versions of a document, newest first."""
    table = configuration_versions
    made = (table.c.message, table.c.created_by, table.c.created_at)
    found = select(table.c.version, table.c.revision, table.c.value.is_(None), *made).where(table.c.document == key)
    rows = tx.execute(found.order_by(table.c.version.desc()).limit(limit).offset(offset)).all()
    return [DocumentVersion(row[0], row[1], bool(row[2]), *row[3:]) for row in rows]


def find_value(tx: Connection, key: int, version: int) -> tuple[bool, dict[str, Any]]:
    """Return whether a document has this version, and its value; a deletion's is empty."""
    table = configuration_versions
    found = select(table.c.value).where(table.c.document == key, table.c.version == version)
    row = tx.execute(found).one_or_none()
    return row is not None, msgspec.json.decode(row.value) if row and row.value else {}


# Schemas


def find_schema(tx: Connection, project: int, name: str) -> DocumentSchema | None:
    """Return the schema of a name in a project, or None."""
    table = configuration_schemas
    row = tx.execute(select(table).where(table.c.project == project, table.c.name == name)).one_or_none()
    return None if row is None else DocumentSchema(msgspec.json.decode(row.schema), row.created_by, row.created_at)


def set_schema(tx: Connection, project: int, name: str, schema: DocumentSchema) -> None:
    """Set the schema of a name in a project."""
    text = msgspec.json.encode(schema.schema).decode()
    columns = ("project", "name", "schema", "created_by", "created_at")
    upsert_rows(tx, configuration_schemas, columns, [(project, name, text, schema.created_by, schema.created_at)])


def delete_schema(tx: Connection, project: int, name: str) -> bool:
    """Delete the schema of a name and say whether there was one."""
    table = configuration_schemas
    return tx.execute(delete(table).where(table.c.project == project, table.c.name == name)).rowcount > 0


def _at(place: Place) -> tuple[Any, ...]:
    table = configuration_documents
    environment = table.c.environment == _text(place.environment)
    return table.c.project == place.project, table.c.name == place.name, environment


def _stored(row: Any) -> Stored:
    place = Place(row.project, Environment(row.environment) if row.environment else None, row.name)
    value = None if row.value is None else msgspec.json.decode(row.value)
    return Stored(row.id, place, row.version, row.revision, value)


def _header(row: Any) -> DocumentHeader:
    project, environment, name, *rest = row
    return DocumentHeader(name, Environment(environment) if environment else None, project == INSTANCE, *rest)


def _text(environment: Environment | None) -> str:
    return environment.value if environment else ""


def delete_project(tx: Connection, project: int) -> None:
    """Delete all documents and schemas of a project, with their versions."""
    own = select(configuration_documents.c.id).where(configuration_documents.c.project == project)
    tx.execute(delete(configuration_versions).where(configuration_versions.c.document.in_(own)))
    tx.execute(delete(configuration_documents).where(configuration_documents.c.project == project))
    tx.execute(delete(configuration_schemas).where(configuration_schemas.c.project == project))
