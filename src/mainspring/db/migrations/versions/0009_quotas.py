"""Quotas of projects."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "quotas",
        sa.Column("project", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("resource", sa.String(length=40), nullable=False),
        sa.Column("maximum", sa.BigInteger(), nullable=True),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("project", "resource", name=op.f("pk_quotas")),
    )
