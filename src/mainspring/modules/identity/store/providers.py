"""SQL of sessions that identity providers vouch for, and of what is good once."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import Connection, delete, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from mainspring.modules.identity.tables import credentials, provider_sessions, spent_tokens


@dataclass(frozen=True, slots=True)
class ProviderSession:
    """A session that an identity provider vouches for. ``tokens`` are encrypted; times are in ms."""

    credential: int
    provider: str
    issuer: str
    subject: str
    sid: str | None
    tokens: bytes = field(repr=False)
    asked_at: int
    refresh_at: int | None


def insert_provider_session(tx: Connection, new: ProviderSession) -> None:
    """Store what a provider said of a session."""
    values = {
        "credential": new.credential,
        "provider": new.provider,
        "issuer": new.issuer,
        "subject": new.subject,
        "sid": new.sid,
        "tokens": new.tokens,
        "asked_at": new.asked_at,
        "refresh_at": new.refresh_at,
    }
    tx.execute(insert(provider_sessions).values(values))


def find_provider_session(tx: Connection, credential: int) -> ProviderSession | None:
    """Return what a provider said of a session, None where none vouches for it."""
    row = tx.execute(select(provider_sessions).where(provider_sessions.c.credential == credential)).one_or_none()
    return None if row is None else ProviderSession(*row)


def find_due(tx: Connection, now: int, limit: int) -> list[ProviderSession]:
    """Return sessions whose provider is to be asked again at ``now`` (ms), those that are longest due first.

    Nobody is asked about a session that was not used since: the provider would take it for one that is.
    """
    used = func.coalesce(credentials.c.last_used_at, credentials.c.created_at) >= provider_sessions.c.asked_at
    good = (credentials.c.revoked_at.is_(None), or_(credentials.c.expires_at.is_(None), credentials.c.expires_at > now))
    due = select(provider_sessions).join(credentials).where(provider_sessions.c.refresh_at <= now, used, *good)
    return [ProviderSession(*row) for row in tx.execute(due.order_by(provider_sessions.c.refresh_at).limit(limit))]


def find_renewable(tx: Connection, user: int, issuer: str, now: int) -> ProviderSession | None:
    """Return the session of an account that a provider vouches for and was asked about last, or None."""
    good = (credentials.c.revoked_at.is_(None), or_(credentials.c.expires_at.is_(None), credentials.c.expires_at > now))
    mine = (credentials.c.user == user, provider_sessions.c.issuer == issuer)
    asked = (*mine, *good, provider_sessions.c.refresh_at.is_not(None))
    found = select(provider_sessions).join(credentials).where(*asked)
    row = tx.execute(found.order_by(provider_sessions.c.asked_at.desc()).limit(1)).one_or_none()
    return None if row is None else ProviderSession(*row)


def claim_refresh(tx: Connection, session: ProviderSession, until: int) -> bool:
    """Put off the next refresh of a session to ``until``; say whether nobody else had done so."""
    same = (provider_sessions.c.credential == session.credential, provider_sessions.c.refresh_at == session.refresh_at)
    return tx.execute(update(provider_sessions).where(*same).values(refresh_at=until)).rowcount == 1


def update_tokens(tx: Connection, credential: int, tokens: bytes, asked_at: int, refresh_at: int | None) -> None:
    """Set a session's tokens, and when its provider was asked and is asked again."""
    mine = provider_sessions.c.credential == credential
    values = {"tokens": tokens, "asked_at": asked_at, "refresh_at": refresh_at}
    tx.execute(update(provider_sessions).where(mine).values(values))


def delete_provider_session(tx: Connection, credential: int) -> None:
    """Forget what a provider said of a session, its tokens too."""
    tx.execute(delete(provider_sessions).where(provider_sessions.c.credential == credential))


def delete_ended(tx: Connection, now: int) -> int:
    """Forget what providers said of sessions that have ended, their tokens too; return of how many."""
    ended = or_(credentials.c.revoked_at.is_not(None), credentials.c.expires_at <= now)
    keys = select(provider_sessions.c.credential).join(credentials).where(ended)
    return tx.execute(delete(provider_sessions).where(provider_sessions.c.credential.in_(keys))).rowcount


def find_sessions(tx: Connection, issuer: str, sid: str | None, subject: str | None) -> list[int]:
    """Return the credentials of sessions by their name at the provider, or of all of a subject where that is None."""
    table = provider_sessions
    named = table.c.sid == sid if sid is not None else table.c.subject == subject
    found = select(table.c.credential).join(credentials)
    return list(tx.execute(found.where(table.c.issuer == issuer, named, credentials.c.revoked_at.is_(None))).scalars())


def spend(tx: Connection, digest: bytes, expires_at: int) -> bool:
    """Note that what is good once is used; say whether it had not been. It is remembered until ``expires_at`` (ms)."""
    try:
        with tx.begin_nested():
            tx.execute(insert(spent_tokens).values(digest=digest, expires_at=expires_at))
    except IntegrityError:
        return False
    return True


def delete_spent(tx: Connection, before: int) -> int:
    """Forget what ended before that time; return how much."""
    return tx.execute(delete(spent_tokens).where(spent_tokens.c.expires_at < before)).rowcount
