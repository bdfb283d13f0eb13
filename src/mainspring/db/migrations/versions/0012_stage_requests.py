"""Stages of model versions that somebody asked for."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "stage_requests",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("version", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("stage", sa.String(length=20), nullable=False),
        sa.Column("archive_existing", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("user_id", sa.String(length=256), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("decided_by", sa.String(length=256), nullable=True),
        sa.Column("decision", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["version"], ["model_versions.id"], name=op.f("fk_stage_requests_version_model_versions")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stage_requests")),
    )
    op.create_index(op.f("ix_stage_requests_state_id"), "stage_requests", ["state", "id"], unique=False)
    op.create_index(op.f("ix_stage_requests_version"), "stage_requests", ["version"], unique=False)
