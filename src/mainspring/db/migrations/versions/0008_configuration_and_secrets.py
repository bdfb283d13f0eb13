"""Configuration documents with their versions and schemas, and secrets."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def _key() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the tables."""
    _create_configuration()
    _create_secrets()
    op.execute("INSERT INTO configuration_revision (id, number) VALUES (1, 0)")


def _create_configuration() -> None:
    op.create_table(
        "configuration_revision",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_configuration_revision")),
    )
    op.create_table(
        "configuration_documents",
        sa.Column("id", _key(), nullable=False),
        sa.Column("project", sa.BigInteger(), nullable=False),
        sa.Column("environment", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_configuration_documents")),
        sa.UniqueConstraint(
            "project", "name", "environment", name=op.f("uq_configuration_documents_project_name_environment")
        ),
    )
    op.create_index(op.f("ix_configuration_documents_revision"), "configuration_documents", ["revision"], unique=False)
    op.create_table(
        "configuration_versions",
        sa.Column("document", _key(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("value", sa.Text(), nullable=True),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("created_by", sa.String(length=100), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["document"],
            ["configuration_documents.id"],
            name=op.f("fk_configuration_versions_document_configuration_documents"),
        ),
        sa.PrimaryKeyConstraint("document", "version", name=op.f("pk_configuration_versions")),
        sa.UniqueConstraint("document", "revision", name=op.f("uq_configuration_versions_document_revision")),
    )
    op.create_table(
        "configuration_schemas",
        sa.Column("project", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("schema", sa.Text(), nullable=False),
        sa.Column("created_by", sa.String(length=100), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("project", "name", name=op.f("pk_configuration_schemas")),
    )


def _create_secrets() -> None:
    op.create_table(
        "secrets",
        sa.Column("id", _key(), nullable=False),
        sa.Column("project", sa.BigInteger(), nullable=False),
        sa.Column("environment", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("readers", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_by", sa.String(length=100), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_secrets")),
        sa.UniqueConstraint("project", "environment", "name", name=op.f("uq_secrets_project_environment_name")),
    )
    op.create_table(
        "secret_versions",
        sa.Column("id", _key(), nullable=False),
        sa.Column("secret", _key(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("write_only", sa.Boolean(), nullable=False),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.String(length=500), nullable=False),
        sa.Column("created_by", sa.String(length=100), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["secret"], ["secrets.id"], name=op.f("fk_secret_versions_secret_secrets")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_secret_versions")),
        sa.UniqueConstraint("secret", "version", name=op.f("uq_secret_versions_secret_version")),
    )
    op.create_index(op.f("ix_secret_versions_key_id"), "secret_versions", ["key_id"], unique=False)
