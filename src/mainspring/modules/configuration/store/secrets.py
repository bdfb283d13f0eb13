"""SQL of secrets: ciphertexts, wrapped data keys, and who may have them opened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection, Select, delete, func, insert, select, update

from mainspring.modules.configuration.schemas import Environment, Secret, SecretVersion
from mainspring.modules.configuration.tables import secret_versions, secrets


@dataclass(frozen=True, slots=True)
class Sealed:
    """A secret's value as it is stored: ``ciphertext`` under a data key, which is wrapped by the key ``key_id``."""

    ciphertext: bytes
    wrapped_key: bytes
    key_id: str


@dataclass(frozen=True, slots=True)
class Wrapping:
    """The wrapped data key of a version, by the version's key, and what it belongs to."""

    key: int
    wrapped_key: bytes
    key_id: str
    project: int
    environment: Environment
    name: str


_BOTH = secrets.c.id == secret_versions.c.secret
_SECRETS: Select[Any] = select(secrets, secret_versions.c.write_only).join_from(
    secrets, secret_versions, _BOTH & (secrets.c.version == secret_versions.c.version)
)


def find_secret(tx: Connection, project: int, environment: Environment, name: str) -> tuple[int, Secret] | None:
    """Return the key and the description of a secret, or None."""
    row = tx.execute(_SECRETS.where(*_at(project, environment, name))).one_or_none()
    return None if row is None else (row.id, _secret(row))


def list_secrets(
    tx: Connection, project: int, environment: Environment | None, limit: int, offset: int
) -> list[Secret]:
    """Return the secrets of a project, or of one of its environments, by name."""
    found = _SECRETS.where(secrets.c.project == project)
    if environment:
        found = found.where(secrets.c.environment == environment.value)
    order = (secrets.c.name, secrets.c.environment)
    return [_secret(row) for row in tx.execute(found.order_by(*order).limit(limit).offset(offset))]


def count_secrets(tx: Connection, project: int) -> int:
    """Return how many secrets a project has."""
    own = secrets.c.project == project
    return tx.execute(select(func.count()).select_from(secrets).where(own)).scalar_one()


def count_up(tx: Connection, key: int, now: int) -> int:
    """Count the versions of a secret up by one and return the number; concurrent writers get one after the other."""
    table = secrets
    counted = update(table).where(table.c.id == key).values(version=table.c.version + 1, updated_at=now)
    return int(tx.execute(counted.returning(table.c.version)).scalar_one())


def insert_secret(tx: Connection, project: int, secret: Secret) -> int:
    """Insert a secret without versions and return its key."""
    values = msgspec.structs.asdict(secret)
    del values["write_only"]
    values |= {"project": project, "environment": secret.environment.value, "readers": _text(secret.readers)}
    return int(tx.execute(insert(secrets).values(values).returning(secrets.c.id)).scalar_one())


def insert_version(tx: Connection, key: int, version: SecretVersion, sealed: Sealed) -> None:
    """Insert a version of a secret."""
    values = msgspec.structs.asdict(version)
    values |= {"secret": key, "ciphertext": sealed.ciphertext, "wrapped_key": sealed.wrapped_key}
    tx.execute(insert(secret_versions).values(values))


def update_secret(tx: Connection, key: int, description: str, readers: Sequence[str], now: int) -> None:
    """Set what is told of a secret, and who may reveal it."""
    values = {"description": description, "readers": _text(readers), "updated_at": now}
    tx.execute(update(secrets).where(secrets.c.id == key).values(values))


def make_write_only(tx: Connection, key: int) -> None:
    """Make every version of a secret write-only."""
    tx.execute(update(secret_versions).where(secret_versions.c.secret == key).values(write_only=True))


def delete_secret(tx: Connection, key: int) -> None:
    """Delete a secret with all its versions."""
    tx.execute(delete(secret_versions).where(secret_versions.c.secret == key))
    tx.execute(delete(secrets).where(secrets.c.id == key))


def list_versions(tx: Connection, key: int) -> list[SecretVersion]:
    """Return the versions of a secret, newest first."""
    table = secret_versions
    columns = (table.c.version, table.c.write_only, table.c.key_id, table.c.created_by, table.c.created_at)
    found = select(*columns).where(table.c.secret == key).order_by(table.c.version.desc())
    return [SecretVersion(*row) for row in tx.execute(found)]


def find_sealed(tx: Connection, key: int, version: int) -> tuple[bool, Sealed] | None:
    """Return whether a version of a secret is write-only, and what is stored of it, or None."""
    table = secret_versions
    columns = (table.c.write_only, table.c.ciphertext, table.c.wrapped_key, table.c.key_id)
    row = tx.execute(select(*columns).where(table.c.secret == key, table.c.version == version)).one_or_none()
    return None if row is None else (row.write_only, Sealed(row.ciphertext, row.wrapped_key, row.key_id))


# Key-encryption keys, over all projects


def count_by_key(tx: Connection) -> dict[str, int]:
    """Return how many versions of secrets hang on each key-encryption key."""
    table = secret_versions
    rows = tx.execute(select(table.c.key_id, func.count()).group_by(table.c.key_id))
    return {row[0]: row[1] for row in rows}


def list_wrappings(tx: Connection, other_than: str, after: int, limit: int) -> list[Wrapping]:
    """Return the data keys that another key than ``other_than`` wraps, by version key, from behind ``after``."""
    table = secret_versions
    columns = (table.c.id, table.c.wrapped_key, table.c.key_id)
    found = select(*columns, secrets.c.project, secrets.c.environment, secrets.c.name).join_from(table, secrets, _BOTH)
    chosen = found.where(table.c.key_id != other_than, table.c.id > after).order_by(table.c.id).limit(limit)
    return [Wrapping(*row[:4], Environment(row[4]), row[5]) for row in tx.execute(chosen)]


def replace_wrapping(tx: Connection, before: Wrapping, wrapped_key: bytes, key_id: str) -> bool:
    """Put a newly wrapped data key in place of the old; say whether that was still there."""
    table = secret_versions
    same = (table.c.id == before.key, table.c.wrapped_key == before.wrapped_key)
    changed = update(table).where(*same).values(wrapped_key=wrapped_key, key_id=key_id)
    return tx.execute(changed).rowcount > 0


def _at(project: int, environment: Environment, name: str) -> tuple[Any, ...]:
    return secrets.c.project == project, secrets.c.environment == environment.value, secrets.c.name == name


def _secret(row: Any) -> Secret:
    readers = msgspec.json.decode(row.readers, type=list[str])
    made = (row.created_by, row.created_at, row.updated_at)
    return Secret(row.name, Environment(row.environment), row.version, row.description, readers, row.write_only, *made)


def _text(readers: Sequence[str]) -> str:
    return msgspec.json.encode(list(readers)).decode()


def delete_project(tx: Connection, project: int) -> None:
    """Delete all secrets of a project, with their versions."""
    own = select(secrets.c.id).where(secrets.c.project == project)
    tx.execute(delete(secret_versions).where(secret_versions.c.secret.in_(own)))
    tx.execute(delete(secrets).where(secrets.c.project == project))
