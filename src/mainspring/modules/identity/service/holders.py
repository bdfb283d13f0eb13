"""Who can be given something: accounts and groups by the names that people know, for the modules above."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection

from mainspring.kit.errors import NotFound
from mainspring.modules.identity.service import names
from mainspring.modules.identity.store import accounts, credentials, groups
from mainspring.modules.identity.store.credentials import Account


def find_holder(tx: Connection, kind: str, name: str) -> int:
    """Return the key of the account (``kind`` is ``user``) or group (``group``) of that name. Raises NotFound."""
    folded = names.fold(name)
    found = accounts.find_account(tx, folded) if kind == "user" else groups.find_group(tx, folded)
    if found is None:
        raise NotFound(f"There is no {kind} '{name[:100]}'.", field="name")
    return found.key


def holder_names(tx: Connection, kind: str, keys: Collection[int]) -> dict[int, str]:
    """Return the names of accounts or groups by their keys; deleted ones are left out."""
    return accounts.names_of(tx, keys) if kind == "user" else groups.names_of(tx, keys)


def get_account(tx: Connection, key: int) -> Account | None:
    """Return an account with its groups, None for one that is deleted or blocked."""
    return credentials.find_account(tx, key)


def owner_of_name(tx: Connection, name: str) -> int | None:
    """Return the key of the account that has a name, or None: a namespace of that name is its own."""
    found = accounts.find_account(tx, name)
    return None if found is None else found.key
