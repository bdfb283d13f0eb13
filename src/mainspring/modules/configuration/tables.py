"""Tables of configuration and secrets.

``project`` is a project's key, 0 for what belongs to the whole instance; ``environment`` is empty for what
holds in all environments. Documents, their versions and schemas are JSON text. Of a secret there is nothing
but ciphertext: the value under a data key of its own, and that data key under a key that is kept elsewhere.
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
    UniqueConstraint,
    event,
)

from mainspring.db.schema import Key, metadata

configuration_revision = Table(
    "configuration_revision",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("number", BigInteger, nullable=False),
)
"""One row, counted up with every change of a document: its lock puts the changes of all processes in one line."""

configuration_documents = Table(
    "configuration_documents",
    metadata,
    Column("id", Key, primary_key=True),
    Column("project", BigInteger, nullable=False),
    Column("environment", String(20), nullable=False),
    Column("name", String(128), nullable=False),
    Column("version", Integer, nullable=False),
    Column("revision", BigInteger, nullable=False),
    UniqueConstraint("project", "name", "environment"),
    Index(None, "revision"),
)
"""``version`` and ``revision`` are those of the newest version."""

configuration_versions = Table(
    "configuration_versions",
    metadata,
    Column("document", ForeignKey("configuration_documents.id"), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("value", Text),
    Column("message", Text, nullable=False),
    Column("created_by", String(100), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    UniqueConstraint("document", "revision"),
)
"""``value`` is NULL where the version is the document's deletion."""

configuration_schemas = Table(
    "configuration_schemas",
    metadata,
    Column("project", BigInteger, primary_key=True),
    Column("name", String(128), primary_key=True),
    Column("schema", Text, nullable=False),
    Column("created_by", String(100), nullable=False),
    Column("created_at", BigInteger, nullable=False),
)

secrets = Table(
    "secrets",
    metadata,
    Column("id", Key, primary_key=True),
    Column("project", BigInteger, nullable=False),
    Column("environment", String(20), nullable=False),
    Column("name", String(128), nullable=False),
    Column("description", Text, nullable=False),
    Column("readers", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("created_by", String(100), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    UniqueConstraint("project", "environment", "name"),
)
"""``readers`` is a JSON list of names of accounts; ``version`` is the newest version's."""

secret_versions = Table(
    "secret_versions",
    metadata,
    Column("id", Key, primary_key=True),
    Column("secret", ForeignKey("secrets.id"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("write_only", Boolean, nullable=False),
    Column("ciphertext", LargeBinary, nullable=False),
    Column("wrapped_key", LargeBinary, nullable=False),
    Column("key_id", String(500), nullable=False),
    Column("created_by", String(100), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    UniqueConstraint("secret", "version"),
    Index(None, "key_id"),
)
"""``key_id`` names the key-encryption key that ``wrapped_key``, the data key, is wrapped by."""


@event.listens_for(configuration_revision, "after_create")
def _begin(_table: Table, tx: Connection, **_options: Any) -> None:
    tx.execute(configuration_revision.insert().values(id=1, number=0))
