"""Tables of lineage: what other systems told by OpenLineage. What the platform knows is read where it is kept."""

from sqlalchemy import BigInteger, Column, Index, String, Table, Text, UniqueConstraint

from mainspring.db.schema import Key, metadata

lineage_nodes = Table(
    "lineage_nodes",
    metadata,
    Column("id", Key, primary_key=True),
    Column("project", BigInteger, nullable=False),
    Column("kind", String(20), nullable=False),
    Column("name", String(500), nullable=False),
    Column("facets", Text, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    UniqueConstraint("project", "kind", "name"),
    Index(None, "kind", "name"),
)
"""``kind`` is ``dataset``, ``job`` or ``job_run``; ``name`` is ``namespace/name`` as OpenLineage has them, or the id
of a run. ``facets`` is JSON."""

lineage_edges = Table(
    "lineage_edges",
    metadata,
    Column("project", BigInteger, primary_key=True, autoincrement=False),
    Column("source", String(600), primary_key=True),
    Column("target", String(600), primary_key=True),
    Column("created_at", BigInteger, nullable=False),
    Index(None, "target"),
    Index(None, "source"),
)
"""``target`` came from ``source``; both are ids of nodes, ``<kind>:<name>``, of the platform's own too."""
