"""Tables of the catalog: an index that can be made again from the projects at any time.

A project of two categories is an item in two collections. Times are milliseconds since the epoch, UTC.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    not_,
)

from mainspring.db.schema import Key, metadata

_SORTED = String(200).with_variant(String(200, collation="C"), "postgresql")
"""Text that is sorted by code points on every database, so that pages are cut alike."""

_boxed = Column("boxed", Boolean, nullable=False)

catalog_items = Table(
    "catalog_items",
    metadata,
    Column("id", Key, primary_key=True),
    Column("project", BigInteger, nullable=False),
    Column("collection", String(100), nullable=False),
    Column("slug", String(63), nullable=False),
    Column("title", _SORTED, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("start_at", BigInteger, nullable=False),
    Column("end_at", BigInteger, nullable=False),
    Column("west", Double),
    Column("south", Double),
    Column("east", Double),
    Column("north", Double),
    _boxed,
    Column("stars", Integer, nullable=False),
    Column("warnings", Integer, nullable=False),
    Column("etag", String(64), nullable=False),
    Column("indexed_at", BigInteger, nullable=False),
    # The long ones last: SQLite reads a long text to get at what stands behind it.
    Column("words", Text, nullable=False),
    Column("content", Text, nullable=False),
    UniqueConstraint("project", "collection"),
    UniqueConstraint("slug", "collection"),
    Index(None, "collection", "updated_at", "id"),
    Index(None, "updated_at", "id"),
    # All that searches look at: SQLite need not read the long texts to get from one row to the next.
    Index(
        "ix_catalog_items_searched",
        "project",
        "collection",
        "start_at",
        "end_at",
        "west",
        "south",
        "east",
        "north",
        "boxed",
        "updated_at",
        "created_at",
        "stars",
        "slug",
        "title",
        postgresql_include=["id"],  # SQLite has the key in every index
    ),
    # Of boxes it is known by their bounds alone where they are; of these not.
    Index(
        "ix_catalog_items_unboxed",
        "south",
        "north",
        "west",
        "east",
        "id",
        sqlite_where=not_(_boxed),
        postgresql_where=not_(_boxed),
    ),
)
"""One item. ``west`` to ``north`` bound its geometry, NULL where it has none; ``boxed`` says that they are all of it.
``start_at`` to ``end_at`` is its time. ``words`` is what free text is looked for in, in lower case. ``content`` is
``catalog.service.entries.Content`` as JSON; ``etag`` its SHA-256. ``warnings`` counts those of its metadata."""

catalog_values = Table(
    "catalog_values",
    metadata,
    Column("item", ForeignKey("catalog_items.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("name", String(100), primary_key=True),
    Column("place", SmallInteger, primary_key=True, autoincrement=False),
    Column("text", _SORTED),
    Column("number", Double),
    Index(None, "name", "text", "item"),
    Index(None, "name", "number", "item"),
)
"""The values of items' properties, to filter, sort and count by; of a list each value has a row. ``place`` counts them.
Numbers and times (ms) stand in ``number``, booleans as 0 and 1; text is cut at 200 characters."""
