"""SQL of command lines that wait to be signed in."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, delete, func, insert, select, update

from mainspring.modules.identity.tables import device_grants


@dataclass(frozen=True, slots=True)
class DeviceRecord:
    """A command line that waits. ``user`` is the key of who approved it."""

    digest: bytes
    user_code: str
    client: str
    state: str
    user: int | None
    created_at: int
    expires_at: int
    polled_at: int | None


def insert_device(tx: Connection, digest: bytes, user_code: str, client: str, now: int, expires_at: int) -> None:
    """Store a command line that waits, by the digest of its device code."""
    values = {"digest": digest, "user_code": user_code, "client": client, "state": "pending", "created_at": now}
    tx.execute(insert(device_grants).values(values | {"expires_at": expires_at}))


def find_device(tx: Connection, digest: bytes) -> DeviceRecord | None:
    """Return the command line of a device code, or None."""
    row = tx.execute(select(device_grants).where(device_grants.c.digest == digest)).one_or_none()
    return None if row is None else _record(tuple(row))


def find_by_user_code(tx: Connection, user_code: str) -> DeviceRecord | None:
    """Return the command line that shows a user code, or None."""
    row = tx.execute(select(device_grants).where(device_grants.c.user_code == user_code)).one_or_none()
    return None if row is None else _record(tuple(row))


def count_devices(tx: Connection) -> int:
    """Return how many command lines wait."""
    return int(tx.execute(select(func.count()).select_from(device_grants)).scalar_one())


def set_polled(tx: Connection, digest: bytes, now: int) -> None:
    """Note when a command line last asked."""
    tx.execute(update(device_grants).where(device_grants.c.digest == digest).values(polled_at=now))


def set_state(tx: Connection, digest: bytes, old: str, new: str, user: int | None) -> bool:
    """Take a command line from one state into another; say whether it was in it."""
    there = (device_grants.c.digest == digest, device_grants.c.state == old)
    return tx.execute(update(device_grants).where(*there).values(state=new, user=user)).rowcount == 1


def delete_stale_devices(tx: Connection, before: int) -> int:
    """Delete command lines whose time ended before that; return how many."""
    return tx.execute(delete(device_grants).where(device_grants.c.expires_at < before)).rowcount


def _record(row: tuple[bytes, str, str, str, int | None, int, int, int | None]) -> DeviceRecord:
    return DeviceRecord(bytes(row[0]), *row[1:])
