"""Signing in a command line that cannot show a page: the device flow (RFC 8628), with this server as the provider."""

from __future__ import annotations

import re
import secrets
from dataclasses import replace

from sqlalchemy import Connection

from mainspring.kit.actors import Actor
from mainspring.kit.errors import FailedPrecondition, InvalidArgument, NotFound, RateLimited
from mainspring.kit.names import check_length, check_text, invalid_value
from mainspring.kit.permissions import Permission
from mainspring.kit.time import now_ms
from mainspring.modules.identity.schemas import (
    ApiKeyCreate,
    Device,
    DeviceAuthorization,
    DeviceRefusal,
    DeviceToken,
)
from mainspring.modules.identity.service.acts import acting, note, own_account, require_whole
from mainspring.modules.identity.service.keys import create_key
from mainspring.modules.identity.service.tokens import digest_of
from mainspring.modules.identity.store import credentials
from mainspring.modules.identity.store import devices as store
from mainspring.modules.identity.store.devices import DeviceRecord
from mainspring.settings import Settings

LIFE_S = 600
INTERVAL_S = 5
KEY_DAYS = 90
MOST_WAITING = 10_000

# RFC 8628, section 6.1: no vowels, so that no words come out, and nothing that looks like something else.
_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
_USER_CODE = re.compile(rf"[{_LETTERS}]{{8}}")


def start_device(tx: Connection, settings: Settings, client: str, page: str) -> DeviceAuthorization:
    """Have a command line wait for approval; ``page`` is where that is given.

    Raises InvalidArgument, RateLimited, or FailedPrecondition where there are no accounts.
    """
    if settings.resolved_auth == "off":
        raise FailedPrecondition("This server has no accounts: everyone who reaches it is let in without signing in.")
    check_length("client", check_text(client, "client"), 100)
    if not client.strip() or not client.isprintable():
        raise invalid_value("client", client, "it must be one line that says which program on which machine it is.")
    now = now_ms()
    store.delete_stale_devices(tx, now)
    if store.count_devices(tx) >= MOST_WAITING:
        raise RateLimited("Too many command lines wait to be signed in: try again later.", retry_after=60)
    device_code = secrets.token_urlsafe(32)
    letters = "".join(secrets.choice(_LETTERS) for _ in range(8))
    user_code = f"{letters[:4]}-{letters[4:]}"
    store.insert_device(tx, digest_of(device_code), user_code, client.strip(), now, now + LIFE_S * 1000)
    return DeviceAuthorization(device_code, user_code, page, f"{page}#{user_code}", LIFE_S, INTERVAL_S)


def get_device(tx: Connection, actor: Actor, user_code: str) -> Device:
    """Return the command line that shows a code. Raises NotFound."""
    actor.require(Permission.SIGNED_IN)
    account, device = own_account(tx, actor), _waiting(tx, user_code)
    return Device(device.user_code, device.client, account.name, device.expires_at)


def answer_device(tx: Connection, actor: Actor, user_code: str, approve: bool) -> None:
    """Let a command line act as who asks, or refuse it. Raises NotFound, or FailedPrecondition where that was done."""
    actor.require(Permission.SIGNED_IN)
    require_whole(actor)
    account, device = own_account(tx, actor), _waiting(tx, user_code)
    if not store.set_state(tx, device.digest, "pending", "approved" if approve else "denied", account.key):
        raise FailedPrecondition(f"'{device.client}' was answered before.")
    note(tx, actor, "device.approve" if approve else "device.refuse", device.client)


def poll_device(tx: Connection, settings: Settings, device_code: str) -> DeviceToken | DeviceRefusal:
    """Return an API key for a command line that was approved, or why there is none (yet)."""
    now, digest = now_ms(), digest_of(device_code)
    device = store.find_device(tx, digest)
    if device is None or device.expires_at <= now:
        return DeviceRefusal("expired_token", "This sign-in took too long, or is not known: begin anew.")
    if device.state == "denied":
        return DeviceRefusal("access_denied", "It was refused.")
    if device.state == "approved":
        return _take(tx, device, min(KEY_DAYS, settings.api_key_days))
    if device.state == "used":
        return DeviceRefusal("invalid_grant", "This sign-in was used before.")
    store.set_polled(tx, digest, now)
    # A little less than the interval: clocks and networks are not exact.
    if device.polled_at is not None and now - device.polled_at < INTERVAL_S * 900:
        return DeviceRefusal("slow_down", f"Ask every {INTERVAL_S} seconds at most.")
    return DeviceRefusal("authorization_pending", "Nobody has approved it yet.")


def _take(tx: Connection, device: DeviceRecord, days: int) -> DeviceToken | DeviceRefusal:
    """Make the API key of a command line that was approved, once."""
    account = None if device.user is None else credentials.find_account(tx, device.user)
    if account is None:
        return DeviceRefusal("access_denied", "The account that approved it is blocked.")
    if not store.set_state(tx, device.digest, "approved", "used", account.key):
        return DeviceRefusal("invalid_grant", "This sign-in was used before.")
    owner = replace(acting(account), permissions=frozenset({Permission.SIGNED_IN}))
    key = create_key(tx, owner, ApiKeyCreate(device.client, expires_days=days))
    return DeviceToken(key.token, "Bearer", days * 86_400, account.name)


def _waiting(tx: Connection, user_code: str) -> DeviceRecord:
    letters = re.sub(r"[\s-]", "", user_code[:40]).upper()
    if not _USER_CODE.fullmatch(letters):
        raise InvalidArgument("This is no code: it has eight letters, as your terminal shows them.", field="code")
    device = store.find_by_user_code(tx, f"{letters[:4]}-{letters[4:]}")
    if device is None or device.expires_at <= now_ms() or device.state != "pending":
        raise NotFound("No command line waits with this code: look again, or begin anew there.", field="code")
    return device
