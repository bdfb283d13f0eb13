"""Tables of identity.

Secrets are never stored: a credential is found by the SHA-256 of its random text, a password is verified by
its argon2id hash. Times are milliseconds since the epoch, UTC.
"""

import secrets
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    event,
)

from mainspring.db.schema import Key, metadata
from mainspring.kit.time import now_ms

users = Table(
    "users",
    metadata,
    Column("id", Key, primary_key=True),
    Column("name", String(100), nullable=False, unique=True),
    Column("display_name", String(200), nullable=False),
    Column("email", String(320), nullable=False),
    Column("kind", String(10), nullable=False),
    Column("is_admin", Boolean, nullable=False),
    Column("blocked", Boolean, nullable=False),
    Column("password_hash", Text),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("last_seen_at", BigInteger),
    Column("deleted_at", BigInteger),
)
"""Accounts of people (``kind = user``) and of programs (``kind = service``). Names are in lower case.

A deleted account keeps its row and its name: what it did is not put down to whoever would take the name next.
"""

external_accounts = Table(
    "external_accounts",
    metadata,
    Column("issuer", String(500), primary_key=True),
    Column("subject", String(255), primary_key=True),
    Column("user", ForeignKey("users.id"), nullable=False, index=True),
    Column("created_at", BigInteger, nullable=False),
)
"""Accounts at identity providers that sign a user in."""

groups = Table(
    "groups",
    metadata,
    Column("id", Key, primary_key=True),
    Column("name", String(100), nullable=False, unique=True),
    Column("description", Text, nullable=False),
    Column("claim", String(500), unique=True),
    Column("created_at", BigInteger, nullable=False),
)
"""``claim`` is what identity providers call the group: whoever comes with it in the claims is a member."""

group_members = Table(
    "group_members",
    metadata,
    Column("group", ForeignKey("groups.id"), primary_key=True),
    Column("user", ForeignKey("users.id"), primary_key=True),
    Column("source", String(500), nullable=False),
    Index(None, "user"),
)
"""``source`` is empty for members that were added here, else the issuer whose claims keep them."""

credentials = Table(
    "credentials",
    metadata,
    Column("id", Key, primary_key=True),
    Column("user", ForeignKey("users.id"), nullable=False),
    Column("kind", String(10), nullable=False),
    Column("name", String(200), nullable=False),
    Column("digest", LargeBinary(32), nullable=False, unique=True),
    Column("permissions", Text),
    Column("projects", Text),
    Column("run_id", String(256)),
    Column("parent", ForeignKey("credentials.id"), index=True),
    Column("details", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    Column("last_used_at", BigInteger),
    Column("revoked_at", BigInteger),
    Index(None, "user", "kind"),
    Index(None, "expires_at"),
)
"""What vouches for an account: ``kind`` is ``session``, ``key`` (an API key) or ``run`` (a run token).

``permissions`` and ``projects`` are JSON lists of what it is limited to (keys of projects), NULL for no limit.
``parent`` is the API key or run token that it was made with: it is revoked with that one. ``details`` is JSON of
the kind's own: a session's identity provider, say.
"""

session_keys = Table(
    "session_keys",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("key", LargeBinary(32), nullable=False),
    Column("created_at", BigInteger, nullable=False),
)
"""One row: the key that session cookies are signed with."""

one_time_links = Table(
    "one_time_links",
    metadata,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("purpose", String(10), nullable=False),
    Column("user", ForeignKey("users.id")),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("used_at", BigInteger),
)
"""``purpose`` is ``setup`` (make the first admin) or ``password`` (set one anew)."""

device_grants = Table(
    "device_grants",
    metadata,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("user_code", String(20), nullable=False, unique=True),
    Column("client", String(200), nullable=False),
    Column("state", String(10), nullable=False),
    Column("user", ForeignKey("users.id")),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("polled_at", BigInteger),
)
"""Sign-ins of command lines (RFC 8628): ``state`` is ``pending``, ``approved``, ``denied`` or ``used``."""

sign_in_failures = Table(
    "sign_in_failures",
    metadata,
    Column("subject", LargeBinary(32), primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("last_at", BigInteger, nullable=False),
    Column("good_at", BigInteger),
)
"""Failed sign-ins in a row: who fails often waits longer and longer.

``subject`` is the SHA-256 of an account's name, of a client's address, or of both together: what was typed as a
name may be a password. ``good_at`` is when that account last signed in from that address.
"""

provider_sessions = Table(
    "provider_sessions",
    metadata,
    Column("credential", ForeignKey("credentials.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("provider", String(20), nullable=False),
    Column("issuer", String(500), nullable=False),
    Column("subject", String(255), nullable=False),
    Column("sid", String(255)),
    Column("tokens", LargeBinary, nullable=False),
    Column("asked_at", BigInteger, nullable=False),
    Column("refresh_at", BigInteger, index=True),
    Index(None, "issuer", "subject"),
    Index(None, "issuer", "sid"),
)
"""Sessions that an identity provider vouches for. ``sid`` is the session's name there, ``tokens`` are its refresh and
ID token, encrypted. The provider was last asked at ``asked_at`` whether it still vouches, and is asked again at
``refresh_at`` if the session was used meanwhile; NULL where it cannot be asked.
"""

spent_tokens = Table(
    "spent_tokens",
    metadata,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("expires_at", BigInteger, nullable=False, index=True),
)
"""What is good once and was used: sign-ins that came back from a provider, and its logout tokens."""

access_epoch = Table(
    "access_epoch",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("number", BigInteger, nullable=False),
)
"""One row, counted up with every change of who may do what: what processes remember is good for one number."""


@event.listens_for(session_keys, "after_create")
def _add_key(_table: Table, tx: Connection, **_options: Any) -> None:
    tx.execute(session_keys.insert().values(id=1, key=secrets.token_bytes(32), created_at=now_ms()))


@event.listens_for(access_epoch, "after_create")
def _begin(_table: Table, tx: Connection, **_options: Any) -> None:
    tx.execute(access_epoch.insert().values(id=1, number=1))
