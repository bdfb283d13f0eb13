"""Tables of projects' files and releases. Times are milliseconds since the epoch, UTC.

Files and releases name bytes by their SHA-256: a release is a list of them, made in one transaction, that no later
change of the files can touch. ``file_blobs`` says under which name the bytes lie in the artifact store.
"""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, String, Table, Text, UniqueConstraint

from mainspring.db.schema import Key, metadata

project_files = Table(
    "project_files",
    metadata,
    Column("project", BigInteger, primary_key=True, autoincrement=False),
    # Compared by code points, as SQLite does: what lies in a folder is then a range of the index.
    Column("path", String(1000).with_variant(String(1000, collation="C"), "postgresql"), primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("created_by", String(100), nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Index(None, "project", "sha256"),
)
"""The files of a project as they are now."""

file_blobs = Table(
    "file_blobs",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("project", BigInteger, nullable=False),
    Column("sha256", String(64)),
    Column("size", BigInteger, nullable=False),
    Column("unused_since", BigInteger, index=True),
    Index(None, "project", "sha256"),
)
"""The bytes of files as they lie in the store, each under a name of its own, so that what is put never meets what is
deleted. ``sha256`` is NULL while the bytes are on their way in, or out. ``unused_since`` is NULL for what files or
releases may name, else since when nothing does; 0 for what is being deleted."""

project_releases = Table(
    "project_releases",
    metadata,
    Column("id", Key, primary_key=True),
    Column("project", BigInteger, nullable=False),
    Column("tag", String(100), nullable=False),
    Column("name", String(200), nullable=False),
    Column("state", String(64), nullable=False),
    Column("description", Text, nullable=False),
    Column("created_by", String(100), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    UniqueConstraint("project", "tag"),
)
"""Releases: named states of a project's files; ``state`` is the SHA-256 of the list of them."""

release_files = Table(
    "release_files",
    metadata,
    Column("release", ForeignKey("project_releases.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("path", String(1000).with_variant(String(1000, collation="C"), "postgresql"), primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False, index=True),
)
"""What a release consists of."""
