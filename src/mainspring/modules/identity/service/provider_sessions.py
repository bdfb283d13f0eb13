"""Sessions by identity providers: begun by a sign-in there, ended when the provider no longer vouches for them."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import structlog
from sqlalchemy import Connection

from mainspring.kit.actors import NOBODY, SYSTEM, Actor
from mainspring.kit.context import client_address
from mainspring.kit.errors import InvalidArgument, MainspringError, Unauthenticated, Unavailable
from mainspring.kit.events import Event, publish
from mainspring.kit.time import now_ms
from mainspring.modules.identity.schemas import SessionDetails
from mainspring.modules.identity.service import sealing
from mainspring.modules.identity.service.acts import note
from mainspring.modules.identity.service.claims import TokenClaims, groups_of, is_id, text_at
from mainspring.modules.identity.service.credentials import change_access, find_credential
from mainspring.modules.identity.service.external import Claims, sign_in_external
from mainspring.modules.identity.service.handshakes import LIFE_S, Handshake
from mainspring.modules.identity.service.provider_tokens import keep_token
from mainspring.modules.identity.service.providers import find_provider, providers_of
from mainspring.modules.identity.service.sessions import MAX_AGENT, begin_session
from mainspring.modules.identity.store import credentials
from mainspring.modules.identity.store import providers as store
from mainspring.modules.identity.store.providers import ProviderSession
from mainspring.modules.services import Services
from mainspring.settings import Settings

if TYPE_CHECKING:
    from mainspring.modules.identity.service.oidc import Provider, Tokens

TOGETHER = 20
RETRY_MS = 60_000
REPLAY_MS = 900_000
"""How long a logout token is remembered: longer than it is good."""
UNTOLD_S = 300.0
SOONEST_S = 1.0

log = structlog.get_logger(__name__)


class _Kept(msgspec.Struct, array_like=True):
    """What is kept of a provider's tokens, encrypted."""

    refresh_token: str | None
    id_token: str | None


async def finish_sign_in(
    services: Services, before: Actor, handshake: Handshake, code: str, redirect_uri: str, user_agent: str
) -> str:
    """Begin a session of the user whom a provider's authorization code is for, and return its cookie's value.

    ``before`` is who asked so far in that browser. Raises Unauthenticated where anything about it is wrong, and
    Unavailable while the provider is away.
    """
    try:
        return await _finish(services, before, handshake, code, redirect_uri, user_agent)
    except Unauthenticated:
        await services.db.write(_note_refusal)
        raise


async def _finish(
    services: Services, before: Actor, handshake: Handshake, code: str, redirect_uri: str, user_agent: str
) -> str:
    provider = find_provider(services.settings, handshake.provider)
    if not await services.db.write(store.spend, handshake.digest, now_ms() + 2 * LIFE_S * 1000):
        raise Unauthenticated("This sign-in was used before: begin anew.")
    tokens = await provider.exchange(code, handshake.verifier, redirect_uri)
    told = await provider.verify_id_token(tokens, handshake.nonce)
    told = await provider.describe(tokens, told)
    issuer, subject = provider.client.issuer, told["sub"]
    kept, now, sid = _Kept(tokens.refresh_token, tokens.id_token), now_ms(), told.get("sid")
    session = ProviderSession(
        0,
        handshake.provider,
        issuer,
        subject,
        sid if is_id(sid) else None,
        await _seal(services.settings, issuer, subject, kept),
        now,
        _refresh_at(kept, tokens, now),
    )
    details = SessionDetails(client_address.get(), user_agent[:MAX_AGENT], handshake.provider)
    claims = _claims(services.settings, handshake.provider, told)
    begun = await services.db.write(_begin, session, claims, details, services.settings.session_days, before)
    await keep_token(services, begun.user, issuer, tokens.access_token)
    return begun.cookie


async def refresh_sessions(services: Services) -> bool:
    """Ask the providers about some sessions whose time has come, and say whether more wait."""
    due = await services.db.read(store.find_due, now_ms(), TOGETHER)
    await asyncio.gather(*(_refresh(services, session) for session in due))
    return len(due) == TOGETHER


async def end_by_provider(services: Services, name: str, logout_token: str) -> None:
    """End the sessions that a provider's logout token names (Back-Channel Logout 1.0).

    Raises Unauthenticated for a token that is not believed, InvalidArgument for one that came before, Unavailable.
    """
    provider = find_provider(services.settings, name)
    claims = await provider.verify_logout_token(logout_token)
    digest = hashlib.sha256(f"logout\0{provider.client.issuer}\0{claims['jti']}".encode()).digest()
    await services.db.write(_end_named, provider.client.issuer, claims, digest, now_ms() + REPLAY_MS)


async def logout_url(services: Services, actor: Actor, back_to: str) -> str | None:
    """Return where the browser of who asks ends its session at the provider too, None where there is nothing to end."""
    if actor.credential is None:
        return None
    session = await services.db.read(store.find_provider_session, actor.credential)
    provider = providers_of(services.settings).get(session.provider) if session else None
    if session is None or provider is None:
        return None
    try:
        kept = await _unseal(services.settings, session)
        return await provider.logout_url(kept.id_token or "", back_to)
    except MainspringError as error:
        log.warning("provider_logout_failed", provider=session.provider, error=error.message)
        return None


def _note_refusal(tx: Connection) -> None:
    publish(tx, Event("session.create", "", NOBODY, None, allowed=False))


class _Begun(NamedTuple):
    """A session that has begun, and the key of its account."""

    cookie: str
    user: int


def _begin(
    tx: Connection, session: ProviderSession, claims: Claims, details: SessionDetails, idle_days: int, before: Actor
) -> _Begun:
    account = sign_in_external(tx, session.issuer, session.subject, claims)
    cookie = begin_session(tx, account.key, details, idle_days, before)
    credential = find_credential(tx, cookie)
    assert credential is not None
    store.insert_provider_session(tx, replace(session, credential=credential.key))
    return _Begun(cookie, account.key)


async def renew_provider_token(services: Services, user: int, issuer: str) -> str | None:
    """Return a new access token of an account at a provider, by one of its sessions; None where it has none.

    Raises Unauthenticated where the provider does not vouch for that session any more, which ends it, and Unavailable.
    """
    session = await services.db.read(store.find_renewable, user, issuer, now_ms())
    if session is None:
        return None
    if not await services.db.write(store.claim_refresh, session, now_ms() + RETRY_MS):
        raise Unavailable("This session is being renewed.", retry_after=1)
    return await _renewed(services, session)


async def _refresh(services: Services, session: ProviderSession) -> None:
    """Ask the provider whether it still vouches for a session; while it is away the session stays."""
    if not await services.db.write(store.claim_refresh, session, now_ms() + RETRY_MS):
        return
    try:
        await _renewed(services, session)
    except Unauthenticated as error:
        log.info("session_ended", provider=session.provider, reason=error.message)
    except MainspringError as error:
        log.warning("session_not_refreshed", provider=session.provider, error=error.message)


async def _renewed(services: Services, session: ProviderSession) -> str:
    """Renew a session that is claimed, and return its access token. Raises Unauthenticated where that ends it."""
    try:
        renewed = await _ask_again(services.settings, session)
        user = await services.db.write(_renew, renewed.session, renewed.claims)
    except Unauthenticated:
        await services.db.write(_end, [session.credential])
        raise
    await keep_token(services, user, session.issuer, renewed.access_token)
    return renewed.access_token


class _Renewed(NamedTuple):
    """A session with new tokens, and what the provider now says."""

    session: ProviderSession
    claims: Claims
    access_token: str


async def _ask_again(settings: Settings, session: ProviderSession) -> _Renewed:
    """Return a session with new tokens, and what the provider now says. Raises Unauthenticated where it says no."""
    provider = providers_of(settings).get(session.provider)
    if provider is None or provider.client.issuer != session.issuer:
        raise Unauthenticated("This server does not sign in by that provider any more.")
    kept = await _unseal(settings, session)
    tokens = await provider.refresh(kept.refresh_token or "")
    told = await _told_again(provider, tokens, session.subject)
    now = now_ms()
    kept = _Kept(tokens.refresh_token or kept.refresh_token, tokens.id_token or kept.id_token)
    sealed = await _seal(settings, session.issuer, session.subject, kept)
    renewed = replace(session, tokens=sealed, asked_at=now, refresh_at=_refresh_at(kept, tokens, now))
    return _Renewed(renewed, _claims(settings, session.provider, told), tokens.access_token)


async def _told_again(provider: Provider, tokens: Tokens, subject: str) -> TokenClaims:
    """Return the claims that come with refreshed tokens; an ID token among them must be of the same subject."""
    if tokens.id_token is None:
        return await provider.describe(tokens, {"sub": subject})
    told = await provider.verify_id_token(tokens, None)
    if told["sub"] != subject:
        raise Unauthenticated("The identity provider refreshed the session of somebody else.")
    return await provider.describe(tokens, told)


def _renew(tx: Connection, session: ProviderSession, claims: Claims) -> int:
    """Keep new tokens, bring the account to what the provider says, and return its key.

    Raises Unauthenticated where it is blocked.
    """
    account = sign_in_external(tx, session.issuer, session.subject, claims)
    store.update_tokens(tx, session.credential, session.tokens, session.asked_at, session.refresh_at)
    return account.key


def _end_named(tx: Connection, issuer: str, claims: TokenClaims, digest: bytes, until: int) -> None:
    if not store.spend(tx, digest, until):
        raise InvalidArgument("This logout token came before.", field="logout_token")
    sid = claims.get("sid")
    _end(tx, store.find_sessions(tx, issuer, sid if is_id(sid) else None, claims.get("sub")))


def _end(tx: Connection, keys: list[int]) -> None:
    """End sessions at once, and forget the provider's tokens."""
    now = now_ms()
    for key in keys:
        record = credentials.get_record(tx, key, now)
        if record is not None:
            note(tx, SYSTEM, "session.delete", record.account)
        store.delete_provider_session(tx, key)
    credentials.revoke(tx, keys, now)
    change_access(tx)


def _claims(settings: Settings, provider: str, told: TokenClaims) -> Claims:
    """Return what a provider says in the words that accounts know; what is of another type was not said."""
    groups = groups_of(told, settings.oidc_groups_claim if provider == "oidc" else "groups")
    decides = provider == "oidc" and settings.oidc_admin_group
    return Claims(
        text_at(told, "preferred_username", "nickname"),
        text_at(told, "name"),
        text_at(told, "email"),
        told.get("email_verified") is True,
        groups,
        settings.oidc_admin_group in groups if decides else None,
    )


def _refresh_at(kept: _Kept, tokens: Tokens, now: int) -> int | None:
    """Return when the provider is asked again: when its access token has ended, if it gave what to ask with."""
    if not kept.refresh_token:
        return None
    return now + int(max(tokens.expires_in or UNTOLD_S, SOONEST_S) * 1000)


async def _seal(settings: Settings, issuer: str, subject: str, kept: _Kept) -> bytes:
    return await sealing.seal(settings, msgspec.msgpack.encode(kept), _context(issuer, subject))


async def _unseal(settings: Settings, session: ProviderSession) -> _Kept:
    content = await sealing.unseal(settings, session.tokens, _context(session.issuer, session.subject))
    return msgspec.msgpack.decode(content, type=_Kept)


def _context(issuer: str, subject: str) -> str:
    return f"tokens of {subject} at {issuer}"
