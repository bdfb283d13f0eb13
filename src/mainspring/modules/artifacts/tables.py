"""Tables of artifacts: what is known of files beside their bytes, uploads under way, and the key of signed URLs.

The bytes and the names of files are the store's; a row here speaks of a file as long as the store's ETag is
the one of the row. Times are milliseconds since the epoch, UTC.
"""

import secrets

from sqlalchemy import BigInteger, Boolean, Column, Connection, Index, Integer, LargeBinary, String, Table, Text, event

from mainspring.db.schema import metadata
from mainspring.kit.time import now_ms

KEY_BYTES = 32

# By bytes, as SQLite compares: what lies below a folder is then one range of the primary key.
StorePath = Text().with_variant(Text(collation="C"), "postgresql")

artifact_files = Table(
    "artifact_files",
    metadata,
    Column("path", StorePath, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    # False: the hash is what the client has said, of bytes that the server has not seen.
    Column("verified", Boolean, nullable=False),
    Column("etag", Text, nullable=False),
    Column("recorded_at", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

artifact_uploads = Table(
    "artifact_uploads",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("path", Text, nullable=False),
    Column("actor", Text, nullable=False),
    # The store's own id of an upload of parts; without it the file comes as a whole.
    Column("multipart_id", Text),
    Column("size", BigInteger),
    Column("sha256", String(64)),
    Column("part_size", BigInteger),
    Column("state", String(10), nullable=False),
    # JSON of what the store is asked to join, kept so that a completion that was cut off can be repeated.
    Column("parts", Text),
    # Of the file that it has become.
    Column("stored_size", BigInteger),
    Column("stored_etag", Text),
    Column("created_at", BigInteger, nullable=False),
    Index(None, "created_at"),
)

signing_keys = Table(
    "signing_keys",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("key", LargeBinary(KEY_BYTES), nullable=False),
    Column("created_at", BigInteger, nullable=False),
)


@event.listens_for(signing_keys, "after_create")
def _add_key(_table: Table, tx: Connection, **_options: object) -> None:
    """Make the key that all processes of this database sign with."""
    tx.execute(signing_keys.insert().values(id=1, key=secrets.token_bytes(KEY_BYTES), created_at=now_ms()))
