"""Accounts: who may change what, names, and that there is always an administrator."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from sqlalchemy import Connection

from mainspring.db.engine import Database
from mainspring.kit.actors import LOCAL, NOBODY, Actor
from mainspring.kit.errors import (
    AlreadyExists,
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    PermissionDenied,
    Unauthenticated,
)
from mainspring.kit.permissions import Permission
from mainspring.modules.identity import service
from mainspring.modules.identity.schemas import (
    AccountKind,
    GroupCreate,
    GroupUpdate,
    SessionDetails,
    UserCreate,
    UserUpdate,
)
from mainspring.modules.identity.service.accounts import insert_user
from mainspring.modules.identity.store import credentials
from tests.modules.identity.conftest import make_account


def create(tx: Connection, actor: Actor, name: str, **more: Any) -> Any:
    return insert_user(tx, actor, UserCreate(name, **more))


def test_an_administrator_makes_and_changes_accounts(tx: Connection, admin: Actor) -> None:
    made = create(tx, admin, "Bob", display_name="Bob B.", email="bob@example.org")
    assert (made.name, made.display_name, made.email) == ("bob", "Bob B.", "bob@example.org")
    assert (made.is_admin, made.blocked, made.has_password, made.kind) == (False, False, False, AccountKind.USER)
    changed = service.update_user(tx, admin, "BOB", UserUpdate(email=""))
    assert (changed.display_name, changed.email) == ("Bob B.", "")
    service.delete_user(tx, admin, "bob")
    with pytest.raises(NotFound):
        service.get_user(tx, admin, "bob")
    with pytest.raises(AlreadyExists, match="names are not given twice"):
        create(tx, admin, "bob")


@pytest.mark.parametrize(
    "call",
    [
        lambda tx, actor: create(tx, actor, "eve"),
        lambda tx, actor: service.update_user(tx, actor, "anna", UserUpdate(email="e@example.org")),
        lambda tx, actor: service.set_admin(tx, actor, "anna", True),
        lambda tx, actor: service.set_blocked(tx, actor, "ada", True),
        lambda tx, actor: service.delete_user(tx, actor, "ada"),
        lambda tx, actor: service.create_password_link(tx, actor, "ada"),
        lambda tx, actor: service.create_group(tx, actor, GroupCreate("g")),
        lambda tx, actor: service.update_group(tx, actor, "g", GroupUpdate(description="")),
        lambda tx, actor: service.delete_group(tx, actor, "g"),
        lambda tx, actor: service.add_member(tx, actor, "g", "anna"),
        lambda tx, actor: service.remove_member(tx, actor, "g", "anna"),
        lambda tx, actor: service.list_keys(tx, actor, "ada"),
        lambda tx, actor: asyncio.run(service.create_user(None, actor, UserCreate("eve"))),  # type: ignore[arg-type]
        lambda tx, actor: asyncio.run(service.set_password(None, actor, "ada", "x")),  # type: ignore[arg-type]
    ],
)
def test_only_administrators_manage(tx: Connection, admin: Actor, anna: Actor, call: Any) -> None:
    with pytest.raises(PermissionDenied):
        call(tx, anna)
    with pytest.raises((PermissionDenied, Unauthenticated)):
        call(tx, NOBODY)
    with pytest.raises(PermissionDenied):  # of an administrator, and limited nonetheless
        call(tx, replace(admin, scoped=True, permissions=frozenset({Permission.SIGNED_IN})))


def test_everyone_manages_their_own_account_and_sees_little_of_others(
    tx: Connection, admin: Actor, anna: Actor
) -> None:
    mine = service.update_me(tx, anna, UserUpdate(display_name="Anna A."))
    assert (mine.name, mine.display_name, mine.email) == ("anna", "Anna A.", "anna@example.org")
    assert service.get_me(tx, anna) == mine
    other = service.get_user(tx, anna, "ada")
    told = {name: value for name, value in msgspec.to_builtins(other).items() if value is not None}
    assert told == {"name": "ada", "display_name": "Ada", "kind": "user"}
    limited = replace(anna, scoped=True)
    with pytest.raises(PermissionDenied, match="limited"):
        service.update_me(tx, limited, UserUpdate(email="x@example.org"))
    with pytest.raises(FailedPrecondition, match="auth=local"):
        service.get_me(tx, LOCAL)
    with pytest.raises(Unauthenticated):
        service.get_me(tx, NOBODY)


def test_others_are_found_by_the_beginning_of_their_name(tx: Connection, admin: Actor, anna: Actor) -> None:
    for name in ("bo_b", "bo.c", "bo-d", "boxd"):
        make_account(tx, name)
    assert [user.name for user in service.search_users(tx, anna, "BO_", None, 10, None).items] == ["bo_b"]
    first = service.search_users(tx, anna, "bo", None, 3, None)
    assert first.next_page_token
    rest = service.search_users(tx, anna, "bo", None, 3, first.next_page_token)
    assert {user.name for user in [*first.items, *rest.items]} == {"bo_b", "bo.c", "bo-d", "boxd"}
    assert rest.next_page_token is None
    with pytest.raises(InvalidArgument, match="another filter"):
        service.search_users(tx, anna, "an", None, 3, first.next_page_token)
    for prefix in ("", "b", " "):
        with pytest.raises(InvalidArgument, match="at least the first 2"):
            service.search_users(tx, anna, prefix, None, 10, None)
    assert len(service.search_users(tx, admin, "", None, 100, None).items) == 6
    with pytest.raises(InvalidArgument, match="1 to 1000"):
        service.search_users(tx, admin, "", None, 0, None)


def test_service_accounts_are_listed_apart(tx: Connection, admin: Actor) -> None:
    create(tx, admin, "ci", kind=AccountKind.SERVICE)
    assert [user.name for user in service.search_users(tx, admin, "", AccountKind.SERVICE, 9, None).items] == ["ci"]
    with pytest.raises(InvalidArgument, match="service account"):
        service.create_password_link(tx, admin, "ci")


@pytest.mark.parametrize(
    "name",
    ["", " ", "-a", ".a", "a b", "a/b", "a@b", "ä", "а", "a" * 101, "a\0", "ａ/", "me", "System", "ＭＥ", "api", "p"],
)
def test_names_that_are_refused(tx: Connection, admin: Actor, name: str) -> None:
    with pytest.raises(InvalidArgument):
        create(tx, admin, name)
    with pytest.raises(InvalidArgument):
        service.create_group(tx, admin, GroupCreate(name))


@pytest.mark.parametrize("alike", ["ANNA", "Ａnna", "anna ", "ａｎｎａ"])
def test_names_that_look_alike_are_one(tx: Connection, admin: Actor, anna: Actor, alike: str) -> None:
    with pytest.raises(AlreadyExists):
        create(tx, admin, alike)
    assert service.get_user(tx, admin, alike).name == "anna"


@pytest.mark.parametrize(
    "wrong",
    [
        {"display_name": "x" * 201},
        {"display_name": "a\nb"},
        {"display_name": "a\u202eb"},
        {"email": "no address"},
        {"email": "a@b\r\nBcc: c@d"},
        {"email": "a" * 330 + "@b"},
    ],
)
def test_wrong_texts_are_refused(tx: Connection, admin: Actor, wrong: dict[str, str]) -> None:
    with pytest.raises(InvalidArgument):
        create(tx, admin, "bob", **wrong)


@pytest.mark.parametrize(
    ("kind", "field"),
    [(UserCreate, "is_admin"), (UserUpdate, "is_admin"), (UserUpdate, "name"), (UserCreate, "blocked")],
)
def test_fields_that_are_not_listed_are_refused(kind: type[Any], field: str) -> None:
    body = msgspec.json.encode({"name": "eve", field: True} if kind is UserCreate else {field: True})
    with pytest.raises(msgspec.ValidationError, match=field):
        msgspec.json.decode(body, type=kind)


def test_the_last_administrator_stays(tx: Connection, admin: Actor, anna: Actor) -> None:
    for refused in (
        lambda: service.set_admin(tx, admin, "ada", False),
        lambda: service.set_blocked(tx, admin, "ada", True),
        lambda: service.delete_user(tx, admin, "ada"),
    ):
        undo = tx.begin_nested()
        with pytest.raises(FailedPrecondition, match="last administrator"):
            refused()
        undo.rollback()
    assert service.set_admin(tx, admin, "anna", True).is_admin
    service.set_blocked(tx, admin, "anna", True)
    with pytest.raises(FailedPrecondition, match="last administrator"):
        service.set_admin(tx, admin, "ada", False)


def test_a_blocked_account_is_kept_out(tx: Connection, admin: Actor, anna: Actor) -> None:
    assert anna.key
    cookie = service.begin_session(tx, anna.key, SessionDetails())
    assert service.find_credential(tx, cookie)
    service.set_blocked(tx, admin, "anna", True)
    assert service.find_credential(tx, cookie) is None
    with pytest.raises(Unauthenticated, match="blocked"):
        service.begin_session(tx, anna.key, SessionDetails())
    service.set_blocked(tx, admin, "anna", False)
    assert service.find_credential(tx, cookie) is None
    assert service.get_account(tx, anna.key)


def test_a_deleted_account_leaves_its_name_alone(tx: Connection, admin: Actor, anna: Actor) -> None:
    assert anna.key
    service.create_group(tx, admin, GroupCreate("team"))
    service.add_member(tx, admin, "team", "anna")
    cookie = service.begin_session(tx, anna.key, SessionDetails("198.51.100.7", "curl"))
    key = service.find_credential(tx, cookie)
    assert key
    service.delete_user(tx, admin, "anna")
    assert service.find_credential(tx, cookie) is None
    assert service.get_account(tx, anna.key) is None
    assert service.list_members(tx, admin, "team", 10, None).items == []
    assert credentials.list_records(tx, anna.key, "session", 0) == []
    with pytest.raises(FailedPrecondition):
        service.get_me(tx, anna)


def test_each_change_of_access_raises_the_epoch(tx: Connection, admin: Actor, anna: Actor) -> None:
    service.create_group(tx, admin, GroupCreate("team"))
    for change in (
        lambda: service.set_admin(tx, admin, "anna", True),
        lambda: service.add_member(tx, admin, "team", "anna"),
        lambda: service.remove_member(tx, admin, "team", "anna"),
        lambda: service.delete_group(tx, admin, "team"),
        lambda: service.set_blocked(tx, admin, "anna", True),
        lambda: service.set_blocked(tx, admin, "anna", False),
        lambda: service.delete_user(tx, admin, "anna"),
    ):
        before = credentials.get_epoch(tx)
        change()
        assert credentials.get_epoch(tx) > before


def test_groups(tx: Connection, admin: Actor, anna: Actor) -> None:
    made = service.create_group(tx, admin, GroupCreate("ML-team", "trains", "/eng/ml"))
    assert (made.name, made.description, made.claim) == ("ml-team", "trains", "/eng/ml")
    with pytest.raises(AlreadyExists, match="There is a group"):
        service.create_group(tx, admin, GroupCreate("ml-team"))
    with pytest.raises(AlreadyExists, match="is that of the group 'ml-team'"):
        service.create_group(tx, admin, GroupCreate("other", claim="/eng/ml"))
    changed = service.update_group(tx, admin, "ml-team", GroupUpdate(description="", claim=None))
    assert (changed.description, changed.claim) == ("", None)
    service.add_member(tx, admin, "ml-team", "anna")
    service.add_member(tx, admin, "ml-team", "anna")
    with pytest.raises(PermissionDenied):
        service.list_members(tx, anna, "ml-team", 10, None)
    group = service.find_group(tx, "ml-team").key
    inside = replace(anna, groups=(group,))
    assert [member.name for member in service.list_members(tx, inside, "ml-team", 10, None).items] == ["anna"]
    account = service.get_account(tx, anna.key or 0)
    assert account
    assert account.groups == (group,)
    service.remove_member(tx, admin, "ml-team", "anna")
    with pytest.raises(NotFound, match="not in the group"):
        service.remove_member(tx, admin, "ml-team", "anna")
    assert [found.name for found in service.search_groups(tx, anna, "ml", 10, None).items] == ["ml-team"]
    service.delete_group(tx, admin, "ml-team")
    with pytest.raises(NotFound):
        service.get_group(tx, admin, "ml-team")


def test_two_administrators_cannot_remove_each_other_at_once(run: Any) -> None:
    def set_up(tx: Connection) -> tuple[Actor, Actor]:
        return make_account(tx, "ada", is_admin=True), make_account(tx, "bea", is_admin=True)

    async def test(db: Database) -> None:
        ada, bea = await db.write(set_up)
        other = Database(db.url) if not db.url.startswith("sqlite") else db
        both = await asyncio.gather(
            db.write(service.set_admin, ada, "bea", False),
            other.write(service.set_admin, bea, "ada", False),
            return_exceptions=True,
        )
        assert [type(each) for each in both].count(FailedPrecondition) == 1
        if other is not db:
            await asyncio.to_thread(other.close)

    run(test)
