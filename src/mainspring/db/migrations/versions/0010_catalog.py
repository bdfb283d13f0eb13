"""Sources of projects, their files and releases, the catalog, and lineage."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Create the tables."""
    op.add_column("projects", sa.Column("source", sa.BigInteger(), nullable=True))
    walked = ["namespace", "name", "visibility", "deleted_at", "source"]
    op.create_index("ix_projects_walked", "projects", walked, unique=False)
    _create_sources()
    _create_files()
    _create_catalog()
    _create_lineage()
    op.create_index(op.f("ix_datasets_name_digest"), "datasets", ["name", "digest"], unique=False)
    op.create_index(op.f("ix_model_versions_model_id"), "model_versions", ["model_id"], unique=False)


def _create_sources() -> None:
    op.create_table(
        "sources",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=500), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("position", sa.Text(), nullable=False),
        sa.Column("synced_at", sa.BigInteger(), nullable=True),
        sa.Column("failed_at", sa.BigInteger(), nullable=True),
        sa.Column("failure", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sources")),
        sa.UniqueConstraint("name", name=op.f("uq_sources_name")),
    )
    op.create_table(
        "project_origins",
        sa.Column("project", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("source", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("external_id", sa.String(length=200), nullable=False),
        sa.Column("external_path", sa.String(length=400), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("shown", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["project"], ["projects.id"], name=op.f("fk_project_origins_project_projects")),
        sa.ForeignKeyConstraint(["source"], ["sources.id"], name=op.f("fk_project_origins_source_sources")),
        sa.PrimaryKeyConstraint("project", name=op.f("pk_project_origins")),
        sa.UniqueConstraint("source", "external_id", name=op.f("uq_project_origins_source_external_id")),
    )
    op.create_index(
        op.f("ix_project_origins_source_external_path"), "project_origins", ["source", "external_path"], unique=False
    )
    op.create_table(
        "source_accounts",
        sa.Column("source", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("user", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("inside", sa.Boolean(), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("good_until", sa.BigInteger(), nullable=False),
        sa.Column("token", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["source"], ["sources.id"], name=op.f("fk_source_accounts_source_sources")),
        sa.PrimaryKeyConstraint("source", "user", name=op.f("pk_source_accounts")),
    )
    op.create_index(op.f("ix_source_accounts_user"), "source_accounts", ["user"], unique=False)
    op.create_table(
        "source_roles",
        sa.Column("user", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("project", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("source", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("role", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["project"], ["projects.id"], name=op.f("fk_source_roles_project_projects")),
        sa.ForeignKeyConstraint(["source"], ["sources.id"], name=op.f("fk_source_roles_source_sources")),
        sa.PrimaryKeyConstraint("user", "project", name=op.f("pk_source_roles")),
    )
    op.create_index(op.f("ix_source_roles_project"), "source_roles", ["project"], unique=False)
    op.create_table(
        "source_changes",
        sa.Column("source", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("external_id", sa.String(length=200), nullable=False),
        sa.Column("noted_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["source"], ["sources.id"], name=op.f("fk_source_changes_source_sources")),
        sa.PrimaryKeyConstraint("source", "external_id", name=op.f("pk_source_changes")),
    )
    op.create_table(
        "project_stars",
        sa.Column("project", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("user", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["project"], ["projects.id"], name=op.f("fk_project_stars_project_projects")),
        sa.PrimaryKeyConstraint("project", "user", name=op.f("pk_project_stars")),
    )


def _create_files() -> None:
    op.create_table(
        "project_files",
        sa.Column("project", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column(
            "path",
            sa.String(length=1000).with_variant(sa.String(length=1000, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("created_by", sa.String(length=100), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("project", "path", name=op.f("pk_project_files")),
    )
    op.create_index(op.f("ix_project_files_project_sha256"), "project_files", ["project", "sha256"], unique=False)
    op.create_table(
        "file_blobs",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("project", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("unused_since", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_file_blobs")),
    )
    op.create_index(op.f("ix_file_blobs_project_sha256"), "file_blobs", ["project", "sha256"], unique=False)
    op.create_index(op.f("ix_file_blobs_unused_since"), "file_blobs", ["unused_since"], unique=False)
    op.create_table(
        "project_releases",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("project", sa.BigInteger(), nullable=False),
        sa.Column("tag", sa.String(length=100), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=64), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("created_by", sa.String(length=100), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_project_releases")),
        sa.UniqueConstraint("project", "tag", name=op.f("uq_project_releases_project_tag")),
    )
    op.create_table(
        "release_files",
        sa.Column("release", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column(
            "path",
            sa.String(length=1000).with_variant(sa.String(length=1000, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["release"],
            ["project_releases.id"],
            name=op.f("fk_release_files_release_project_releases"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("release", "path", name=op.f("pk_release_files")),
    )
    op.create_index(op.f("ix_release_files_sha256"), "release_files", ["sha256"], unique=False)


def _create_catalog() -> None:
    op.create_table(
        "catalog_items",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("project", sa.BigInteger(), nullable=False),
        sa.Column("collection", sa.String(length=100), nullable=False),
        sa.Column("slug", sa.String(length=63), nullable=False),
        sa.Column(
            "title",
            sa.String(length=200).with_variant(sa.String(length=200, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("start_at", sa.BigInteger(), nullable=False),
        sa.Column("end_at", sa.BigInteger(), nullable=False),
        sa.Column("west", sa.Double(), nullable=True),
        sa.Column("south", sa.Double(), nullable=True),
        sa.Column("east", sa.Double(), nullable=True),
        sa.Column("north", sa.Double(), nullable=True),
        sa.Column("boxed", sa.Boolean(), nullable=False),
        sa.Column("stars", sa.Integer(), nullable=False),
        sa.Column("warnings", sa.Integer(), nullable=False),
        sa.Column("etag", sa.String(length=64), nullable=False),
        sa.Column("indexed_at", sa.BigInteger(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_catalog_items")),
        sa.UniqueConstraint("project", "collection", name=op.f("uq_catalog_items_project_collection")),
        sa.UniqueConstraint("slug", "collection", name=op.f("uq_catalog_items_slug_collection")),
    )
    op.create_index(
        op.f("ix_catalog_items_collection_updated_at_id"),
        "catalog_items",
        ["collection", "updated_at", "id"],
        unique=False,
    )
    op.create_index(op.f("ix_catalog_items_updated_at_id"), "catalog_items", ["updated_at", "id"], unique=False)
    searched = ["project", "collection", "start_at", "end_at", "west", "south", "east", "north", "boxed"]
    sorted_by = ["updated_at", "created_at", "stars", "slug", "title"]
    op.create_index("ix_catalog_items_searched", "catalog_items", [*searched, *sorted_by], unique=False)
    op.create_table(
        "catalog_values",
        sa.Column("item", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("place", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column(
            "text",
            sa.String(length=200).with_variant(sa.String(length=200, collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column("number", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(
            ["item"], ["catalog_items.id"], name=op.f("fk_catalog_values_item_catalog_items"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("item", "name", "place", name=op.f("pk_catalog_values")),
    )
    op.create_index(
        op.f("ix_catalog_values_name_number_item"), "catalog_values", ["name", "number", "item"], unique=False
    )
    op.create_index(op.f("ix_catalog_values_name_text_item"), "catalog_values", ["name", "text", "item"], unique=False)


def _create_lineage() -> None:
    op.create_table(
        "lineage_nodes",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("project", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=500), nullable=False),
        sa.Column("facets", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lineage_nodes")),
        sa.UniqueConstraint("project", "kind", "name", name=op.f("uq_lineage_nodes_project_kind_name")),
    )
    op.create_index(op.f("ix_lineage_nodes_kind_name"), "lineage_nodes", ["kind", "name"], unique=False)
    op.create_table(
        "lineage_edges",
        sa.Column("project", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("source", sa.String(length=600), nullable=False),
        sa.Column("target", sa.String(length=600), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("project", "source", "target", name=op.f("pk_lineage_edges")),
    )
    op.create_index(op.f("ix_lineage_edges_source"), "lineage_edges", ["source"], unique=False)
    op.create_index(op.f("ix_lineage_edges_target"), "lineage_edges", ["target"], unique=False)
