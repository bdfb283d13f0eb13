"""Secrets: anybody with the right may set them, few may have them revealed, and each reveal is an act.

The functions that need the vault are asynchronous: it is asked between transactions, never within one.
"""

from __future__ import annotations

import asyncio

import msgspec
from msgspec import UNSET
from sqlalchemy import Connection

from mainspring.engines.vault import Vault, open_vault
from mainspring.kit import redaction
from mainspring.kit.actors import Actor, ActorKind
from mainspring.kit.errors import FailedPrecondition, InvalidArgument, NotFound, PermissionDenied
from mainspring.kit.events import Event, publish
from mainspring.kit.names import check_text
from mainspring.kit.pages import Page, offset_of, page_of
from mainspring.kit.permissions import Permission
from mainspring.kit.time import now_ms
from mainspring.modules.configuration.schemas import (
    Environment,
    Secret,
    SecretUpdate,
    SecretValue,
    SecretVersion,
    SecretWrite,
)
from mainspring.modules.configuration.service import rules, sealing
from mainspring.modules.configuration.service.sealing import DataKey, Owner
from mainspring.modules.configuration.store import secrets as store
from mainspring.modules.configuration.store.secrets import Sealed
from mainspring.modules.quotas import service as quotas
from mainspring.modules.quotas.schemas import Resource
from mainspring.modules.services import Services

quotas.counted(Resource.SECRETS)(store.count_secrets)

MAX_BYTES = 64 * 1024
MAX_READERS = 100
MAX_READER = 100


def vault_of(services: Services) -> Vault:
    """Return the vault of this server."""
    return open_vault(services.settings.resolved_vault_url)


def list_secrets(
    tx: Connection, actor: Actor, environment: Environment | None, max_results: int, page_token: str | None
) -> Page[Secret]:
    """Return the secrets of the actor's project, or of one environment, by name: all but their values."""
    actor.require(Permission.SECRETS_READ)
    limit, offset = rules.check_max_results(max_results), offset_of(page_token)
    return page_of(store.list_secrets(tx, actor.project, environment, limit + 1, offset), offset, limit)


def get_secret(tx: Connection, actor: Actor, environment: Environment, name: str) -> Secret:
    """Return what is told of a secret: all but its value."""
    actor.require(Permission.SECRETS_READ)
    return _find(tx, actor, environment, name)[1]


def list_secret_versions(tx: Connection, actor: Actor, environment: Environment, name: str) -> list[SecretVersion]:
    """Return the versions of a secret, newest first."""
    actor.require(Permission.SECRETS_READ)
    return store.list_versions(tx, _find(tx, actor, environment, name)[0])


async def set_secret(
    services: Services, actor: Actor, environment: Environment, name: str, write: SecretWrite
) -> Secret:
    """Write the next version of a secret, which is made where there is none."""
    actor.require(Permission.SECRETS_WRITE)
    _check_write(name, write)
    redaction.remember(write.value)
    owner = Owner(actor.project, environment, name)
    key = await asyncio.to_thread(sealing.new_data_key, vault_of(services), owner)
    return await services.db.write(_write_secret, actor, owner, write, key)


def update_secret(tx: Connection, actor: Actor, environment: Environment, name: str, update: SecretUpdate) -> Secret:
    """Change what is told of a secret, and who may reveal it.

    FailedPrecondition for a write-only secret that shall be so no more: that takes a new value.
    """
    actor.require(Permission.SECRETS_WRITE)
    key, before = _find(tx, actor, environment, name)
    if before.write_only and update.write_only is False:
        raise FailedPrecondition(
            f"The secret '{name}' is write-only: it ceases to be so only with a new value.", field="write_only"
        )
    after = _changed(before, update)
    store.update_secret(tx, key, after.description, after.readers, now_ms())
    if after.write_only:
        store.make_write_only(tx, key)
    _publish(tx, actor, "update", after, before)
    return get_secret(tx, actor, environment, name) if actor.may(Permission.SECRETS_READ) else after


def delete_secret(tx: Connection, actor: Actor, environment: Environment, name: str) -> None:
    """Delete a secret with all its versions, for good."""
    actor.require(Permission.SECRETS_WRITE)
    key, before = _find(tx, actor, environment, name)
    store.delete_secret(tx, key)
    publish(tx, Event("secret.delete", _shown(before), actor, actor.project, before=_told(before)))


async def reveal_secret(
    services: Services, actor: Actor, environment: Environment, name: str, version: int | None
) -> SecretValue:
    """Return the value of a secret, once the log has it that this actor read it.

    PermissionDenied for who is not among its readers, which is logged too.
    """
    number, sealed = await services.db.write(_take_for_reading, actor, environment, name, version)
    if sealed is None:
        raise PermissionDenied(
            f"{actor.name} may not reveal the secret '{name}' in {environment}: a maintainer must name the account "
            "among its readers, and of a write-only secret only service accounts and run tokens are readers."
        )
    owner = Owner(actor.project, environment, name)
    value = await asyncio.to_thread(sealing.unseal, sealed, vault_of(services), owner, number)
    redaction.remember(value)
    return SecretValue(name, environment, number, value)


def _write_secret(tx: Connection, actor: Actor, owner: Owner, write: SecretWrite, data_key: DataKey) -> Secret:
    now = now_ms()
    found = store.find_secret(tx, owner.project, owner.environment, owner.name)
    new = Secret(owner.name, owner.environment, 0, "", [], False, actor.name, now, now)
    if found is None:
        quotas.take(tx, owner.project, Resource.SECRETS)
    key, before = found or (store.insert_secret(tx, owner.project, new), new)
    version = store.count_up(tx, key, now)
    after = msgspec.structs.replace(_changed(before, write), version=version, updated_at=now)
    store.update_secret(tx, key, after.description, after.readers, now)
    sealed = sealing.seal(write.value, data_key, owner, version)
    made = SecretVersion(version, after.write_only, sealed.key_id, actor.name, now)
    store.insert_version(tx, key, made, sealed)
    _publish(tx, actor, "set", after, before if found else None)
    return after


def _take_for_reading(
    tx: Connection, actor: Actor, environment: Environment, name: str, version: int | None
) -> tuple[int, Sealed | None]:
    """Publish that the actor reads a secret, or may not; return the version, and what is stored of it if he may."""
    actor.require(Permission.SECRETS_READ)
    key, secret = _find(tx, actor, environment, name)
    number = secret.version if version is None else rules.check_version(version)
    found = store.find_sealed(tx, key, number)
    if found is None:
        raise NotFound(f"The secret '{name}' has no version {number}: its newest is {secret.version}.", field="version")
    write_only, sealed = found
    allowed = _may_reveal(actor, secret, write_only)
    read = {"version": number}
    publish(tx, Event("secret.read", _shown(secret), actor, actor.project, after=read, allowed=allowed))
    return number, sealed if allowed else None


def _may_reveal(actor: Actor, secret: Secret, write_only: bool) -> bool:
    named = actor.name in secret.readers
    if write_only:
        return named and (actor.kind is ActorKind.SERVICE or actor.run_id is not None)
    return named or actor.may(Permission.PROJECT_MANAGE)


def _find(tx: Connection, actor: Actor, environment: Environment, name: str) -> tuple[int, Secret]:
    found = store.find_secret(tx, actor.project, environment, rules.check_name(name))
    if found is None:
        raise NotFound(f"There is no secret '{name}' in {environment}.", field="name")
    return found


def _changed(before: Secret, change: SecretWrite | SecretUpdate) -> Secret:
    """Return a secret with what a change says of it. Raises InvalidArgument."""
    given = {field: getattr(change, field) for field in ("description", "readers", "write_only")}
    after = msgspec.structs.replace(before, **{field: each for field, each in given.items() if each is not UNSET})
    rules.check_message(after.description)
    _check_readers(after.readers)
    return after


def _check_write(name: str, write: SecretWrite) -> None:
    rules.check_name(name)
    check_text(write.value, "value")
    size = len(write.value.encode())
    if not 1 <= size <= MAX_BYTES:
        raise InvalidArgument(f"'value' has {size} bytes; it must have 1 to {MAX_BYTES}.", field="value")


def _check_readers(readers: list[str]) -> None:
    if len(readers) > MAX_READERS or len(set(readers)) < len(readers):
        raise InvalidArgument(f"'readers' must be at most {MAX_READERS} names, each once.", field="readers")
    for reader in readers:
        if not 1 <= len(check_text(reader, "readers")) <= MAX_READER:
            raise InvalidArgument(
                f"'readers' has '{reader[:MAX_READER]}'; it must be the name of an account.", field="readers"
            )


def _publish(tx: Connection, actor: Actor, verb: str, after: Secret, before: Secret | None) -> None:
    old = _told(before) if before else None
    publish(tx, Event(f"secret.{verb}", _shown(after), actor, actor.project, old, _told(after)))


def _told(secret: Secret) -> dict[str, object]:
    return {"version": secret.version, "readers": secret.readers, "write_only": secret.write_only}


def _shown(secret: Secret) -> str:
    return f"{secret.environment}/{secret.name}"
