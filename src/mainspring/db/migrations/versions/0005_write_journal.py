"""The journal of deferred writes."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "write_journal",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("writes", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_write_journal")),
    )
