"""Tables of the audit log, which is the outbox too, and of webhooks.

Times are milliseconds since the epoch, UTC.
"""

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

HASH_BYTES = 32
MAX_OBJECT_ID = 500
BEGINNING = bytes(HASH_BYTES)
"""What the first act of all follows."""

events = Table(
    "events",
    metadata,
    Column("seq", Key, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("actor", String(255), nullable=False),
    Column("actor_kind", String(10), nullable=False),
    Column("actor_key", BigInteger),
    Column("credential", BigInteger),
    Column("project", BigInteger),
    Column("action", String(100), nullable=False),
    Column("object_id", String(MAX_OBJECT_ID), nullable=False),
    Column("before", Text),
    Column("after", Text),
    Column("allowed", Boolean, nullable=False),
    Column("request_id", String(64), nullable=False),
    Column("address", String(64), nullable=False),
    Column("previous", LargeBinary(HASH_BYTES), nullable=False),
    Column("hash", LargeBinary(HASH_BYTES), nullable=False),
    Index(None, "at"),
    Index(None, "project", "seq"),
    Index(None, "actor", "seq"),
    Index(None, "action", "seq"),
    Index(None, "object_id", "seq"),
)
"""Acts in the order in which they were committed, without gaps. ``before`` and ``after`` are JSON. ``hash`` is over
all that stands before it, ``previous`` the hash of the act before."""

event_chain = Table(
    "event_chain",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("hash", LargeBinary(HASH_BYTES), nullable=False),
    Column("cut_seq", BigInteger, nullable=False),
    Column("cut_hash", LargeBinary(HASH_BYTES), nullable=False),
)
"""One row: the newest act, and the anchor, which is the newest of those that retention has cut off.

Whoever appends counts it up first and so holds back all others until they have committed.
"""

outbox_positions = Table(
    "outbox_positions",
    metadata,
    Column("reader", String(50), primary_key=True),
    Column("seq", BigInteger, nullable=False),
)
"""Up to which act a reader of the outbox has come."""

webhooks = Table(
    "webhooks",
    metadata,
    Column("id", Key, primary_key=True),
    Column("webhook_id", String(36), nullable=False, unique=True),
    Column("project", BigInteger, nullable=False),
    Column("name", String(63), nullable=False),
    Column("url", Text, nullable=False),
    Column("description", Text),
    Column("events", Text, nullable=False),
    Column("format", String(10), nullable=False),
    Column("status", String(10), nullable=False),
    Column("secret", LargeBinary),
    Column("created_by", String(255), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Index(None, "project", "id"),
)
"""``events`` is a JSON list: names of MLflow's in the format ``mlflow``, patterns of actions in ``mainspring``.
``secret`` is encrypted under the key of ``webhook_keys``."""

webhook_keys = Table(
    "webhook_keys",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("vault_key", String(200), nullable=False),
    Column("wrapped", LargeBinary, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)
"""At most one row: the key under which secrets of webhooks are kept, wrapped by a key of the vault."""

deliveries = Table(
    "webhook_deliveries",
    metadata,
    Column("id", Key, primary_key=True),
    Column("delivery_id", String(36), nullable=False, unique=True),
    Column("webhook", ForeignKey("webhooks.id"), nullable=False),
    Column("seq", BigInteger),
    Column("event", String(100), nullable=False),
    Column("body", Text, nullable=False),
    Column("state", String(10), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_at", BigInteger),
    Column("response_status", Integer),
    Column("duration_ms", Integer),
    Column("response_body", Text),
    Column("error", Text),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Index(None, "webhook", "id"),
    Index(None, "next_at"),
    Index(None, "created_at"),
)
"""What a webhook is sent, and what came of the last attempt. ``state`` is ``pending``, ``delivered`` or ``failed``;
``next_at`` is when it is sent again unless it is done by then, NULL for what is done. ``seq`` is the act's."""


@event.listens_for(event_chain, "after_create")
def _begin(_table: Table, tx: Connection, **_options: Any) -> None:
    tx.execute(event_chain.insert().values(id=1, seq=0, hash=BEGINNING, cut_seq=0, cut_hash=BEGINNING))


@event.listens_for(outbox_positions, "after_create")
def _add_reader(_table: Table, tx: Connection, **_options: Any) -> None:
    tx.execute(outbox_positions.insert().values(reader="webhooks", seq=0))
