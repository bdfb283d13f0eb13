"""The mark of what is being deleted for good."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the column to what can be deleted."""
    for table in ("experiments", "runs", "logged_models"):
        op.add_column(table, sa.Column("collected_at", sa.BigInteger(), nullable=True))
