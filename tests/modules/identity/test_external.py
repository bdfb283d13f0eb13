"""Accounts of identity providers' users: found by issuer and subject alone, kept after the claims."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import Connection

from mainspring.db.engine import Database
from mainspring.kit.actors import Actor
from mainspring.kit.errors import FailedPrecondition, InvalidArgument, Unauthenticated
from mainspring.modules.identity import service
from mainspring.modules.identity.schemas import GroupCreate, GroupUpdate, SessionDetails
from mainspring.modules.identity.service import Claims
from mainspring.modules.identity.store import credentials
from tests.modules.identity.conftest import make_account

ISSUER, OTHER_ISSUER = "https://id.example.org", "https://git.example.org"


def sign_in(tx: Connection, subject: str = "s1", issuer: str = ISSUER, **claims: Any) -> service.Account:
    return service.sign_in_external(tx, issuer, subject, Claims(**claims))


def members(tx: Connection, admin: Actor, group: str) -> dict[str, str]:
    return {each.name: each.source for each in service.list_members(tx, admin, group, 100, None).items}


def test_a_provider_s_user_gets_one_account(tx: Connection, admin: Actor) -> None:
    made = sign_in(tx, preferred_username="Anna", name="Anna A.", email="anna@example.org", email_verified=True)
    assert (made.name, made.kind, made.is_admin) == ("anna", "user", False)
    seen = service.get_user(tx, admin, "anna")
    assert (seen.display_name, seen.email, seen.has_password) == ("Anna A.", "anna@example.org", False)
    again = sign_in(tx, preferred_username="renamed", name="Anna B.", email="b@example.org")
    assert again.key == made.key
    seen = service.get_user(tx, admin, "anna")
    assert (seen.display_name, seen.email) == ("Anna B.", "anna@example.org")  # the new address is not verified
    assert service.begin_session(tx, made.key, SessionDetails(provider=ISSUER))


def test_no_account_is_taken_over(tx: Connection, admin: Actor, anna: Actor) -> None:
    same = {"preferred_username": "anna", "email": "anna@example.org", "email_verified": True}
    first = sign_in(tx, "s1", **same)
    second = sign_in(tx, "s1", OTHER_ISSUER, **same)
    third = sign_in(tx, "s2", **same)
    assert [account.name for account in (first, second, third)] == ["anna-2", "anna-3", "anna-4"]
    assert len({anna.key, first.key, second.key, third.key}) == 4
    assert sign_in(tx, "s1", OTHER_ISSUER).key == second.key


@pytest.mark.parametrize(
    ("told", "name"),
    [
        ("Jürgen.Müller", "jurgen.muller"),
        ("jane@corp.example", "jane"),
        ("DOMAIN\\jane", "domain-jane"),
        ("  ", "account"),
        ("иван", "account"),
        ("../../etc", "etc"),
        ("admin\0", "admin"),
        ("system", "system-2"),
        ("me", "me-2"),
        ("x" * 500, "x" * 100),
    ],
)
def test_names_are_made_of_what_is_told(tx: Connection, told: str, name: str) -> None:
    assert sign_in(tx, preferred_username=told).name == name


def test_two_with_the_longest_name(tx: Connection) -> None:
    sign_in(tx, "s1", preferred_username="x" * 100)
    assert sign_in(tx, "s2", preferred_username="x" * 100).name == "x" * 98 + "-2"


def test_odd_claims_are_left_out(tx: Connection, admin: Actor) -> None:
    made = sign_in(
        tx, preferred_username="anna", name="a\u202eb\nc", email="not an address", email_verified=True, groups=["", "x"]
    )
    seen = service.get_user(tx, admin, made.name)
    assert (seen.display_name, seen.email) == ("abc", "")
    for issuer, subject in (("", "s"), (ISSUER, ""), (ISSUER, "x" * 256), ("x" * 501, "s"), (ISSUER, "a\0b")):
        with pytest.raises(InvalidArgument):
            sign_in(tx, subject, issuer)


def test_groups_follow_the_claims(tx: Connection, admin: Actor) -> None:
    for name, claim in (("ml", "/eng/ml"), ("ops", "/eng/ops"), ("own", None)):
        service.create_group(tx, admin, GroupCreate(name, claim=claim))
    made = sign_in(tx, preferred_username="anna", groups=["/eng/ml", "own", "ml", "unknown"])
    assert members(tx, admin, "ml") == {"anna": ISSUER}
    assert members(tx, admin, "own") == {}  # a name is no claim
    assert len(made.groups) == 1
    with pytest.raises(FailedPrecondition, match="says so"):
        service.remove_member(tx, admin, "ml", "anna")
    service.add_member(tx, admin, "own", "anna")
    before = credentials.get_epoch(tx)
    sign_in(tx, groups=["/eng/ml"])
    assert credentials.get_epoch(tx) == before
    sign_in(tx, groups=["/eng/ops"])
    assert credentials.get_epoch(tx) > before
    assert (members(tx, admin, "ml"), members(tx, admin, "ops")) == ({}, {"anna": ISSUER})
    assert members(tx, admin, "own") == {"anna": ""}
    sign_in(tx, groups=None)
    assert members(tx, admin, "ops") == {"anna": ISSUER}
    sign_in(tx, groups=[])
    assert members(tx, admin, "ops") == {}
    service.update_group(tx, admin, "ops", GroupUpdate(claim=None))
    sign_in(tx, groups=["/eng/ops"])
    assert (members(tx, admin, "ops"), members(tx, admin, "own")) == ({}, {"anna": ""})


def test_one_provider_does_not_end_what_another_keeps(tx: Connection, admin: Actor) -> None:
    service.create_group(tx, admin, GroupCreate("ml", claim="ml"))
    account = sign_in(tx, preferred_username="anna", groups=["ml"])
    credentials_of_other = service.sign_in_external(tx, OTHER_ISSUER, "s9", Claims("bob", groups=["ml"]))
    assert account.key != credentials_of_other.key
    sign_in(tx, "s9", OTHER_ISSUER, groups=[])
    assert members(tx, admin, "ml") == {"anna": ISSUER}


def test_a_provider_may_decide_who_administers(tx: Connection, admin: Actor) -> None:
    assert sign_in(tx, preferred_username="anna", is_admin=True).is_admin
    assert sign_in(tx).is_admin
    assert not sign_in(tx, is_admin=False).is_admin
    sign_in(tx, is_admin=True)
    service.set_admin(tx, admin, "ada", False)
    assert sign_in(tx, is_admin=False).is_admin  # the last one stays


def test_a_blocked_account_stays_out(tx: Connection, admin: Actor) -> None:
    sign_in(tx, preferred_username="anna")
    service.set_blocked(tx, admin, "anna", True)
    with pytest.raises(Unauthenticated, match="blocked"):
        sign_in(tx)
    service.set_blocked(tx, admin, "anna", False)
    service.delete_user(tx, admin, "anna")
    assert sign_in(tx, preferred_username="anna").name == "anna-2"


def test_two_first_sign_ins_at_once_make_one_account(run: Any) -> None:
    async def test(db: Database) -> None:
        await db.write(make_account, "ada", is_admin=True)
        other = db if db.url.startswith("sqlite") else Database(db.url)
        claims = Claims("anna", groups=["a"])
        both = await asyncio.gather(
            *(each.write(service.sign_in_external, ISSUER, "s1", claims) for each in (db, other, db, other))
        )
        assert len({account.key for account in both}) == 1
        if other is not db:
            await asyncio.to_thread(other.close)

    run(test)
