"""Columns of rows as PostgreSQL's arrays: what is written is what is read, for every type that a table has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    Engine,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    select,
)
from sqlalchemy.dialects import postgresql

from mainspring.db.engine import check_url
from mainspring.kit.sql_arrays import array_type
from mainspring.kit.sql_engines import create_write_engine, insert_rows, update_rows, upsert_rows
from mainspring.server.schema import metadata
from tests.components.postgres import Postgres, create_database

SAMPLES = Table(
    "samples",
    MetaData(),
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("large", BigInteger),
    Column("middle", Integer),
    Column("small", SmallInteger),
    Column("number", Double),
    Column("truth", Boolean),
    Column("short", String(200, collation="C")),
    Column("text", Text),
    Column("data", LargeBinary),
)
COLUMNS = tuple(column.name for column in SAMPLES.columns)[1:]
texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=50)
row = st.tuples(
    st.integers(-(2**63), 2**63 - 1),
    st.integers(-(2**31), 2**31 - 1),
    st.integers(-(2**15), 2**15 - 1),
    st.floats(allow_nan=False),
    st.booleans(),
    texts,
    texts,
    st.binary(max_size=50),
)
rows_of_any = st.lists(
    row.flatmap(lambda values: st.tuples(*(st.just(value) | st.none() for value in values))), min_size=1
)


@pytest.fixture(scope="module")
def engine(postgres: Postgres) -> Iterator[Engine]:
    """A database with a table of samples."""
    engine = create_write_engine(check_url(postgres.database_url(create_database(postgres))))
    SAMPLES.metadata.create_all(engine)
    yield engine
    engine.dispose()


def read(engine: Engine) -> list[Any]:
    with engine.begin() as tx:
        return [tuple(found) for found in tx.execute(select(SAMPLES).order_by(SAMPLES.c.id))]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(rows=rows_of_any)
def test_what_is_written_is_read(engine: Engine, rows: list[tuple[Any, ...]]) -> None:
    given_rows = [(key, *values) for key, values in enumerate(rows)]
    with engine.begin() as tx:
        tx.execute(SAMPLES.delete())
        insert_rows(tx, SAMPLES, ("id", *COLUMNS), given_rows, ignore=False)
    assert read(engine) == given_rows
    turned = [(key, *values) for key, values in enumerate(rows[::-1])]
    with engine.begin() as tx:
        upsert_rows(tx, SAMPLES, ("id", *COLUMNS), turned)
    assert read(engine) == turned
    with engine.begin() as tx:
        update_rows(tx, SAMPLES, (*COLUMNS, "id"), [(*values, key) for key, *values in given_rows])
    assert read(engine) == given_rows


def test_every_column_of_ours_has_a_type_that_can_be_sent() -> None:
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    for table in metadata.tables.values():
        for column in table.columns:
            array_type(column.type.compile(dialect).partition("(")[0].partition(" COLLATE")[0])
