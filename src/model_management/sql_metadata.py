"""Metadata in SQL tables of its own: SQLite, PostgreSQL or MySQL, by SQLAlchemy Core."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from msgspec.structs import asdict
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import IntegrityError, InterfaceError, OperationalError, ProgrammingError
from sqlalchemy.pool import NullPool

from mainspring.kit.errors import InvalidArgument, Unavailable, Unsupported
from mainspring.kit.time import now_ms
from model_management.metadata import MetadataBackend, not_found
from model_management.records import MAX_NAME, Draft, ModelVersion, Statistics

DRIVERS = {
    "sqlite": "sqlite",
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mariadb": "mysql+pymysql",
    "mysql+pymysql": "mysql+pymysql",
}
"""The scheme of a database URL → the SQLAlchemy driver that speaks it."""

BUSY_SECONDS = 60
"""How long a writer waits for the others on one SQLite file."""

CREATE_ATTEMPTS = 6

_KINDS = "use sqlite:///registry.db, postgresql://user@host/database or mysql://user@host/database"

_SCHEMA = sa.MetaData()
# MySQL's default collation takes "Wine", "wine" and "winé" for one name.
_MYSQL: dict[str, Any] = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}

_MODELS = sa.Table(
    "model_management_models",
    _SCHEMA,
    sa.Column("name", sa.String(MAX_NAME), primary_key=True),
    sa.Column("last_version", sa.Integer, nullable=False),
    **_MYSQL,
)
_VERSIONS = sa.Table(
    "model_management_versions",
    _SCHEMA,
    sa.Column("name", sa.String(MAX_NAME), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("format", sa.String(20), nullable=False),
    sa.Column("store", sa.Text, nullable=False),
    sa.Column("key", sa.String(100), nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    **_MYSQL,
)
_TAGS = sa.Table(
    "model_management_tags",
    _SCHEMA,
    sa.Column("name", sa.String(MAX_NAME), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("key", sa.String(MAX_NAME), primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
    sa.Index("model_management_tags_by_key", "key"),
    **_MYSQL,
)


class SqlMetadata(MetadataBackend):
    """Model versions in three tables whose names begin with ``model_management_``.

    Connections are not kept between calls, so the object may be used after a fork.
    """

    def __init__(self, url: str) -> None:
        """Connect to a database and make the tables that are missing.

        Raises InvalidArgument for a URL of another kind, Unsupported where its driver is not
        installed, Unavailable where the database cannot be reached.
        """
        self._engine = _engine_of(url)
        with self._translated():
            self._create_tables()

    def add(self, draft: Draft) -> ModelVersion:
        """Give the draft the next number of its name and commit it with its tags."""
        while True:
            added = self._try_to_add(draft)
            if added:
                return added
            self._add_model(draft.name)

    def get(self, name: str, version: int | None = None) -> ModelVersion:
        """Return one version, the newest if none is named. Raises NotFound."""
        newest = sa.select(sa.func.max(_VERSIONS.c.version)).where(_VERSIONS.c.name == name).scalar_subquery()
        found = self._fetch(_VERSIONS.c.name == name, _VERSIONS.c.version == (newest if version is None else version))
        if not found:
            raise not_found(name, version)
        return found[0]

    def list_models(self) -> list[ModelVersion]:
        """Return the newest version of every model, ordered by name."""
        same = _VERSIONS.alias()
        newest = sa.select(sa.func.max(same.c.version)).where(same.c.name == _VERSIONS.c.name).scalar_subquery()
        return self._fetch(_VERSIONS.c.version == newest)

    def list_versions(self, name: str) -> list[ModelVersion]:
        """Return every version of a model, newest first. Raises NotFound."""
        found = self._fetch(_VERSIONS.c.name == name)
        if not found:
            raise not_found(name, None)
        return found

    def find_models_by_tag(self, key: str, value: str) -> list[ModelVersion]:
        """Return the versions that carry exactly this tag, by name and then newest first."""
        tag = _TAGS.alias()
        carries = sa.exists().where(
            tag.c.name == _VERSIONS.c.name, tag.c.version == _VERSIONS.c.version, tag.c.key == key, tag.c.value == value
        )
        # MySQL takes "x" and "x " for the same text, so its answer is looked through once more.
        return [version for version in self._fetch(carries) if version.tags.get(key) == value]

    def get_statistics(self) -> Statistics:
        """Count models, versions, bytes and formats."""
        query = sa.select(
            _VERSIONS.c.format, sa.func.count(), sa.func.coalesce(sa.func.sum(_VERSIONS.c.size), 0)
        ).group_by(_VERSIONS.c.format)
        with self._translated(), self._engine.connect() as connection:
            rows = connection.execute(query).all()
            models = connection.execute(sa.select(sa.func.count(_VERSIONS.c.name.distinct()))).scalar_one()
        return Statistics(
            models=models,
            versions=sum(count for _, count, _ in rows),
            size_bytes=int(sum(size for _, _, size in rows)),
            formats={name: count for name, count, _ in rows},
        )

    def delete(self, name: str, version: int | None = None) -> list[ModelVersion]:
        """Forget one version, or the whole model if none is named. Raises NotFound."""
        chosen = [_VERSIONS.c.name == name]
        if version is not None:
            chosen.append(_VERSIONS.c.version == version)
        with self._writing() as connection:
            # As in add(), the model's row comes first and keeps other writers waiting.
            row = _MODELS.c.name == name
            keep = _MODELS.update().where(row).values(last_version=_MODELS.c.last_version)
            connection.execute(_MODELS.delete().where(row) if version is None else keep)
            deleted = _select(connection, *chosen)
            if not deleted:
                raise not_found(name, version)
            for one in deleted:
                key = {"name": one.name, "version": one.version}
                connection.execute(_TAGS.delete().filter_by(**key))
                connection.execute(_VERSIONS.delete().filter_by(**key))
        return deleted

    def _try_to_add(self, draft: Draft) -> ModelVersion | None:
        """Add a version to a model that has a row; None where it has none."""
        with self._writing() as connection:
            # The update comes first: it locks the model's row until the commit, so that two
            # writers take two numbers.
            count = _MODELS.update().where(_MODELS.c.name == draft.name).values(last_version=_MODELS.c.last_version + 1)
            if connection.execute(count).rowcount == 0:
                return None
            number = connection.execute(sa.select(_MODELS.c.last_version).where(_MODELS.c.name == draft.name))
            added = ModelVersion(**asdict(draft), version=number.scalar_one(), created_ms=now_ms())
            fields = asdict(added)
            tags = fields.pop("tags").items()
            connection.execute(_VERSIONS.insert().values(fields))
            if tags:
                key = {"name": added.name, "version": added.version}
                connection.execute(_TAGS.insert(), [{**key, "key": tag, "value": value} for tag, value in tags])
        return added

    def _add_model(self, name: str) -> None:
        try:
            with self._writing() as connection:
                connection.execute(_MODELS.insert().values(name=name, last_version=0))
        except IntegrityError:
            return  # Another writer was first: its row serves both.

    def _fetch(self, *conditions: sa.ColumnElement[bool]) -> list[ModelVersion]:
        with self._translated(), self._engine.connect() as connection:
            return _select(connection, *conditions)

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        """Run the block in one transaction, committed at its end."""
        with self._translated(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Turn what a database says when it is away, full or locked into Unavailable."""
        try:
            yield
        except (OperationalError, InterfaceError) as error:
            where = self._engine.url.render_as_string(hide_password=True)
            raise Unavailable(f"The registry's database {where} does not answer: {error.orig}.") from error

    def _create_tables(self) -> None:
        """Make the missing tables, also while other processes are making them."""
        for attempt in range(CREATE_ATTEMPTS):
            try:
                with self._engine.begin() as connection:
                    _SCHEMA.create_all(connection)
                return
            except (OperationalError, ProgrammingError, IntegrityError):
                # "It exists already" has a different class in every driver. A real failure comes again.
                if attempt == CREATE_ATTEMPTS - 1:
                    raise
                time.sleep(0.05 * 2**attempt)


def _select(connection: sa.Connection, *conditions: sa.ColumnElement[bool]) -> list[ModelVersion]:
    """Return versions by name and then newest first: one row a tag, or one where there is no tag."""
    same = sa.and_(_TAGS.c.name == _VERSIONS.c.name, _TAGS.c.version == _VERSIONS.c.version)
    tag = (_TAGS.c.key.label("tag_key"), _TAGS.c.value.label("tag_value"))
    query = sa.select(_VERSIONS, *tag).outerjoin(_TAGS, same).where(*conditions)
    found: dict[tuple[str, int], ModelVersion] = {}
    for row in connection.execute(query).mappings():
        fields = dict(row)
        key, value = fields.pop("tag_key"), fields.pop("tag_value")
        version = found.setdefault((row["name"], row["version"]), ModelVersion(**fields, tags={}))
        if key is not None:
            version.tags[key] = value
    # Sorted here: every database orders text in its own way.
    return sorted(found.values(), key=lambda version: (version.name, -version.version))


def folder_beside(url: str) -> Path | None:
    """Return the folder in which an SQLite database lies, None for a database server."""
    parsed = sa.make_url(url)
    return Path(str(parsed.database)).parent if DRIVERS[parsed.drivername] == "sqlite" else None


def _engine_of(url: str) -> sa.Engine:
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError as error:
        raise InvalidArgument(f"Not a database URL: {_KINDS}.", field="url") from error
    driver = DRIVERS.get(parsed.drivername)
    if driver is None:
        raise InvalidArgument(f"Unknown kind of database {parsed.drivername!r}: {_KINDS}.", field="url")
    try:
        return _sqlite(parsed) if driver == "sqlite" else _database_server(parsed.set(drivername=driver))
    except ModuleNotFoundError as error:
        raise Unsupported(
            f"The driver {error.name!r} of {parsed.drivername} is not installed: pip install 'mainspring[mysql]'."
        ) from error


def _database_server(url: sa.URL) -> sa.Engine:
    return sa.create_engine(url, poolclass=NullPool, isolation_level="READ COMMITTED")


def _sqlite(url: sa.URL) -> sa.Engine:
    if url.database in (None, "", ":memory:"):
        raise InvalidArgument("A registry needs an SQLite file: sqlite:///path/to/registry.db.", field="url")
    path = Path(str(url.database))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Unavailable(f"The folder of the registry's database {path} cannot be made: {error}.") from error
    engine = sa.create_engine(url, poolclass=NullPool, connect_args={"timeout": BUSY_SECONDS})
    sa.event.listen(engine, "connect", _make_durable)
    return engine


def _make_durable(connection: DBAPIConnection, _record: object) -> None:
    """Let readers and a writer work side by side, and let a commit mean that it is on the disk."""
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.close()
