"""Tables of projects.

A project is known by its path ``namespace/name`` outside and by a small integer key inside, which is what
everything that it owns carries: moving or renaming one touches one row. Times are milliseconds since the
epoch, UTC.
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

sources = Table(
    "sources",
    metadata,
    Column("id", Key, primary_key=True),
    Column("name", String(500), nullable=False, unique=True),
    Column("kind", String(20), nullable=False),
    Column("position", Text, nullable=False),
    Column("synced_at", BigInteger),
    Column("failed_at", BigInteger),
    Column("failure", Text, nullable=False),
)
"""Where projects come from. ``name`` is ``<kind>:<URL>``; ``position`` is JSON of how far it was read. It was last read
in full at ``synced_at``; ``failed_at`` and ``failure`` say since when, and why, it cannot be: what is known of its
projects is stale from then on."""

_deleted_at = Column("deleted_at", BigInteger)
_undeleted = _deleted_at.is_(None)

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
    _deleted_at,
    # Behind the others: SQLite reads a long text to get at what stands behind it, unless that is NULL.
    Column("readme", Text, nullable=False),
    Column("source", BigInteger),
    UniqueConstraint("namespace", "name"),
    # What is open to many is found by its keys alone, without a look at the projects.
    Index("ix_projects_open", "visibility", "source", "id", sqlite_where=_undeleted, postgresql_where=_undeleted),
    # Lists walk by path past what is not shown: what decides that stands in the index, too.
    Index("ix_projects_walked", "namespace", "name", "visibility", "deleted_at", "source"),
)
"""``workspace`` is the name by which MLflow's clients know the project. A deleted project keeps its name until
it is deleted for good, so that it can be restored. ``source`` is where a project comes from that is kept elsewhere,
a GitLab say, and NULL for one that is at home here."""

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

project_origins = Table(
    "project_origins",
    metadata,
    Column("project", ForeignKey("projects.id"), primary_key=True, autoincrement=False),
    Column("source", ForeignKey("sources.id"), nullable=False),
    Column("external_id", String(200), nullable=False),
    Column("external_path", String(400), nullable=False),
    Column("url", Text, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    Column("shown", Boolean, nullable=False),
    UniqueConstraint("source", "external_id"),
    Index(None, "source", "external_path"),
)
"""What projects that are kept elsewhere are called there. ``changed_at`` is the last activity there that the catalog
knows of, ``seen_at`` when the source last showed the project to somebody, 0 once it shows it nobody any more. ``shown``
says that its own token is shown it, and not members alone."""

source_accounts = Table(
    "source_accounts",
    metadata,
    Column("source", ForeignKey("sources.id"), primary_key=True, autoincrement=False),
    Column("user", BigInteger, primary_key=True, autoincrement=False),
    Column("inside", Boolean, nullable=False),
    Column("asked_at", BigInteger, nullable=False),
    Column("good_until", BigInteger, nullable=False),
    Column("token", LargeBinary),
    Index(None, "user"),
)
"""Accounts that a source knows. ``inside`` says that it shows them its internal projects. What it said of an account
counts until ``good_until``: where it cannot be asked again, its roles fall away. ``token`` is the newest token by which
the account is known there, encrypted: files are read, and roles asked for, with the account's own eyes."""

source_roles = Table(
    "source_roles",
    metadata,
    Column("user", BigInteger, primary_key=True, autoincrement=False),
    Column("project", ForeignKey("projects.id"), primary_key=True, autoincrement=False),
    Column("source", ForeignKey("sources.id"), nullable=False),
    Column("role", Integer, nullable=False),
    Index(None, "project"),
)
"""Roles that accounts have in projects by their source; they count as long as ``source_accounts`` says."""

source_changes = Table(
    "source_changes",
    metadata,
    Column("source", ForeignKey("sources.id"), primary_key=True, autoincrement=False),
    Column("external_id", String(200), primary_key=True),
    Column("noted_at", BigInteger, nullable=False),
)
"""Projects of which a source has told that they changed, and which are to be read again."""

project_stars = Table(
    "project_stars",
    metadata,
    Column("project", ForeignKey("projects.id"), primary_key=True, autoincrement=False),
    Column("user", BigInteger, primary_key=True, autoincrement=False),
    Column("created_at", BigInteger, nullable=False),
)
"""Who likes a project that is at home here; others are starred where they come from."""

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
