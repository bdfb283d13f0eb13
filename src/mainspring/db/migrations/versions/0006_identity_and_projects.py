"""Users, projects, and what is owned by a project."""

import secrets
import time
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Create the tables; what is there already becomes the default project's."""
    _create_identity()
    _create_projects()
    _add_defaults()
    for table in ("runs", "logged_models"):
        op.add_column(table, _project())
    _own_names("experiments")
    _own_names("registered_models")
    op.add_column("experiments", sa.Column("is_default", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.execute(sa.text("UPDATE experiments SET is_default = :yes WHERE id = 0").bindparams(yes=True))


def _project() -> sa.Column[Any]:
    return sa.Column("project", sa.BigInteger(), server_default=sa.text("1"), nullable=False)


def _own_names(table: str) -> None:
    """Let names be unique within a project. SQLite drops a constraint by making the table anew."""
    with op.batch_alter_table(table) as batch:
        batch.add_column(_project())
        batch.drop_constraint(op.f(f"uq_{table}_name"), type_="unique")
        batch.create_unique_constraint(op.f(f"uq_{table}_project_name"), ["project", "name"])


def _add_defaults() -> None:
    now = int(time.time() * 1000)
    op.execute("INSERT INTO access_epoch (id, number) VALUES (1, 1)")
    op.execute(f"INSERT INTO namespaces (name, description, created_at) VALUES ('default', '', {now})")
    op.execute(
        "INSERT INTO projects (namespace, name, workspace, visibility, description, readme, created_by, created_at, "
        f"updated_at) VALUES (1, 'default', 'default', 'private', '', '', 'system', {now}, {now})"
    )


def _create_identity() -> None:
    op.create_table(
        "access_epoch",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_epoch")),
    )
    op.create_table(
        "groups",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("claim", sa.String(length=500), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_groups")),
        sa.UniqueConstraint("name", name=op.f("uq_groups_name")),
        sa.UniqueConstraint("claim", name=op.f("uq_groups_claim")),
    )
    op.create_table(
        "sign_in_failures",
        sa.Column("subject", sa.LargeBinary(length=32), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.Column("good_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("subject", name=op.f("pk_sign_in_failures")),
    )
    keys = op.create_table(
        "session_keys",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.LargeBinary(length=32), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_session_keys")),
    )
    op.execute(keys.insert().values(id=1, key=secrets.token_bytes(32), created_at=int(time.time() * 1000)))
    op.create_table(
        "users",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("display_name", sa.String(length=200), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("is_admin", sa.Boolean(), nullable=False),
        sa.Column("blocked", sa.Boolean(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("last_seen_at", sa.BigInteger(), nullable=True),
        sa.Column("deleted_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("name", name=op.f("uq_users_name")),
    )
    op.create_table(
        "credentials",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("user", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("permissions", sa.Text(), nullable=True),
        sa.Column("projects", sa.Text(), nullable=True),
        sa.Column("run_id", sa.String(length=256), nullable=True),
        sa.Column("parent", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("last_used_at", sa.BigInteger(), nullable=True),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["parent"], ["credentials.id"], name=op.f("fk_credentials_parent_credentials")),
        sa.ForeignKeyConstraint(["user"], ["users.id"], name=op.f("fk_credentials_user_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credentials")),
        sa.UniqueConstraint("digest", name=op.f("uq_credentials_digest")),
    )
    op.create_index(op.f("ix_credentials_expires_at"), "credentials", ["expires_at"], unique=False)
    op.create_index(op.f("ix_credentials_parent"), "credentials", ["parent"], unique=False)
    op.create_index(op.f("ix_credentials_user_kind"), "credentials", ["user", "kind"], unique=False)
    op.create_table(
        "device_grants",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("user_code", sa.String(length=20), nullable=False),
        sa.Column("client", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("user", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("polled_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["user"], ["users.id"], name=op.f("fk_device_grants_user_users")),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_device_grants")),
        sa.UniqueConstraint("user_code", name=op.f("uq_device_grants_user_code")),
    )
    op.create_table(
        "provider_sessions",
        sa.Column("credential", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("provider", sa.String(length=20), nullable=False),
        sa.Column("issuer", sa.String(length=500), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("sid", sa.String(length=255), nullable=True),
        sa.Column("tokens", sa.LargeBinary(), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("refresh_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["credential"],
            ["credentials.id"],
            name=op.f("fk_provider_sessions_credential_credentials"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("credential", name=op.f("pk_provider_sessions")),
    )
    op.create_index(op.f("ix_provider_sessions_issuer_sid"), "provider_sessions", ["issuer", "sid"], unique=False)
    op.create_index(
        op.f("ix_provider_sessions_issuer_subject"), "provider_sessions", ["issuer", "subject"], unique=False
    )
    op.create_index(op.f("ix_provider_sessions_refresh_at"), "provider_sessions", ["refresh_at"], unique=False)
    op.create_table(
        "spent_tokens",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_spent_tokens")),
    )
    op.create_index(op.f("ix_spent_tokens_expires_at"), "spent_tokens", ["expires_at"], unique=False)
    op.create_table(
        "external_accounts",
        sa.Column("issuer", sa.String(length=500), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("user", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["user"], ["users.id"], name=op.f("fk_external_accounts_user_users")),
        sa.PrimaryKeyConstraint("issuer", "subject", name=op.f("pk_external_accounts")),
    )
    op.create_index(op.f("ix_external_accounts_user"), "external_accounts", ["user"], unique=False)
    op.create_table(
        "group_members",
        sa.Column("group", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("user", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("source", sa.String(length=500), nullable=False),
        sa.ForeignKeyConstraint(["group"], ["groups.id"], name=op.f("fk_group_members_group_groups")),
        sa.ForeignKeyConstraint(["user"], ["users.id"], name=op.f("fk_group_members_user_users")),
        sa.PrimaryKeyConstraint("group", "user", name=op.f("pk_group_members")),
    )
    op.create_index(op.f("ix_group_members_user"), "group_members", ["user"], unique=False)
    op.create_table(
        "one_time_links",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("purpose", sa.String(length=10), nullable=False),
        sa.Column("user", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["user"], ["users.id"], name=op.f("fk_one_time_links_user_users")),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_one_time_links")),
    )


def _create_projects() -> None:
    op.create_table(
        "grants",
        sa.Column("holder_kind", sa.String(length=5), nullable=False),
        sa.Column("holder", sa.BigInteger(), nullable=False),
        sa.Column("scope_kind", sa.String(length=9), nullable=False),
        sa.Column("scope", sa.BigInteger(), nullable=False),
        sa.Column("role", sa.Integer(), nullable=False),
        sa.Column("created_by", sa.String(length=100), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("holder_kind", "holder", "scope_kind", "scope", name=op.f("pk_grants")),
    )
    op.create_index(op.f("ix_grants_scope_kind_scope"), "grants", ["scope_kind", "scope"], unique=False)
    op.create_table(
        "namespaces",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "name",
            sa.String(length=255).with_variant(sa.String(length=255, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("owner", sa.BigInteger(), nullable=True),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_namespaces")),
        sa.UniqueConstraint("name", name=op.f("uq_namespaces_name")),
        sa.UniqueConstraint("owner", name=op.f("uq_namespaces_owner")),
    )
    op.create_table(
        "projects",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("namespace", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("workspace", sa.String(length=63), nullable=False),
        sa.Column("visibility", sa.String(length=10), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("artifact_root", sa.Text(), nullable=True),
        sa.Column("created_by", sa.String(length=100), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("archived_at", sa.BigInteger(), nullable=True),
        sa.Column("deleted_at", sa.BigInteger(), nullable=True),
        sa.Column("readme", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["namespace"], ["namespaces.id"], name=op.f("fk_projects_namespace_namespaces")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_projects")),
        sa.UniqueConstraint("namespace", "name", name=op.f("uq_projects_namespace_name")),
        sa.UniqueConstraint("workspace", name=op.f("uq_projects_workspace")),
    )
    op.create_index(op.f("ix_projects_visibility_id"), "projects", ["visibility", "id"], unique=False)
    op.create_table(
        "project_paths",
        sa.Column("path", sa.String(length=400), nullable=False),
        sa.Column("project", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["project"], ["projects.id"], name=op.f("fk_project_paths_project_projects")),
        sa.PrimaryKeyConstraint("path", name=op.f("pk_project_paths")),
    )
    op.create_index(op.f("ix_project_paths_project"), "project_paths", ["project"], unique=False)
    op.create_table(
        "project_topics",
        sa.Column("project", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("topic", sa.String(length=100), nullable=False),
        sa.ForeignKeyConstraint(["project"], ["projects.id"], name=op.f("fk_project_topics_project_projects")),
        sa.PrimaryKeyConstraint("project", "topic", name=op.f("pk_project_topics")),
    )
    op.create_index(op.f("ix_project_topics_topic_project"), "project_topics", ["topic", "project"], unique=False)
