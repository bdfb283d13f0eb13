"""Who asks, and in which project: found out once for a credential and a project, and again when access changes.

What was found is believed as long as no access has changed since, by the database's epoch. That is looked at
when the last look is older than ``LEASE_S``; while requests come one after the other it is looked at a little before,
so that none of them waits. Whoever changes access is answered after that time where other processes share the
database: then none of them goes by the old state any more, and in between no message was sent.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import time
from dataclasses import dataclass, replace
from http.cookies import CookieError, SimpleCookie

import structlog
from sqlalchemy import Connection

from mainspring.kit.actors import LOCAL, NOBODY, Actor
from mainspring.kit.context import client_address
from mainspring.kit.errors import MainspringError, NotFound, PermissionDenied, Unauthenticated
from mainspring.kit.http import Request
from mainspring.kit.sql_engines import embedded_file
from mainspring.kit.time import now_ms
from mainspring.modules.audit import service as audit
from mainspring.modules.identity import service as identity
from mainspring.modules.identity.service import Account, Credential
from mainspring.modules.projects import service as projects
from mainspring.modules.projects.service import Place, SourceAccess, Vouched
from mainspring.modules.services import Services
from mainspring.server.project_urls import PROJECT

log = structlog.get_logger(__name__)

LEASE_S = 0.05
LOOK_AGAIN_S = 0.04
MAX_KNOWN = 20_000
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
WORKSPACE = b"x-mlflow-workspace"
WEBHOOK = b"x-gitlab-event"
TOKEN_HEADERS = (b"private-token", b"x-gitlab-token")
"""Headers in which GitLab's own clients, and SharingHub's, send a token of GitLab."""
TOKEN_NAMES = frozenset({"oauth2", "private-token"})
GITLAB_PREFIX = "glpat-"
"""What marks the password of a Basic authorization as a token of GitLab: nobody's password is shown to it."""
ACTOR, REFUSED = "mainspring.actor", "mainspring.refused"

_Key = tuple[bytes, str, str]


@dataclass(frozen=True, slots=True)
class _Known:
    """An actor, the epoch at which it was found, and until when (ms) its credential and its roles are good.

    Roles by the place where projects are kept are good until that is due to be asked again.
    """

    actor: Actor
    epoch: int
    until: int | None


@dataclass(frozen=True, slots=True)
class _Look:
    """A look at the epoch, and when it began, by ``time.monotonic``."""

    began: float
    epoch: asyncio.Task[int]


@dataclass(frozen=True, slots=True)
class _Claim:
    """What a request says of who asks: a token (API key, run token, or a session's cookie), or a name and password.

    ``foreign`` is a token that can only be GitLab's.
    """

    token: str = ""
    name: str = ""
    password: str = ""
    foreign: str = ""


class Access:
    """What a server process knows of who asks."""

    def __init__(self, services: Services) -> None:
        self._db, settings = services.db, services.settings
        self._open = settings.resolved_auth == "off"
        self._public_read = settings.public_read
        self._usage = identity.Usage(self._db, settings.session_days)
        self._shared = embedded_file(self._db.url) is None
        self._source = SourceAccess(services) if projects.source_of_sign_ins(settings) else None
        self._known: dict[_Key, _Known] = {}
        self._epoch = 0
        self._looked_at = -LEASE_S
        self._look: _Look | None = None
        self._leased: dict[tuple[str, str, str], Actor] = {}

    async def find(self, request: Request) -> Actor:
        """Return who asks. Raises Unauthenticated, NotFound for a project that is not there, RateLimited."""
        known: Actor | None = request.scope.get(ACTOR)
        if known is None:
            if REFUSED in request.scope:
                raise request.scope[REFUSED]
            known = await self._find(request)
            request.scope[ACTOR] = known
        return known

    async def find_counted(self, request: Request) -> Actor:
        """Return with whose requests this one is counted: nobody's, where it is not known whose it is."""
        try:
            return await self.find(request)
        except (Unauthenticated, NotFound, PermissionDenied) as error:
            request.scope[REFUSED] = error  # a password that was wrong is not verified, and counted, once more
            return NOBODY

    async def _find(self, request: Request) -> Actor:
        path, workspace = request.scope.get(PROJECT, ""), request.header(WORKSPACE) or ""
        if self._open and not path and not workspace:
            return LOCAL
        given, age = request.header(b"authorization"), time.monotonic() - self._looked_at
        if given is not None and age <= LEASE_S and (leased := self._leased.get((given, path, workspace))):
            if age > LOOK_AGAIN_S:
                self._begin_look()
            return leased
        secret = b"" if self._open else _secret(request, gitlab=self._source is not None)
        key = (hashlib.sha256(secret).digest() if secret else b"", path, workspace)
        if time.monotonic() - self._looked_at > LEASE_S:
            await self._learn_epoch()
        found = self._known.get(key)
        if found is None or found.epoch != self._epoch or (found.until is not None and found.until <= now_ms()):
            found = await self._ask(_claim(secret, gitlab=self._source is not None), Place(path, workspace))
            self._keep(key, found)
        if found.actor.credential is not None:
            self._usage.note(found.actor.credential)
        if given is not None and self._holds_a_lease(found):
            self._leased[given, path, workspace] = found.actor
        return found.actor

    def _holds_a_lease(self, found: _Known) -> bool:
        """Return whether what was found holds until the epoch is looked at again, unless access changes."""
        return found.epoch == self._epoch and (found.until is None or found.until > now_ms() + LEASE_S * 1000)

    async def _learn_epoch(self) -> None:
        """Look at the epoch, together with all who want to at this moment: they go on together, and write together."""
        await asyncio.shield(self._begin_look().epoch)

    def _begin_look(self) -> _Look:
        """Return the look that is under way, begun now where there is none."""
        look, now = self._look, time.monotonic()
        if look is None or now - look.began > LEASE_S:
            look = _Look(now, asyncio.create_task(self._db.look_up_undeferred(identity.current_epoch)))
            look.epoch.add_done_callback(lambda _: self._end_look(look))
            self._look = look
        return look

    def _end_look(self, look: _Look) -> None:
        """Go by what a look found, unless access has changed meanwhile; who waits for it is told after that."""
        failed = look.epoch.cancelled() or look.epoch.exception() is not None
        if look is not self._look:
            return
        self._look = None
        if not failed:
            self._epoch, self._looked_at, self._leased = look.epoch.result(), look.began, {}

    async def _ask(self, claim: _Claim, place: Place) -> _Known:
        epoch = self._epoch
        if self._open:
            return _Known(await self._db.read(projects.enter_open, place), epoch, None)
        if claim.foreign and self._source is not None:
            return await self._ask_elsewhere(self._source, claim.foreign, place)
        account = None
        if claim.name:
            account = await identity.verify_password(self._db, claim.name, claim.password, client_address.get())
        if self._source is None:
            return _Known(*await self._db.read(_enter, claim.token, account, place, self._public_read, epoch))
        return await self._ask_of_member(self._source, claim.token, account, place)

    async def _ask_elsewhere(self, source: SourceAccess, token: str, place: Place) -> _Known:
        """Return who asks with a token of the place where projects are kept."""
        epoch, vouched = self._epoch, await source.vouch(token)
        actor = await self._db.read(_enter_vouched, vouched, place, self._public_read)
        return _Known(actor, epoch, _first(vouched.due, actor.until))

    async def _ask_of_member(self, source: SourceAccess, token: str, account: Account | None, place: Place) -> _Known:
        """Return who asks; what they may do where projects are kept elsewhere is asked there before, if that is due."""
        epoch = self._epoch
        credential = await self._db.read(_find_credential, token) if token else None
        account = credential.account if credential else account
        due = None if account is None else await source.keep_fresh(account.key)
        found = await self._db.read(_enter, token, account, place, self._public_read, epoch)
        return _Known(found[0], found[1], _first(found[2], due))

    def _keep(self, key: _Key, found: _Known) -> None:
        if len(self._known) >= MAX_KNOWN:
            self._known.clear()
        self._known[key] = found

    async def note_denied(self, request: Request, path: str) -> None:
        """Put a request that was refused into the audit log, where it is known who asked."""
        actor: Actor | None = request.scope.get(ACTOR)
        if actor is None or actor.key is None:
            return
        reason = "Permission denied."
        try:
            await self._db.write(audit.record_denied, actor, request.method, path, reason, actor.project)
        except MainspringError as error:
            log.error("denial_not_recorded", path=path, error=error.message)

    async def settle_change(self) -> None:
        """Return when no process goes by what was before a change of access that this one has just committed."""
        self._looked_at, self._look, self._leased = -LEASE_S, None, {}  # what is being looked at may be of before
        if self._shared:
            await asyncio.sleep(LEASE_S)


def _enter(
    tx: Connection, token: str, account: Account | None, place: Place, public_read: bool, epoch: int
) -> tuple[Actor, int, int | None]:
    """Return who acts, the epoch, and until when that holds."""
    credential = _find_credential(tx, token) if token else None
    if credential is not None:
        account = credential.account
    actor = replace(projects.enter(tx, account, credential, place, public_read), memory={})
    return actor, epoch, _first(actor.until, credential.expires_at if credential else None)


def _find_credential(tx: Connection, token: str) -> Credential:
    credential = identity.find_credential(tx, token)
    if credential is None:
        raise Unauthenticated("This token or session is not good: it may have ended, or been revoked.")
    return credential


def _enter_vouched(tx: Connection, vouched: Vouched, place: Place, public_read: bool) -> Actor:
    """Return who acts with a token of the place where projects are kept.

    Raises Unauthenticated for an account that is blocked here.
    """
    account = identity.get_account(tx, vouched.user)
    if account is None:
        raise Unauthenticated("This account is blocked.")
    return replace(projects.enter(tx, account, None, place, public_read, vouched.limits), memory={})


def _first(*ends: int | None) -> int | None:
    """Return the earliest of some times, None where there is none."""
    return min((end for end in ends if end is not None), default=None)


def _secret(request: Request, *, gitlab: bool) -> bytes:
    """Return what a request brings to prove who asks: its Authorization, else the cookie of a session, else nothing.

    Where ``gitlab`` vouches for people, its own clients' headers are taken too; its webhooks bring another secret.
    """
    given = request.header(b"authorization")
    if given is not None:
        return given.encode("latin-1")
    if gitlab and request.header(WEBHOOK) is None:
        for name in TOKEN_HEADERS:
            if token := request.header(name):
                return f"Bearer {token}".encode("latin-1")
    cookie = session_cookie(request)
    if cookie and request.method not in SAFE:
        check_same_origin(request)
    return f"Session {cookie}".encode("latin-1") if cookie else b""


def session_cookie(request: Request) -> str:
    """Return the value of the session's cookie, empty where there is none."""
    header = request.header(b"cookie")
    if not header:
        return ""
    name = identity.SECURE_COOKIE if request.scope["scheme"] == "https" else identity.COOKIE
    try:
        morsel = SimpleCookie(header).get(name)
    except CookieError:
        return ""
    return morsel.value if morsel else ""


def check_same_origin(request: Request) -> None:
    """Refuse a request that a page of another site may have made a browser send, with its cookies.

    Browsers say where a request comes from; one that brings a cookie and does not say so is not believed.
    """
    site, origin = request.header(b"sec-fetch-site"), request.header(b"origin")
    if site in ("same-origin", "none") or (site is None and origin == request.origin):
        return
    raise PermissionDenied("This request comes from another site, or does not say where from (Origin): refused.")


def _claim(secret: bytes, *, gitlab: bool) -> _Claim:
    """Return what a request claims. Raises Unauthenticated for what cannot be read.

    A token that is none of ours is taken for GitLab's where ``gitlab`` vouches for people.
    """
    scheme, _, value = secret.decode("latin-1").partition(" ")
    scheme, value = scheme.lower(), value.strip()
    if not secret:
        return _Claim()
    if scheme in ("bearer", "session") and value:
        ours = scheme == "session" or identity.is_token(value) or value.startswith(identity.SESSION_PREFIX)
        return _Claim(token=value) if ours or not gitlab else _Claim(foreign=value)
    if scheme != "basic":
        raise Unauthenticated("The Authorization must be 'Bearer <token>' or 'Basic <name and password>'.")
    try:
        name, colon, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, ValueError) as error:
        raise Unauthenticated("The Authorization is no base64 of name:password.") from error
    for text in (password, name):
        if identity.is_token(text):
            return _Claim(token=text)
        if gitlab and text.startswith(GITLAB_PREFIX):
            return _Claim(foreign=text)
    if not colon or not name:
        raise Unauthenticated("The Authorization has no name and password.")
    if gitlab and password and name in TOKEN_NAMES:
        return _Claim(foreign=password)
    return _Claim(name=name, password=password)
