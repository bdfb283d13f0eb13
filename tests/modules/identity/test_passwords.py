"""Passwords: which are refused, how they are kept, what a sign-in costs whoever guesses."""

from __future__ import annotations

import asyncio
import multiprocessing
import statistics
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import argon2
import pytest
from sqlalchemy import Connection

from mainspring.db.engine import Database, check_url
from mainspring.kit import events
from mainspring.kit.actors import Actor
from mainspring.kit.errors import InvalidArgument, MainspringError, PermissionDenied, RateLimited, Unauthenticated
from mainspring.kit.sql_engines import create_write_engine
from mainspring.modules.identity import service
from mainspring.modules.identity.schemas import PasswordChange, SessionDetails
from mainspring.modules.identity.service import attempts, passwords, sign_in
from mainspring.modules.identity.service.attempts import ACCOUNT, ACCOUNT_HERE, ADDRESS, Rule
from mainspring.modules.identity.store import accounts, sign_ins
from mainspring.server.schema import metadata
from tests.modules.identity.conftest import PASSWORD, make_account

HERE, ELSEWHERE = "198.51.100.7", "203.0.113.9"
OTHER = "eleven geese over the barn"


class CountingHasher(argon2.PasswordHasher):
    """The platform's hasher, which counts what it was asked."""

    verified = 0

    def verify(self, *given: Any) -> bool:  # type: ignore[override]
        self.verified += 1
        return bool(super().verify(*given))


@pytest.fixture
def hasher(monkeypatch: pytest.MonkeyPatch) -> CountingHasher:
    counting = CountingHasher(time_cost=1, memory_cost=47104, parallelism=1)
    monkeypatch.setattr(passwords, "HASHER", counting)
    return counting


@pytest.fixture
def no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let any number of sign-ins fail."""
    for name in ("ACCOUNT_HERE", "ACCOUNT", "ADDRESS"):
        monkeypatch.setattr(attempts, name, Rule(10_000, 1))


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("", "0 characters"),
        ("sev3n#x", "7 characters"),
        ("x" * 1025, "1025 characters"),
        ("ﬁ" * 600, "1200 characters"),
        ("password", "tried first"),
        ("PassWord", "tried first"),
        ("password2024!", "tried first"),
        ("Ｐassword1", "tried first"),
        ("87654321", "tried first"),
        ("qwertyuiop", "tried first"),
        ("hgfdsaqw", None),
        ("abababab", "easy to guess"),
        ("        ", "easy to guess"),
        ("anna2024", "easy to guess"),
        ("Anna.Karenina", "easy to guess"),
        ("karenina@1", "easy to guess"),
        ("mainspring!1", "easy to guess"),
        ("annaannaanna", "easy to guess"),
        ("correct horse battery", None),
        ("пароль-не-такой", None),
        ("🙂🙃😉😊🥲🫠😇🥰", None),
        ("x" * 3 + "yz17 and some", None),
    ],
)
def test_what_makes_a_password(password: str, why: str | None) -> None:
    words = ("anna", "Anna Karenina", "karenina@example.org")
    if why is None:
        passwords.check_password(password, *words)
        return
    with pytest.raises(InvalidArgument, match=why) as refused:
        passwords.check_password(password, *words)
    assert refused.value.field == "password"
    assert "karenina" not in refused.value.message.casefold()


def test_a_password_is_not_text() -> None:
    for password in ("eight\0chars", "eight\ud800chars"):
        with pytest.raises(InvalidArgument):
            passwords.check_password(password)


def test_parameters_are_those_that_owasp_asks_for() -> None:
    hashed = passwords.HASHER.hash("some")
    found = argon2.extract_parameters(hashed)
    assert (found.type, found.memory_cost >= 47104, found.time_cost >= 1) == (argon2.Type.ID, True, True)
    assert argon2.extract_parameters(passwords.NOBODYS_HASH) == found
    assert not passwords.is_outdated(passwords.NOBODYS_HASH)


def account(tx: Connection, name: str = "anna", **more: Any) -> Actor:
    return make_account(tx, name, **more)


async def refused(db: Database, name: str, password: str, address: str = HERE) -> MainspringError:
    with pytest.raises(MainspringError) as error:
        await service.verify_password(db, name, password, address)
    return error.value


def test_a_password_signs_in_however_it_is_composed(run: Any) -> None:
    async def test(db: Database) -> None:
        composed, decomposed = "caf\u00e9 au lait noir", "cafe\u0301 au lait noir"
        hashed = await passwords.hash_password(composed)
        made = await db.write(account, password_hash=hashed)
        for name in ("anna", "ANNA", "Ａnna"):
            found = await service.verify_password(db, name, decomposed, HERE)
            assert (found.key, found.name, found.is_admin) == (made.key, "anna", False)
        assert isinstance(await refused(db, "anna", "cafe au lait noir"), Unauthenticated)

    run(test)


def test_an_outdated_hash_is_made_anew(run: Any) -> None:
    async def test(db: Database) -> None:
        old = argon2.PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(PASSWORD)
        await db.write(account, password_hash=old)
        await service.verify_password(db, "anna", PASSWORD, HERE)
        now = (await db.read(accounts.find_account, "anna")).password_hash
        assert now != old
        assert not passwords.is_outdated(now)
        await service.verify_password(db, "anna", PASSWORD, HERE)
        assert (await db.read(accounts.find_account, "anna")).password_hash == now

    run(test)


def test_unknown_name_wrong_password_and_closed_account_answer_alike(
    run: Any, hasher: CountingHasher, no_waits: None
) -> None:
    def make(tx: Connection) -> None:
        make_account(tx, "anna")
        blocked = make_account(tx, "blocked")
        accounts.update_account(tx, blocked.key or 0, blocked=True)
        make_account(tx, "external", password_hash=None)
        make_account(tx, "ci", kind="service", password_hash=None)

    async def test(db: Database) -> None:
        await db.write(make)
        attempts = [("anna", OTHER), ("nobody-here", OTHER), ("blocked", PASSWORD), ("external", ""), ("ci", "")]
        attempts += [("", ""), ("anna\0", PASSWORD), ("x" * 5000, PASSWORD), ("anna", "y" * 5000)]
        errors = [await refused(db, *given) for given in attempts]
        assert {(type(error), error.message) for error in errors} == {(Unauthenticated, sign_in.WRONG)}
        assert hasher.verified == len(attempts)

    run(test)


def test_a_sign_in_tells_by_its_time_neither_names_nor_passwords(run: Any, no_waits: None) -> None:
    async def time_of(db: Database, name: str) -> float:
        started = time.perf_counter()
        assert isinstance(await refused(db, name, OTHER), Unauthenticated)
        return time.perf_counter() - started

    async def test(db: Database) -> None:
        await db.write(account)
        taken: dict[str, list[float]] = {"anna": [], "unknown-name": []}
        for _ in range(20):
            for name, times in taken.items():
                times.append(await time_of(db, name))
        known, unknown = (statistics.median(times) for times in taken.values())
        assert abs(known - unknown) < 0.25 * known, taken

    run(test)


def test_what_is_asked_at_once_is_looked_at_once(run: Any, hasher: CountingHasher) -> None:
    async def test(db: Database) -> None:
        await db.write(account)
        asked = [service.verify_password(db, "anna", PASSWORD, HERE) for _ in range(50)]
        found = await asyncio.gather(*asked)
        assert {each.name for each in found} == {"anna"}
        assert hasher.verified == 1
        assert not sign_in._under_way

    run(test)


def test_a_flood_is_turned_away_before_it_takes_memory(run: Any, no_waits: None) -> None:
    async def test(db: Database) -> None:
        asked = [service.verify_password(db, f"user{number}", OTHER, HERE) for number in range(60)]
        outcomes = await asyncio.gather(*asked, return_exceptions=True)
        kinds = [type(outcome) for outcome in outcomes]
        assert kinds.count(RateLimited) == 60 - passwords.MAX_WAITING
        assert kinds.count(Unauthenticated) == passwords.MAX_WAITING
        assert passwords._threads._max_workers == passwords.AT_ONCE

    run(test)


class Clock:
    """A time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 1_800_000_000_000

    def __call__(self) -> int:
        return self.now

    def pass_s(self, seconds: float) -> None:
        self.now += int(seconds * 1000)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    told = Clock()
    monkeypatch.setattr(attempts, "now_ms", told)
    return told


def fail(tx: Connection, clock: Clock, name: str, address: str, times: int) -> list[int]:
    """Fail so often, as soon as each is allowed, and return the waits in seconds."""
    waits = []
    for _ in range(times):
        try:
            attempts.begin_attempt(tx, name, address)
            waits.append(0)
        except RateLimited as error:
            waits.append(int(error.retry_after or 0))
            clock.pass_s(waits[-1] - 0.5)
            with pytest.raises(RateLimited):
                attempts.begin_attempt(tx, name, address)
            clock.pass_s(0.5)
            attempts.begin_attempt(tx, name, address)
    return waits


def test_who_fails_waits_longer_and_longer_and_not_for_ever(tx: Connection, clock: Clock) -> None:
    waits = fail(tx, clock, "anna", HERE, ACCOUNT_HERE.free + 12)
    assert waits[: ACCOUNT_HERE.free] == [0] * ACCOUNT_HERE.free
    assert waits[ACCOUNT_HERE.free :] == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]
    clock.pass_s(3601)
    assert fail(tx, clock, "anna", HERE, 1) == [0]


def test_success_forgets_the_failures_of_the_account(tx: Connection, clock: Clock) -> None:
    for _ in range(3):
        assert fail(tx, clock, "anna", HERE, ACCOUNT_HERE.free) == [0] * ACCOUNT_HERE.free
        attempts.end_attempt(tx, "anna", HERE)


def test_an_attacker_elsewhere_keeps_nobody_out(tx: Connection, clock: Clock) -> None:
    attempts.begin_attempt(tx, "anna", HERE)
    attempts.end_attempt(tx, "anna", HERE)
    waits = [fail(tx, clock, "anna", f"203.0.113.{number}", 1)[0] for number in range(ACCOUNT.free + 9)]
    assert waits[-1] == ACCOUNT.longest_s
    attempts.begin_attempt(tx, "anna", HERE)  # known here: no wait
    with pytest.raises(RateLimited) as error:
        attempts.begin_attempt(tx, "anna", ELSEWHERE)
    assert (error.value.retry_after or 0) <= 60
    clock.pass_s(60)
    attempts.begin_attempt(tx, "anna", ELSEWHERE)


def test_an_address_that_tries_many_names_waits(tx: Connection, clock: Clock) -> None:
    waits = [fail(tx, clock, f"user{number}", HERE, 1)[0] for number in range(ADDRESS.free + 9)]
    assert waits[ADDRESS.free - 1 :] == [0, 1, 2, 4, 8, 16, 32, 60, 60, 60]
    attempts.begin_attempt(tx, "user0", ELSEWHERE)


def test_an_address_of_version_6_is_its_network(tx: Connection, clock: Clock) -> None:
    for number in range(ACCOUNT_HERE.free):
        attempts.begin_attempt(tx, "anna", f"2001:db8::{number:x}")
    with pytest.raises(RateLimited):
        attempts.begin_attempt(tx, "anna", "2001:db8::ffff")
    attempts.begin_attempt(tx, "anna", "2001:db8:1::1")


def test_what_is_typed_as_a_name_is_not_kept(tx: Connection, clock: Clock) -> None:
    attempts.begin_attempt(tx, "my secret password", HERE)
    subjects = tx.connection.cursor()
    subjects.execute("SELECT subject FROM sign_in_failures")
    assert all(len(bytes(subject)) == 32 for (subject,) in subjects.fetchall())
    clock.pass_s(4000)
    assert attempts.drop_forgotten(tx) == 3


def try_passwords(url: str, tries: int, barrier: Any, outcomes: Any) -> None:
    """Guess in a process of its own, all at once, and tell how often a guess was looked at."""

    async def guess() -> int:
        db = Database(url)
        barrier.wait(30)
        asked = [db.write(attempts.begin_attempt, "anna", HERE) for _ in range(tries)]
        looked_at = await asyncio.gather(*asked, return_exceptions=True)
        await asyncio.to_thread(db.close)
        return sum(outcome is None for outcome in looked_at)

    outcomes.put(asyncio.run(guess()))


def test_processes_count_together(postgres_database: str) -> None:
    url = check_url(postgres_database)
    engine = create_write_engine(url)
    metadata.create_all(engine)
    engine.dispose()
    spawn = multiprocessing.get_context("spawn")
    barrier, outcomes = spawn.Barrier(2), spawn.Queue()
    guessers = [spawn.Process(target=try_passwords, args=(url, 40, barrier, outcomes)) for _ in range(2)]
    for guesser in guessers:
        guesser.start()
    looked_at = sum(outcomes.get(timeout=60) for _ in guessers)
    for guesser in guessers:
        guesser.join(30)
    assert looked_at in (ACCOUNT_HERE.free, ACCOUNT_HERE.free + 1)


@pytest.fixture
def told() -> Iterator[list[events.Event]]:
    """What was published meanwhile."""
    heard: list[events.Event] = []

    def hear(_tx: Connection, event: events.Event) -> None:
        heard.append(event)

    events.subscribe(hear)
    yield heard
    events._SUBSCRIBERS.remove(hear)


def test_failed_sign_ins_are_told_without_what_was_typed(run: Any, told: list[events.Event], no_waits: None) -> None:
    async def test(db: Database) -> None:
        await db.write(account)
        await refused(db, "anna", OTHER)
        await refused(db, "correct horse", OTHER)

    run(test)
    assert [(event.action, event.object_id, event.allowed) for event in told] == [
        ("session.create", "anna", False),
        ("session.create", "", False),
    ]


def test_one_changes_the_own_password_with_the_current_one(run: Any) -> None:
    async def test(db: Database) -> None:
        actor = await db.write(account)
        first = await db.write(service.begin_session, actor.key, SessionDetails())
        second = await db.write(service.begin_session, actor.key, SessionDetails())
        current = await db.read(service.find_credential, first)
        asking = replace(actor, credential=current.key)
        with pytest.raises(InvalidArgument, match="current_password is wrong"):
            await service.change_password(db, asking, PasswordChange(OTHER, "yet another one here"))
        with pytest.raises(InvalidArgument, match="tried first"):
            await service.change_password(db, asking, PasswordChange(PASSWORD, "password"))
        with pytest.raises(PermissionDenied, match="limited"):
            await service.change_password(db, replace(asking, scoped=True), PasswordChange(PASSWORD, OTHER))
        await service.change_password(db, asking, PasswordChange(PASSWORD, OTHER))
        assert isinstance(await refused(db, "anna", PASSWORD), Unauthenticated)
        assert await service.verify_password(db, "anna", OTHER, HERE)
        assert await db.read(service.find_credential, first)
        assert await db.read(service.find_credential, second) is None

    run(test)


def test_an_administrator_sets_a_password(run: Any) -> None:
    async def test(db: Database) -> None:
        admin = await db.write(account, "ada", is_admin=True)
        anna = await db.write(account)
        await db.write(make_account, "ci", kind="service", password_hash=None)
        cookie = await db.write(service.begin_session, anna.key, SessionDetails())
        await service.set_password(db, admin, "anna", OTHER)
        assert await db.read(service.find_credential, cookie) is None
        assert await service.verify_password(db, "anna", OTHER, HERE)
        with pytest.raises(InvalidArgument, match="service account"):
            await service.set_password(db, admin, "ci", OTHER)
        with pytest.raises(InvalidArgument, match="easy to guess"):
            await service.set_password(db, admin, "anna", "anna12345")

    run(test)


def test_a_password_that_changed_while_it_was_checked_lets_nobody_in(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(db: Database) -> None:
        anna = await db.write(account)
        honest = passwords.fits

        async def slow(*given: Any) -> bool:
            fitting = await honest(*given)
            await db.write(accounts.update_account, anna.key, blocked=True)
            return fitting

        monkeypatch.setattr(passwords, "fits", slow)
        assert isinstance(await refused(db, "anna", PASSWORD), Unauthenticated)

    run(test)


def test_failures_are_none_for_who_is_new(tx: Connection) -> None:
    assert sign_ins.find_failures(tx, [b"x" * 32]) == {}
