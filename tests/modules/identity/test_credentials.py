"""Credentials: sessions, API keys, run tokens, one-time links, and how each ends."""

from __future__ import annotations

import asyncio
import base64
import hmac
import re
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection, text

from mainspring.db.engine import Database
from mainspring.kit import context
from mainspring.kit.actors import LOCAL, Actor
from mainspring.kit.errors import (
    FailedPrecondition,
    InvalidArgument,
    MainspringError,
    NotFound,
    PermissionDenied,
    RateLimited,
    Unauthenticated,
)
from mainspring.kit.permissions import Permission
from mainspring.kit.time import now_ms
from mainspring.modules.identity import service
from mainspring.modules.identity.schemas import (
    ApiKeyCreate,
    NewApiKey,
    PasswordReset,
    RunTokenCreate,
    RunTokenRefresh,
    SessionDetails,
    Setup,
    SignIn,
)
from mainspring.modules.identity.service import links, tokens, upkeep
from mainspring.modules.identity.service.credentials import sign
from mainspring.modules.identity.service.sessions import DAY_MS
from mainspring.modules.identity.service.usage import record_uses
from mainspring.modules.identity.store import credentials as store
from mainspring.modules.services import Services
from tests.modules.identity.conftest import PASSWORD, make_account

RUN = "0" * 32


def key_of(actor: Actor) -> int:
    assert actor.key is not None
    return actor.key


def begin(tx: Connection, actor: Actor, **more: Any) -> str:
    return service.begin_session(tx, key_of(actor), SessionDetails("198.51.100.7", "curl", "password"), **more)


def found(tx: Connection, token: str) -> store.Credential:
    """Return what a token stands for; it must be good."""
    credential = service.find_credential(tx, token)
    assert credential
    return credential


def asking_with(tx: Connection, actor: Actor, token: str) -> Actor:
    """Return the actor as it asks with a token of its own, which is not limited."""
    return replace(actor, credential=found(tx, token).key)


def make_key(tx: Connection, actor: Actor, **more: Any) -> NewApiKey:
    return service.create_key(tx, actor, ApiKeyCreate("laptop", **more))


def at(monkeypatch: pytest.MonkeyPatch, ms: int) -> None:
    """Let it be another time for the services of identity."""
    for module in ("credentials", "sessions", "keys", "run_tokens", "usage", "links", "upkeep"):
        monkeypatch.setattr(f"mainspring.modules.identity.service.{module}.now_ms", lambda: ms)


# Tokens


def test_tokens_have_a_shape_that_scanners_know() -> None:
    token = tokens.new_token(tokens.API_KEY)
    assert re.fullmatch(r"msk_[0-9A-Za-z]{49}", token)
    assert tokens.is_well_formed(token, tokens.API_KEY)
    assert not tokens.is_well_formed(token, tokens.RUN_TOKEN)
    assert len({tokens.new_token(tokens.API_KEY) for _ in range(100)}) == 100
    wrong = [token[:-1], token + "0", token.replace("msk_", "msr_"), token[:10] + "é" + token[11:], token + "\n", ""]
    changed = token[:20] + ("A" if token[20] != "A" else "B") + token[21:]
    assert [tokens.is_well_formed(each, tokens.API_KEY, tokens.RUN_TOKEN) for each in [*wrong, changed]] == [False] * 7
    assert [service.is_token(each) for each in (token, "msr_x", "password", "mss_x")] == [True, True, False, False]


# Sessions


def test_a_session_stands_for_its_account(tx: Connection, anna: Actor) -> None:
    cookie = begin(tx, anna)
    session = found(tx, cookie)
    assert (session.kind, session.account.name, session.permissions, session.projects) == (
        "session",
        "anna",
        None,
        None,
    )
    assert session.expires_at
    assert abs(session.expires_at - now_ms() - 14 * DAY_MS) < 60_000
    assert begin(tx, anna) != cookie


def test_a_cookie_that_was_changed_is_worth_nothing(tx: Connection, anna: Actor) -> None:
    cookie = begin(tx, anna)
    token, _, signature = cookie.partition(".")
    forged = base64.urlsafe_b64encode(hmac.digest(b"k" * 32, token.encode(), "sha256")).decode().rstrip("=")
    other = tokens.new_token(tokens.SESSION)
    wrong = [token, f"{token}.", f"{token}.{forged}", f"{token}.{signature}=", f".{signature}", f"{other}.{signature}"]
    wrong += [f"{cookie}.x", cookie.swapcase(), cookie[:-1], f"{token}.é", "mss_", "."]
    assert [service.find_credential(tx, each) for each in wrong] == [None] * len(wrong)
    assert service.find_credential(tx, sign(tx, other)) is None
    key = make_key(tx, anna).token
    assert service.find_credential(tx, sign(tx, key)) is None


def test_what_is_stored_lets_nobody_in(tx: Connection, anna: Actor) -> None:
    cookie, key = begin(tx, anna), make_key(tx, anna).token
    stored = repr(tx.execute(text("SELECT * FROM credentials")).all())
    assert cookie.partition(".")[0] not in stored
    assert key not in stored


def test_a_session_ends_when_it_was_idle(tx: Connection, anna: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    cookie, start = begin(tx, anna, idle_days=2), now_ms()
    key = found(tx, cookie).key
    for day in (1, 2, 3):
        at(monkeypatch, start + day * DAY_MS)
        record_uses(tx, [key], 2)
    at(monkeypatch, start + 5 * DAY_MS - 1000)
    assert service.find_credential(tx, cookie)
    at(monkeypatch, start + 5 * DAY_MS + 1000)
    assert service.find_credential(tx, cookie) is None


def test_a_session_ends_after_90_days(tx: Connection, anna: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    cookie, start = begin(tx, anna), now_ms()
    key = found(tx, cookie).key
    for day in range(1, 90, 7):
        at(monkeypatch, start + day * DAY_MS)
        record_uses(tx, [key], 14)
    at(monkeypatch, start + 90 * DAY_MS + 60_000)
    assert service.find_credential(tx, cookie) is None


def test_the_end_moves_at_most_once_an_hour(tx: Connection, anna: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    cookie, start = begin(tx, anna), now_ms()
    key, ends = found(tx, cookie).key, found(tx, cookie).expires_at
    at(monkeypatch, start + 1_800_000)
    record_uses(tx, [key], 14)
    assert found(tx, cookie).expires_at == ends
    [session] = service.list_sessions(tx, anna)
    assert session.last_used_at == start + 1_800_000
    assert service.get_me(tx, anna).last_seen_at == start + 1_800_000
    at(monkeypatch, start + 3_700_000)
    record_uses(tx, [key], 14)
    assert found(tx, cookie).expires_at == start + 3_700_000 + 14 * DAY_MS


def test_one_lists_and_ends_the_own_sessions(tx: Connection, admin: Actor, anna: Actor) -> None:
    first, second, other = begin(tx, anna), begin(tx, anna), begin(tx, admin)
    asking = asking_with(tx, anna, second)
    listed = service.list_sessions(tx, asking)
    assert [session.current for session in listed] == [True, False]
    assert {(session.address, session.user_agent, session.provider) for session in listed} == {
        ("198.51.100.7", "curl", "password")
    }
    with pytest.raises(NotFound):
        service.revoke_session(tx, asking, found(tx, other).key)
    before = store.get_epoch(tx)
    service.revoke_session(tx, asking, found(tx, first).key)
    assert store.get_epoch(tx) > before
    assert service.find_credential(tx, first) is None
    with pytest.raises(NotFound):
        service.revoke_session(tx, asking, listed[1].id)
    service.sign_out_everywhere(tx, asking)
    assert service.find_credential(tx, second) is None
    assert service.find_credential(tx, other)
    with pytest.raises(PermissionDenied, match="limited"):
        service.list_sessions(tx, replace(anna, scoped=True))


def test_signing_out_ends_what_asks(tx: Connection, anna: Actor) -> None:
    cookie, key = begin(tx, anna), make_key(tx, anna).token
    for token in (cookie, key):
        before = store.get_epoch(tx)
        service.sign_out(tx, asking_with(tx, anna, token))
        assert service.find_credential(tx, token) is None
        assert store.get_epoch(tx) > before
    service.sign_out(tx, anna)


def test_who_am_i(tx: Connection, anna: Actor) -> None:
    told = service.who_am_i(tx, replace(anna, scoped=True))
    assert (told.name, told.kind, told.is_admin, told.scoped) == ("anna", "user", False, True)
    assert told.permissions == sorted(anna.permissions)
    assert service.who_am_i(tx, LOCAL).name == "local"


def test_a_new_sign_in_ends_the_session_that_the_browser_had(run: Any) -> None:
    async def test(db: Database) -> None:
        await db.write(make_account, "anna")
        given = SignIn("Anna", PASSWORD)
        first = await service.sign_in_with_password(db, given, "x" * 1000)
        planted = tokens.new_token(tokens.SESSION) + ".x"
        for brought in ("", planted, "\0", "é"):
            second = await service.sign_in_with_password(db, given, "curl", brought)
            assert second != brought
        third = await service.sign_in_with_password(db, given, "curl", first)
        assert await db.read(service.find_credential, first) is None
        assert await db.read(service.find_credential, second)
        assert await db.read(service.find_credential, third)

    run(test)


# API keys


def test_an_api_key_stands_for_its_account(tx: Connection, anna: Actor) -> None:
    made = make_key(tx, anna)
    credential = found(tx, made.token)
    assert (credential.kind, credential.account.name, credential.permissions) == ("key", "anna", None)
    assert credential.expires_at == made.expires_at
    assert abs((made.expires_at or 0) - now_ms() - 90 * DAY_MS) < 60_000
    [listed] = service.list_keys(tx, anna)
    assert (listed.id, listed.name, listed.user) == (made.id, "laptop", "anna")
    assert not hasattr(listed, "token")
    assert made.token not in repr(listed)


def test_a_key_may_be_limited(tx: Connection, admin: Actor, anna: Actor) -> None:
    made = make_key(tx, admin, permissions=[Permission.TRACKING_READ], projects=["default/default"])
    assert (made.permissions, made.projects) == ([Permission.SIGNED_IN, "tracking:read"], ["default/default"])
    credential = found(tx, made.token)
    assert credential.permissions == {Permission.SIGNED_IN, Permission.TRACKING_READ}
    assert credential.projects == {admin.project}
    with pytest.raises(NotFound, match="may not see it"):
        make_key(tx, anna, projects=["default/default"])


@pytest.mark.parametrize(
    "wrong",
    [
        {"expires_days": 0},
        {"expires_days": -1},
        {"expires_days": 366},
        {"permissions": []},
        {"projects": []},
        {"projects": ["default/default"] * 101},
        {"name": ""},
        {"name": " "},
        {"name": "a\nb"},
        {"name": "x" * 201},
    ],
)
def test_wrong_keys_are_refused(tx: Connection, anna: Actor, wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument):
        service.create_key(tx, anna, ApiKeyCreate(**({"name": "k"} | wrong)))


def test_a_limited_key_makes_no_keys(tx: Connection, anna: Actor) -> None:
    limited = replace(anna, scoped=True)
    for call in (
        lambda: make_key(tx, limited),
        lambda: service.list_keys(tx, limited),
        lambda: service.revoke_key(tx, limited, 1),
    ):
        with pytest.raises(PermissionDenied, match="limited"):
            call()
    with pytest.raises(FailedPrecondition, match="auth=local"):
        make_key(tx, LOCAL)


def test_a_key_that_was_made_with_a_key_goes_with_it(tx: Connection, anna: Actor) -> None:
    first = make_key(tx, anna, expires_days=3)
    with_first = asking_with(tx, anna, first.token)
    second = make_key(tx, with_first, expires_days=90)
    assert second.expires_at == first.expires_at
    third = make_key(tx, asking_with(tx, anna, second.token))
    run_token = service.create_run_token(tx, asking_with(tx, anna, third.token), RunTokenCreate(RUN))
    before = store.get_epoch(tx)
    service.revoke_key(tx, anna, first.id)
    assert store.get_epoch(tx) > before
    for token in (first.token, second.token, third.token, run_token.token):
        assert service.find_credential(tx, token) is None
    with_session = asking_with(tx, anna, begin(tx, anna))
    kept = make_key(tx, with_session)
    service.sign_out(tx, with_session)
    assert service.find_credential(tx, kept.token)


def test_keys_of_service_accounts_are_made_by_administrators(tx: Connection, admin: Actor, anna: Actor) -> None:
    make_account(tx, "ci", kind="service", password_hash=None)
    made = make_key(tx, admin, user="ci")
    assert found(tx, made.token).account.kind == "service"
    assert [key.id for key in service.list_keys(tx, admin, "ci")] == [made.id]
    for refused in (lambda: make_key(tx, anna, user="ci"), lambda: make_key(tx, admin, user="anna")):
        with pytest.raises(PermissionDenied):
            refused()
    with pytest.raises(NotFound):
        service.revoke_key(tx, anna, made.id)
    service.revoke_key(tx, admin, made.id)
    assert service.find_credential(tx, made.token) is None
    service.set_blocked(tx, admin, "ci", True)
    with pytest.raises(FailedPrecondition, match="blocked"):
        make_key(tx, admin, user="ci")


def test_an_administrator_revokes_anyones_key(tx: Connection, admin: Actor, anna: Actor) -> None:
    made, own = make_key(tx, anna), make_key(tx, admin)
    with pytest.raises(NotFound):
        service.revoke_key(tx, anna, own.id)
    with pytest.raises(NotFound):  # a session is no key
        service.revoke_key(tx, anna, found(tx, begin(tx, anna)).key)
    for number in (0, -1, 2**63, 2**200):
        with pytest.raises(NotFound):
            service.revoke_key(tx, admin, number)
        with pytest.raises(NotFound):
            service.revoke_session(tx, admin, number)
    service.revoke_key(tx, admin, made.id)
    assert service.find_credential(tx, made.token) is None


def test_keys_end(tx: Connection, admin: Actor, anna: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    made, start = make_key(tx, anna, expires_days=1), now_ms()
    service.set_blocked(tx, admin, "anna", True)
    assert service.find_credential(tx, made.token) is None
    service.set_blocked(tx, admin, "anna", False)
    assert service.find_credential(tx, made.token)
    at(monkeypatch, start + DAY_MS + 1000)
    assert service.find_credential(tx, made.token) is None
    assert service.list_keys(tx, anna) == []


# Run tokens


def test_a_run_token_is_bound_to_its_run(tx: Connection, anna: Actor) -> None:
    made = service.create_run_token(tx, anna, RunTokenCreate(RUN, 600))
    credential = found(tx, made.token)
    assert (credential.kind, credential.run_id, credential.projects) == ("run", RUN, frozenset({anna.project}))
    assert credential.permissions == {Permission.SIGNED_IN}
    assert abs(made.expires_at - now_ms() - 600_000) < 60_000
    for seconds in (0, 86_401):
        with pytest.raises(InvalidArgument, match="expires_s"):
            service.create_run_token(tx, anna, RunTokenCreate(RUN, seconds))
    with pytest.raises(InvalidArgument):
        service.create_run_token(tx, anna, RunTokenCreate("../x"))
    with pytest.raises(PermissionDenied):
        service.create_run_token(tx, replace(anna, permissions=frozenset({Permission.SIGNED_IN})), RunTokenCreate(RUN))


def test_a_run_token_is_refreshed_for_30_days(tx: Connection, anna: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    start = now_ms()
    made = service.create_run_token(tx, anna, RunTokenCreate(RUN, 86_400))
    with pytest.raises(FailedPrecondition, match="Only a run token"):
        service.refresh_run_token(tx, anna, RunTokenRefresh())
    bound = replace(anna, permissions=frozenset({Permission.SIGNED_IN}), run_id=RUN)
    for asked in (RunTokenCreate(RUN), RunTokenCreate("1" * 32)):
        with pytest.raises(PermissionDenied):
            service.create_run_token(tx, bound, asked)
    for hour in range(23, 30 * 24, 23):
        at(monkeypatch, start + hour * 3_600_000)
        asking = replace(bound, credential=found(tx, made.token).key)
        made = service.refresh_run_token(tx, asking, RunTokenRefresh(86_400))
        assert found(tx, made.token).run_id == RUN
    assert made.expires_at - start < 30 * DAY_MS + 60_000
    at(monkeypatch, start + 30 * DAY_MS + 60_000)
    assert service.find_credential(tx, made.token) is None
    with pytest.raises(FailedPrecondition):
        service.refresh_run_token(tx, asking, RunTokenRefresh())


def test_a_refreshed_token_ends_with_the_key_that_it_came_of(tx: Connection, anna: Actor) -> None:
    key = make_key(tx, anna)
    made = service.create_run_token(tx, asking_with(tx, anna, key.token), RunTokenCreate(RUN))
    fresh = service.refresh_run_token(tx, asking_with(tx, anna, made.token), RunTokenRefresh(86_400))
    service.revoke_key(tx, anna, key.id)
    assert service.find_credential(tx, fresh.token) is None


# One-time links


async def refused(asked: Any) -> MainspringError:
    with pytest.raises(MainspringError) as error:
        await asked
    return error.value


def setup(token: str, name: str = "ada") -> Setup:
    return Setup(token, name, PASSWORD, "Ada L.", "ada@example.org")


def test_the_first_administrator_is_made_once(run: Any) -> None:
    async def test(db: Database) -> None:
        link = await db.write(service.create_setup_link)
        other = await db.write(service.create_setup_link)
        assert link.path == f"/setup#token={link.token}"
        for token in ("", "msl_x", tokens.new_token(tokens.LINK)):
            error = await refused(service.set_up(db, setup(token), ""))
            assert (type(error), error.message) == (PermissionDenied, links.GONE)
        for wrong in (setup(link.token, "system"), replace_password(setup(link.token), "password")):
            assert isinstance(await refused(service.set_up(db, wrong, "")), InvalidArgument)
        cookie = await service.set_up(db, setup(link.token), "curl")
        credential = await db.read(service.find_credential, cookie)
        assert (credential.account.name, credential.account.is_admin) == ("ada", True)
        assert (await service.verify_password(db, "ada", PASSWORD, "")).is_admin
        assert isinstance(await refused(service.set_up(db, setup(link.token, "eve"), "")), PermissionDenied)
        late = await refused(service.set_up(db, setup(other.token, "eve"), ""))
        assert (type(late), "has an administrator" in late.message) == (FailedPrecondition, True)
        assert await db.write(service.create_setup_link) is None

    run(test)


def replace_password(given: Setup, password: str) -> Setup:
    return Setup(given.token, given.name, password)


def test_two_that_set_up_at_once_make_one_administrator(run: Any) -> None:
    async def test(db: Database) -> None:
        link = await db.write(service.create_setup_link)
        other = db if db.url.startswith("sqlite") else Database(db.url)
        both = await asyncio.gather(
            service.set_up(db, setup(link.token), ""),
            service.set_up(other, setup(link.token, "eve"), ""),
            return_exceptions=True,
        )
        assert sorted(type(each) for each in both if not isinstance(each, str)) == [PermissionDenied]
        if other is not db:
            await asyncio.to_thread(other.close)

    run(test)


def test_who_guesses_links_waits(run: Any) -> None:
    async def test(db: Database) -> None:
        link = await db.write(service.create_setup_link)
        context.client_address.set("203.0.113.9")
        guesses = [await refused(service.set_up(db, setup(f"msl_{number}"), "")) for number in range(9)]
        assert [type(error) for error in guesses] == [PermissionDenied] * 8 + [RateLimited]
        context.client_address.set("198.51.100.7")
        assert await service.set_up(db, setup(link.token), "")

    run(test)


def test_a_password_is_set_by_a_link_once(run: Any) -> None:
    def make(tx: Connection) -> tuple[Actor, Actor]:
        return make_account(tx, "ada", is_admin=True), make_account(tx, "anna")

    async def test(db: Database) -> None:
        ada, anna = await db.write(make)
        cookie = await db.write(begin, anna)
        earlier = await db.write(service.create_password_link, ada, "anna")
        link = await db.write(service.create_password_link, ada, "anna")
        assert link.path == f"/reset#token={link.token}"
        error = await refused(service.reset_password(db, PasswordReset(earlier.token, "seven swans a-swimming")))
        assert error.message == links.GONE
        error = await refused(service.set_up(db, setup(link.token), ""))
        assert error.message == links.GONE
        assert isinstance(
            await refused(service.reset_password(db, PasswordReset(link.token, "anna1234"))), InvalidArgument
        )
        await service.reset_password(db, PasswordReset(link.token, "seven swans a-swimming"))
        assert await service.verify_password(db, "anna", "seven swans a-swimming", "")
        assert await db.read(service.find_credential, cookie) is None
        assert isinstance(
            await refused(service.reset_password(db, PasswordReset(link.token, "eight maids a-milking"))),
            PermissionDenied,
        )
        assert isinstance(await refused(service.verify_password(db, "anna", PASSWORD, "")), Unauthenticated)

    run(test)


def test_links_end_after_a_day(tx: Connection, admin: Actor, anna: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    link, start = service.create_password_link(tx, admin, "anna"), now_ms()
    assert links._look(tx, "password", link.token)
    at(monkeypatch, start + DAY_MS + 1000)
    assert links._look(tx, "password", link.token) is None
    kept = service.create_password_link(tx, admin, "ada")
    service.delete_user(tx, admin, "anna")
    assert links._look(tx, "password", kept.token)


# Upkeep


def test_what_has_ended_is_dropped_after_a_month(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def make(tx: Connection) -> tuple[str, str]:
        anna = make_account(tx, "anna")
        key = make_key(tx, anna, expires_days=100)
        made_with = make_key(tx, asking_with(tx, anna, key.token), expires_days=1)
        begin(tx, anna)
        service.create_setup_link(tx)
        return key.token, made_with.token

    def count(tx: Connection) -> list[int]:
        tables = ("credentials", "one_time_links")
        return [tx.execute(text(f"SELECT count(*) FROM {table}")).scalar_one() for table in tables]

    async def test(db: Database) -> None:
        nothing: Any = None
        key, _ = await db.write(make)
        assert await service.drop_ended(Services(db, nothing)) is False
        assert await db.read(count) == [3, 1]
        at(monkeypatch, now_ms() + 60 * DAY_MS)
        assert await service.drop_ended(Services(db, nothing)) is False
        assert await db.read(count) == [1, 0]
        assert await db.read(service.find_credential, key)
        monkeypatch.setattr(upkeep, "PART", 1)
        at(monkeypatch, now_ms() + 200 * DAY_MS)
        assert await service.drop_ended(Services(db, nothing)) is True
        assert await service.drop_ended(Services(db, nothing)) is False

    run(test)


def test_uses_are_gathered_and_written_once_a_minute(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(db: Database) -> None:
        anna = await db.write(make_account, "anna")
        made = await db.write(make_key, anna)
        usage = service.Usage(db, 14)
        usage.note(made.id)
        await asyncio.sleep(0.05)
        assert (await db.read(service.list_keys, anna))[0].last_used_at is None
        monkeypatch.setattr("mainspring.modules.identity.service.usage.EVERY_S", 0)
        for _ in range(100):
            usage.note(made.id)
        await asyncio.sleep(0.05)
        assert (await db.read(service.list_keys, anna))[0].last_used_at

    run(test)
