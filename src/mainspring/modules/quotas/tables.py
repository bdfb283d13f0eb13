"""The table of quotas. Times are milliseconds since the epoch, UTC."""

from sqlalchemy import BigInteger, Column, String, Table

from mainspring.db.schema import metadata

ALL_PROJECTS = 0
"""The key of no project: limits of all those that have none of their own."""

quotas = Table(
    "quotas",
    metadata,
    Column("project", BigInteger, primary_key=True, autoincrement=False),
    Column("resource", String(40), primary_key=True),
    Column("maximum", BigInteger),
    Column("updated_at", BigInteger, nullable=False),
)
"""``maximum`` is NULL for what is expressly not limited."""
