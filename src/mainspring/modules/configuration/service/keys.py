"""The keys that data keys are wrapped by: which there are, a new one, and re-wrapping what hangs on the old.

Re-wrapping goes in steps of some data keys each, may be broken off at any moment and be done by two at once: a
data key is replaced only where it still is what was unwrapped. Values are not touched.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import structlog
from sqlalchemy import Connection

from mainspring.engines.vault import LostKey, Vault, WrappedKey
from mainspring.kit.actors import Actor
from mainspring.kit.errors import Internal
from mainspring.kit.events import Event, publish
from mainspring.kit.pages import position_of, token_of
from mainspring.kit.permissions import Permission
from mainspring.modules.configuration.schemas import EncryptionKey, Rewrapped
from mainspring.modules.configuration.service.sealing import Owner
from mainspring.modules.configuration.service.secrets import vault_of
from mainspring.modules.configuration.store import secrets as store
from mainspring.modules.configuration.store.secrets import Wrapping
from mainspring.modules.services import Services

STEP = 100
MARK = "rewrap"

log = structlog.get_logger(__name__)

Rewrapping = tuple[Wrapping, WrappedKey]


async def list_keys(services: Services, actor: Actor) -> list[EncryptionKey]:
    """Return the key-encryption keys, the current one first, and how many versions of secrets hang on each."""
    actor.require(Permission.INSTANCE_MANAGE)
    vault = vault_of(services)
    counts = await services.db.read(store.count_by_key)
    known = await asyncio.to_thread(vault.keys)
    missing = sorted(counts.keys() - set(known))
    there = {each: await asyncio.to_thread(vault.has, each) for each in missing} | dict.fromkeys(known, True)
    return [EncryptionKey(each, [each] == known[:1], there[each], counts.get(each, 0)) for each in [*known, *missing]]


async def rotate_key(services: Services, actor: Actor) -> EncryptionKey:
    """Make a new key, which wraps from now on. What hangs on others waits for ``rewrap_keys``."""
    actor.require(Permission.INSTANCE_MANAGE)
    made = await asyncio.to_thread(vault_of(services).rotate)
    await services.db.write(_publish_rotation, actor, made)
    return EncryptionKey(made, True, True, 0)


async def rewrap_keys(services: Services, actor: Actor, page_token: str | None) -> Rewrapped:
    """Wrap some data keys that hang on other keys by the current one; ask again with the token of the answer."""
    actor.require(Permission.INSTANCE_MANAGE)
    vault = vault_of(services)
    known = await asyncio.to_thread(vault.keys)
    if not known:
        return Rewrapped()
    [after] = position_of(page_token, MARK, [int]) if page_token else [0]
    found = await services.db.read(store.list_wrappings, known[0], after, STEP)
    done = await asyncio.to_thread(_rewrap, vault, found)
    replaced = await services.db.write(_replace, actor, known[0], done)
    more = token_of(MARK, [found[-1].key]) if len(found) == STEP else None
    return Rewrapped(replaced, len(found) - len(done), more)


def _rewrap(vault: Vault, found: Sequence[Wrapping]) -> list[Rewrapping]:
    """Return data keys as the current key wraps them; those that do not open are left out, and logged."""
    done = []
    for each in found:
        context = Owner(each.project, each.environment, each.name).context
        try:
            plain = vault.unwrap(WrappedKey(each.key_id, each.wrapped_key), context)
        except (LostKey, Internal) as error:
            log.error("secret_not_rewrapped", secret=each.name, project=each.project, reason=error.message)
            continue
        done.append((each, vault.wrap(plain, context)))
    return done


def _replace(tx: Connection, actor: Actor, key_id: str, done: Sequence[Rewrapping]) -> int:
    replaced = sum(store.replace_wrapping(tx, old, new.data, new.key_id) for old, new in done)
    if replaced:
        publish(tx, Event("encryption_key.rewrap", key_id, actor, None, after={"rewrapped": replaced}))
    return replaced


def _publish_rotation(tx: Connection, actor: Actor, key_id: str) -> None:
    publish(tx, Event("encryption_key.rotate", key_id, actor, None))
