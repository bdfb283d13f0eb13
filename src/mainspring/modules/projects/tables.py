"""Tables of projects.

A project is known by its path ``namespace/name`` outside and by a small integer key inside, which is what
everything that it owns carries: moving or renaming one touches one row. Times are milliseconds since the
epoch, UTC.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    event,
)

from mainspring.db.schema import Key, metadata
from mainspring.kit.time import now_ms

namespaces = Table(
    "namespaces",
    metadata,
    Column("id", Key, primary_key=True),
    # Compared by code points, as SQLite does: what lies below a namespace is then a range of the index.
    Column("name", String(255).with_variant(String(255, collation="C"), "postgresql"), nullable=False, unique=True),
    Column("owner", BigInteger, unique=True),
    Column("description", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)
"""``owner`` is the key of the user whose own namespace it is, NULL for one that is shared."""

projects = Table(
    "projects",
    metadata,
    Column("id", Key, primary_key=True),
    Column("namespace", ForeignKey("namespaces.id"), nullable=False),
    Column("name", String(100), nullable=False),
    Column("workspace", String(63), nullable=False, unique=True),
    Column("visibility", String(10), nullable=False),
    Column("description", Text, nullable=False),
    Column("artifact_root", Text),
    Column("created_by", String(100), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("archived_at", BigInteger),
    Column("deleted_at", BigInteger),
    # The last one: SQLite reads a long text to get at what stands behind it.
    Column("readme", Text, nullable=False),
    UniqueConstraint("namespace", "name"),
    Index(None, "visibility", "id"),
)
"""``workspace`` is the name by which MLflow's clients know the project. A deleted project keeps its name until
it is deleted for good, so that it can be restored."""

project_topics = Table(
    "project_topics",
    metadata,
    Column("project", ForeignKey("projects.id"), primary_key=True),
    Column("topic", String(100), primary_key=True),
    Index(None, "topic", "project"),
)

project_paths = Table(
    "project_paths",
    metadata,
    Column("path", String(400), primary_key=True),
    Column("project", ForeignKey("projects.id"), nullable=False, index=True),
)
"""Paths that a project had before it was moved: they lead to it until another project takes them."""

grants = Table(
    "grants",
    metadata,
    Column("holder_kind", String(5), primary_key=True),
    Column("holder", BigInteger, primary_key=True),
    Column("scope_kind", String(9), primary_key=True),
    Column("scope", BigInteger, primary_key=True),
    Column("role", Integer, nullable=False),
    Column("created_by", String(100), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    Index(None, "scope_kind", "scope"),
)
"""Roles. ``holder_kind`` is ``user`` (service accounts too) or ``group``, ``scope_kind`` is ``project`` or
``namespace``; holder and scope are their keys."""


@event.listens_for(projects, "after_create")
def _add_default_project(_table: Table, tx: Connection, **_options: Any) -> None:
    """Put in the project that requests are about where they name none."""
    # The first row of each gets the key 1, which is DEFAULT_PROJECT, from the database's own counting.
    now = now_ms()
    tx.execute(namespaces.insert().values(name="default", description="", created_at=now))
    values = {"name": "default", "workspace": "default", "visibility": "private", "description": "", "readme": ""}
    row = {"namespace": 1, "created_by": "system", "created_at": now, "updated_at": now}
    tx.execute(projects.insert().values(values | row))
