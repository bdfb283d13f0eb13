"""Indexes that hold all that a search in the catalog looks at."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

_SEARCHED = ("project", "collection", "start_at", "end_at", "west", "south", "east", "north", "boxed")
_SORTED = ("updated_at", "created_at", "stars", "slug", "title")


def upgrade() -> None:
    """Put the key into PostgreSQL's index, which SQLite's has anyway, and index what is more than a box."""
    if op.get_bind().dialect.name == "postgresql":
        name, columns = "ix_catalog_items_searched", [*_SEARCHED, *_SORTED]
        op.drop_index(name, "catalog_items")
        op.create_index(name, "catalog_items", columns, unique=False, postgresql_include=["id"])
    unboxed = sa.not_(sa.column("boxed", sa.Boolean()))
    op.create_index(
        "ix_catalog_items_unboxed",
        "catalog_items",
        ["south", "north", "west", "east", "id"],
        unique=False,
        sqlite_where=unboxed,
        postgresql_where=unboxed,
    )
