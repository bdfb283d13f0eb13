"""Projects that are open to many are found by an index that has all it takes to say so."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Replace the index of visibilities."""
    undeleted = sa.text("deleted_at IS NULL")
    op.drop_index(op.f("ix_projects_visibility_id"), "projects")
    op.create_index(
        "ix_projects_open",
        "projects",
        ["visibility", "source", "id"],
        unique=False,
        sqlite_where=undeleted,
        postgresql_where=undeleted,
    )
