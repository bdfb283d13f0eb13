"""What accounts may do where projects are kept elsewhere, in a GitLab: asked there, with their own tokens.

A source is asked when what it said of an account is older than the setting ``gitlab_access_ttl``. What it says is kept
in the database, for all processes; where it cannot be asked, or says no, what it had said counts no more.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeVar
from weakref import WeakValueDictionary

import structlog
from sqlalchemy import Connection

from mainspring.engines.sources import Account, Level, Source, SourceProject
from mainspring.kit.actors import OUTSIDE_PROJECTS, Actor
from mainspring.kit.context import client_address
from mainspring.kit.errors import Internal, MainspringError, NotFound, PermissionDenied, Unauthenticated, Unavailable
from mainspring.kit.permissions import ACCOUNT_PERMISSIONS, Permission
from mainspring.kit.time import now_ms
from mainspring.modules.identity import service as identity
from mainspring.modules.projects import store
from mainspring.modules.projects.service.access import READS
from mainspring.modules.projects.service.sources import know_source
from mainspring.modules.projects.store import SourceAccount, origins
from mainspring.modules.projects.store.origins import SourceRecord
from mainspring.modules.services import Services
from mainspring.settings import Settings

T = TypeVar("T")

ASK_S, LIST_S = 10.0, 30.0
"""For so long a source is asked whose a token is, and which projects are the account's."""
AWAY_S = 3.0
SLACK_MS = 5_000
"""What was said is good for so long at least: a request that asked goes by it, where each one asks."""
MAX_VOUCHED = 10_000
TRIED = 5

READING = READS | ACCOUNT_PERMISSIONS
WRITING = (frozenset(Permission) - OUTSIDE_PROJECTS) | ACCOUNT_PERMISSIONS

log = structlog.get_logger(__name__)

Seen = Callable[[Connection, SourceRecord, Sequence[SourceProject]], None]
_on_seen: list[Seen] = []


def on_seen(hook: Seen) -> Seen:
    """Have a function called with the projects that an account is a member of, in the transaction that keeps its roles.

    What it makes of those that are not known here yet is there when the roles are kept.
    """
    _on_seen[:] = [hook]
    return hook


def source_of_sign_ins(settings: Settings) -> str:
    """Return the name of the source by which people sign in, empty where there is none."""
    return f"gitlab:{settings.gitlab_url.rstrip('/')}" if settings.gitlab_url and settings.gitlab_client_id else ""


@dataclass(frozen=True, slots=True)
class Vouched:
    """The account that a source's token is for, and what the token allows at most.

    ``due`` (ms) is when the source is to be asked again.
    """

    user: int
    limits: frozenset[Permission]
    due: int


@dataclass(frozen=True, slots=True)
class _Remembered:
    vouched: Vouched
    began: float


class SourceAccess:
    """What a server process knows of the accounts of the source by which people sign in."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self.name = source_of_sign_ins(services.settings)
        self._ttl_s = services.settings.gitlab_access_ttl
        self._refused = identity.RefusedTokens()
        self._vouched: OrderedDict[bytes, _Remembered] = OrderedDict()
        self._asked: dict[int, float] = {}
        self._locks: WeakValueDictionary[object, asyncio.Lock] = WeakValueDictionary()
        self._away_until = float("-inf")

    async def vouch(self, token: str) -> Vouched:
        """Return whom a token of the source is for, made an account at its first use.

        Raises Unauthenticated where the source does not know it (any more), RateLimited where too many from one
        address were not known, and Unavailable while the source is away.
        """
        digest, arrived = hashlib.sha256(token.encode()).digest(), time.monotonic()
        async with self._lock(digest):
            known = self._vouched.get(digest)
            if known is not None and self._is_fresh(known.began, arrived):
                return known.vouched
            if known is None:
                self._refused.begin(digest, client_address.get())
            began = time.monotonic()
            try:
                vouched = await self._vouch(token)
            except Unauthenticated:
                self._vouched.pop(digest, None)
                self._refused.refuse(digest)
                raise
            except MainspringError:
                self._refused.end(client_address.get())
                raise
            if known is None:
                self._refused.end(client_address.get())
            self._remember(digest, _Remembered(vouched, began))
            return vouched

    def _remember(self, digest: bytes, known: _Remembered) -> None:
        self._vouched[digest] = known
        self._vouched.move_to_end(digest)
        if len(self._vouched) > MAX_VOUCHED:
            self._vouched.popitem(last=False)

    async def _vouch(self, token: str) -> Vouched:
        asked_at = now_ms()
        told = await self._ask(self._source().access(token), ASK_S)
        user = await self._sign_in(told)
        own = await self._ask(_list_own(self._source(), token), LIST_S)
        before = await self._find(user)
        sealed = None
        if told.writes or before is None or before.token is None:
            sealed = await _seal(self._services.settings, self.name, user, token)
        await self._keep(user, told, own, sealed, asked_at)
        return Vouched(user, WRITING if told.writes else READING, asked_at + self._ttl_s * 1000)

    async def _sign_in(self, told: Account) -> int:
        """Return the key of the account of a source's user, as at a sign-in.

        Raises Unauthenticated where it is blocked here.
        """
        issuer = self.name.partition(":")[2]
        claims = identity.Claims(told.name, told.display_name, told.email, bool(told.email))
        db = self._services.db
        key = await db.read(identity.find_external, issuer, told.id, claims)
        return key or (await db.write(identity.sign_in_external, issuer, told.id, claims)).key

    async def keep_fresh(self, user: int) -> int | None:
        """Ask the source what an account may do there, if that is due, and return when (ms) it is due again.

        None stands for an account that the source is not asked about: it does not know it, or gave no token.
        """
        arrived, known = time.monotonic(), await self._find(user)
        if known is None or known.token is None:
            return None
        if self._is_due(known):
            async with self._lock(user):
                if self._asked.get(user, float("-inf")) < arrived:
                    return await self._refresh(user)
            known = await self._find(user)
        return None if known is None else self._due(known)

    async def _refresh(self, user: int) -> int | None:
        """Ask about an account with its own token; where the source does not answer, what it said counts no more."""
        known = await self._find(user)
        if known is None or known.token is None or not self._is_due(known):
            return None if known is None or known.token is None else self._due(known)
        began, asked_at = time.monotonic(), now_ms()
        try:
            told, own = await self._ask_about(known)
            await self._keep(user, told, own, None, asked_at)
        except Unauthenticated as error:
            log.info("source_access_ended", source=self.name, user=user, reason=error.message)
            await self._services.db.write(store.close_account, known.source, user, forget=True)
            return None
        except MainspringError as error:
            log.warning("source_not_asked", source=self.name, user=user, error=error.message)
            await self._services.db.write(store.close_account, known.source, user, forget=False)
            return now_ms() + int(AWAY_S * 1000)
        if len(self._asked) >= MAX_VOUCHED:
            self._asked.clear()
        self._asked[user] = began
        return asked_at + self._ttl_s * 1000

    async def _ask_about(self, known: SourceAccount) -> tuple[Account, list[SourceProject]]:
        """Return what the source says of an account; where its token has ended, to a new one of its session."""
        token = await _unseal(self._services.settings, self.name, known)
        try:
            return await self._ask_with(token)
        except Unauthenticated:
            renewed = await identity.renew_provider_token(self._services, known.user, self.name.partition(":")[2])
            if renewed is None:
                raise
        return await self._ask_with(renewed)

    async def _ask_with(self, token: str) -> tuple[Account, list[SourceProject]]:
        told = await self._ask(self._source().access(token), ASK_S)
        return told, await self._ask(_list_own(self._source(), token), LIST_S)

    async def _keep(
        self, user: int, told: Account, own: Sequence[SourceProject], sealed: bytes | None, asked_at: int
    ) -> None:
        good_until = asked_at + max(self._ttl_s * 1000, SLACK_MS)
        said = SourceAccount(0, user, told.inside, asked_at, good_until, sealed)
        await self._services.db.write(keep_access, self.name, said, own)

    async def _find(self, user: int) -> SourceAccount | None:
        return await self._services.db.read(store.find_source_account, user, self.name)

    def _is_due(self, known: SourceAccount) -> bool:
        return min(self._due(known), known.good_until) <= now_ms()

    def _due(self, known: SourceAccount) -> int:
        return known.asked_at + self._ttl_s * 1000

    def _is_fresh(self, began: float, arrived: float) -> bool:
        """Say whether what was asked since ``began`` is believed by who has ``arrived`` then."""
        return began + self._ttl_s > time.monotonic() or began >= arrived

    def _source(self) -> Source:
        found = self._services.sources.get(self.name)
        if found is None:
            raise Unavailable(f"{self.name} is not open.", retry_after=AWAY_S)
        return found

    async def _ask(self, question: Coroutine[Any, Any, T], seconds: float) -> T:
        """Return an answer of the source.

        Raises Unavailable where it takes too long, and a while after that at once, PermissionDenied never: a token
        that may not ask is no good.
        """
        if time.monotonic() < self._away_until:
            question.close()
            raise Unavailable("GitLab was away a moment ago.", retry_after=AWAY_S)
        try:
            async with asyncio.timeout(seconds):
                return await question
        except PermissionDenied as error:
            raise Unauthenticated(error.message) from error
        except TimeoutError as error:
            self._away_until = time.monotonic() + AWAY_S
            raise Unavailable(f"GitLab has not answered for {seconds:g} s.", retry_after=AWAY_S) from error

    @asynccontextmanager
    async def _lock(self, key: object) -> AsyncIterator[None]:
        """Hold back others that ask about the same."""
        lock = self._locks.setdefault(key, asyncio.Lock())
        async with lock:
            yield


async def _list_own(source: Source, token: str) -> list[SourceProject]:
    return [project async for page in source.list_own(token) for project in page]


def keep_access(tx: Connection, name: str, said: SourceAccount, own: Sequence[SourceProject]) -> None:
    """Keep what a source said of an account, and its levels in the projects that are known here.

    ``said.token`` None leaves the one that is kept; ``said.source`` is looked up by its name. What was asked before
    what is kept is dropped.
    """
    source = know_source(tx, name)
    known = store.find_source_account(tx, said.user, name, hold=True)
    if known is not None and known.asked_at > said.asked_at:
        return  # another process has asked later, and was faster
    for hook in _on_seen:
        hook(tx, source, own)
    mirrored = origins.find_origins(tx, source.key, [each.id for each in own])
    levels = {
        mirrored[each.id].project: int(each.level)
        for each in own
        if each.id in mirrored and each.level is not None and each.level > Level.MINIMAL
    }
    held = store.levels_of(tx, source.key, said.user)
    token = said.token or (known.token if known else None)
    store.set_source_account(tx, replace(said, source=source.key, token=token))
    store.set_levels(tx, source.key, said.user, held, levels)
    was = None if known is None else (known.inside, known.token is None)
    if was != (said.inside, token is None) or held != levels:
        identity.change_access(tx)


async def keep_token(services: Services, user: int, issuer: str, token: str) -> None:
    """Keep the token with which an account has just signed in: by it the source is asked at the next request."""
    name = source_of_sign_ins(services.settings)
    if name != f"gitlab:{issuer}":
        return
    sealed = await _seal(services.settings, name, user, token)
    await services.db.write(_keep_token, name, user, sealed)


def _keep_token(tx: Connection, name: str, user: int, sealed: bytes) -> None:
    known = store.find_source_account(tx, user, name, hold=True)
    if known is None:
        known = SourceAccount(know_source(tx, name).key, user, inside=False, asked_at=0, good_until=0, token=None)
    store.set_source_account(tx, replace(known, token=sealed))
    if known.token is None:
        identity.change_access(tx)  # whoever remembers the account asks about it from now on


async def token_of(services: Services, actor: Actor) -> str | None:
    """Return the actor's own token at the source by which people sign in, None where there is none."""
    name = source_of_sign_ins(services.settings)
    if not name or actor.key is None:
        return None
    known = await services.db.read(store.find_source_account, actor.key, name)
    return None if known is None or known.token is None else await _opened(services.settings, name, known)


def has_token(tx: Connection, actor: Actor, name: str) -> bool:
    """Say whether an actor's own token of a source is kept here."""
    known = None if not name or actor.key is None else store.find_source_account(tx, actor.key, name)
    return known is not None and known.token is not None


async def token_of_member(services: Services, project: int) -> str | None:
    """Return a good token of somebody who reads the files of a project where it is kept, None where there is none.

    ``project`` is the project's key.
    """
    return await _good_token(services, lambda tx: store.find_tokens(tx, project, Level.REPORTER, TRIED))


async def token_of_inside(services: Services) -> str | None:
    """Return a good token of somebody who is shown internal projects at the source by which people sign in."""
    name = source_of_sign_ins(services.settings)
    return await _good_token(services, lambda tx: store.find_inside(tx, name, TRIED), inside=True)


def last_inside(tx: Connection, name: str) -> int:
    """Return when (ms) a source was last asked about somebody whom it shows internal projects, 0 for never."""
    return max((each.asked_at for each in store.find_inside(tx, name, 1)), default=0)


async def _good_token(
    services: Services, find: Callable[[Connection], Sequence[SourceAccount]], *, inside: bool = False
) -> str | None:
    """Return the first token of some accounts that is good still, of one who is ``inside`` still where that is said."""
    name = source_of_sign_ins(services.settings)
    source = services.sources.get(name)
    if source is None:
        return None
    for known in await services.db.read(find):
        token = await _opened(services.settings, name, known)
        if token is None:
            continue
        try:
            told = await source.access(token)
        except (Unauthenticated, PermissionDenied, NotFound):
            continue
        if told.inside or not inside:
            return token
    return None


async def _seal(settings: Settings, source: str, user: int, token: str) -> bytes:
    return await identity.seal(settings, token.encode(), _context(source, user))


async def _opened(settings: Settings, source: str, known: SourceAccount) -> str | None:
    """Return a token that is kept, None for one that no key opens any more."""
    try:
        return await _unseal(settings, source, known)
    except Internal as error:
        log.error("source_token_unreadable", source=source, user=known.user, error=error.message)
        return None


async def _unseal(settings: Settings, source: str, known: SourceAccount) -> str:
    content = await identity.unseal(settings, known.token or b"", _context(source, known.user))
    return content.decode()


def _context(source: str, user: int) -> str:
    return f"token of account {user} at {source}"


identity.register_tokens(keep_token)
