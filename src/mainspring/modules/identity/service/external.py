"""Accounts of identity providers' users: found again by issuer and subject, and by nothing else.

Names and e-mail addresses can be chosen by anybody somewhere: an account that is here already is never taken over
by one that is called alike.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection

from mainspring.kit.errors import FailedPrecondition, InvalidArgument, Unauthenticated
from mainspring.kit.time import now_ms
from mainspring.modules.identity.schemas import AccountKind
from mainspring.modules.identity.service import names
from mainspring.modules.identity.service.acts import acting, note
from mainspring.modules.identity.service.credentials import change_access
from mainspring.modules.identity.store import accounts, credentials, groups
from mainspring.modules.identity.store.accounts import AccountRecord
from mainspring.modules.identity.store.credentials import Account

MAX_ISSUER, MAX_SUBJECT, MAX_GROUPS = 500, 255, 1000


@dataclass(frozen=True, slots=True)
class Claims:
    """What an identity provider says of its user.

    ``groups`` None means that it says nothing of groups: memberships stay. ``is_admin`` None means that it does not
    decide who administers the installation.
    """

    preferred_username: str = ""
    name: str = ""
    email: str = ""
    email_verified: bool = False
    groups: Collection[str] | None = None
    is_admin: bool | None = None


def sign_in_external(tx: Connection, issuer: str, subject: str, claims: Claims) -> Account:
    """Return the account of an identity provider's user, made at the first sign-in and kept after the claims.

    The e-mail address is kept where it was verified; the account is a member of the groups whose ``claim`` it
    comes with. Raises Unauthenticated for one that is blocked.
    """
    _check(issuer, subject)
    key = accounts.find_external(tx, issuer, subject)
    if key is None:
        change_access(tx)  # of two first sign-ins at once the second one finds the account of the first
        key = accounts.find_external(tx, issuer, subject) or _create(tx, issuer, subject, claims)
    record = accounts.get_account(tx, key)
    if record is None or record.blocked:
        raise Unauthenticated("This account is blocked.")
    _follow(tx, issuer, record, claims)
    account = credentials.find_account(tx, key)
    assert account is not None
    return account


def find_external(tx: Connection, issuer: str, subject: str, claims: Claims) -> int | None:
    """Return the key of an account that is just as an identity provider's user is told now, or None.

    Nothing is to be written for such a one at a sign-in, if the claims say nothing of groups and administrators.
    """
    key = accounts.find_external(tx, issuer, subject)
    record = None if key is None else accounts.get_account(tx, key)
    if record is None or record.blocked or claims.groups is not None or claims.is_admin is not None:
        return None
    return record.key if not _news(record, claims) else None


def _check(issuer: str, subject: str) -> None:
    if not 1 <= len(issuer) <= MAX_ISSUER:
        raise InvalidArgument(f"The issuer has {len(issuer)} characters; it must have 1 to {MAX_ISSUER}.")
    if not 1 <= len(subject) <= MAX_SUBJECT or "\0" in subject:
        raise InvalidArgument(f"The subject must be 1 to {MAX_SUBJECT} characters of text.")


def _create(tx: Connection, issuer: str, subject: str, claims: Claims) -> int:
    name, now = _free_name(tx, claims), now_ms()
    key = accounts.insert_account(tx, name, AccountKind.USER, now, _texts(claims))
    accounts.insert_external(tx, issuer, subject, key, now)
    record = accounts.get_account(tx, key)
    assert record is not None
    note(tx, acting(record), "user.create", name, after={"name": name, "issuer": issuer})
    return key


def _free_name(tx: Connection, claims: Claims) -> str:
    """Return the name closest to the one that the provider tells, with a number behind it where that is taken."""
    wanted = names.name_from(claims.preferred_username or claims.name)
    for number in range(1, 10_000):
        ending = "" if number == 1 else f"-{number}"
        name = wanted[: names.MAX_NAME - len(ending)] + ending
        if name not in names.RESERVED and not accounts.is_taken(tx, name):
            return name
    raise FailedPrecondition(f"All names like '{wanted}' are taken: an administrator can make the account.")


def _texts(claims: Claims) -> dict[str, str]:
    """Return what a new or known account is told to be called, as far as it can be kept."""
    shown = "".join(each for each in claims.name if each.isprintable()).strip()[:200]
    texts = {"display_name": shown} if shown else {}
    try:
        email = names.check_email(claims.email) if claims.email_verified else ""
    except InvalidArgument:
        email = ""
    return texts | ({"email": email} if email else {})


def _news(record: AccountRecord, claims: Claims) -> dict[str, str]:
    return {each: text for each, text in _texts(claims).items() if getattr(record, each) != text}


def _follow(tx: Connection, issuer: str, record: AccountRecord, claims: Claims) -> None:
    """Bring an account to what the provider says of it now."""
    texts = _news(record, claims)
    if texts:
        accounts.update_account(tx, record.key, **texts, updated_at=now_ms())
    if claims.groups is not None:
        credentials.lock_access(tx)  # of two sign-ins at once the second one sees what the first has joined
        told = {claim for claim in claims.groups if 0 < len(claim) <= MAX_ISSUER}
        if groups.follow_claims(tx, record.key, issuer, sorted(told)[:MAX_GROUPS]):
            change_access(tx)
            note(tx, acting(record), "user.follow_claims", record.name)
    if claims.is_admin is not None and claims.is_admin != record.is_admin:
        change_access(tx)
        if not claims.is_admin and accounts.count_admins(tx) == 1:
            return  # the last administrator stays one
        accounts.update_account(tx, record.key, is_admin=claims.is_admin, updated_at=now_ms())
        note(tx, acting(record), "user.set_admin", record.name, after={"is_admin": claims.is_admin})
