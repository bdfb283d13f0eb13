"""Tables of the model registry.

A registered model is known by its name outside and by a small integer key inside, so that a rename
touches one row. ``last_version`` hands out version numbers and only ever grows: the number of a
deleted version is not given again. Times are milliseconds since the epoch, UTC.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from mainspring.db.schema import Key, metadata

registered_models = Table(
    "registered_models",
    metadata,
    Column("id", Key, primary_key=True),
    Column("name", String(256), nullable=False),
    Column("description", Text),
    Column("last_version", Integer, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("project", BigInteger, nullable=False, server_default=text("1")),
    UniqueConstraint("project", "name"),
    Index(None, "updated_at"),
)

registered_model_tags = Table(
    "registered_model_tags",
    metadata,
    Column("model", ForeignKey("registered_models.id"), primary_key=True),
    Column("key", String(250), primary_key=True),
    Column("value", Text, nullable=False),
    Index(None, "key", "model"),
)

model_versions = Table(
    "model_versions",
    metadata,
    Column("id", Key, primary_key=True),
    Column("model", ForeignKey("registered_models.id"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("stage", String(20), nullable=False),
    Column("description", Text),
    Column("user_id", String(256), nullable=False),
    Column("source", Text, nullable=False),
    Column("storage_location", Text, nullable=False),
    Column("run_id", String(32)),
    Column("run_link", Text),
    Column("model_id", String(34)),
    Column("params", Text, nullable=False),
    Column("metrics", Text, nullable=False),
    Column("model_file", Text),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    UniqueConstraint("model", "version"),
    Index(None, "run_id"),
    Index(None, "updated_at"),
    Index(None, "model_id"),
)
"""Versions. ``run_id`` and ``model_id`` refer to tracking without a foreign key, and ``params``, ``metrics``
(as they were at registration) and ``model_file`` (signature, flavours and so on, from ``MLmodel``) are JSON:
a version outlives its run."""

model_version_tags = Table(
    "model_version_tags",
    metadata,
    Column("version", ForeignKey("model_versions.id"), primary_key=True),
    Column("key", String(250), primary_key=True),
    Column("value", Text, nullable=False),
    Index(None, "key", "version"),
)

registered_model_aliases = Table(
    "registered_model_aliases",
    metadata,
    Column("model", ForeignKey("registered_models.id"), primary_key=True),
    Column("alias", String(255), primary_key=True),
    Column("version", ForeignKey("model_versions.id"), nullable=False),
    Index(None, "version"),
)

stage_requests = Table(
    "stage_requests",
    metadata,
    Column("id", Key, primary_key=True),
    Column("version", ForeignKey("model_versions.id"), nullable=False),
    Column("stage", String(20), nullable=False),
    Column("archive_existing", Boolean, nullable=False),
    Column("state", String(20), nullable=False),
    Column("user_id", String(256), nullable=False),
    Column("comment", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("decided_by", String(256)),
    Column("decision", Text),
    Column("decided_at", BigInteger),
    Index(None, "version"),
    Index(None, "state", "id"),
)
"""Stages that somebody asked for. ``decision`` is what whoever decided said of it."""
