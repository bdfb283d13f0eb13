"""Corners of searches that MLflow's store answers otherwise or cannot show: NaNs of logged models, limits, attacks."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, insert, text, update

from mainspring.db.engine import check_url
from mainspring.kit.errors import InvalidArgument
from mainspring.kit.filters import MAX_CLAUSES, MAX_ORDERS
from mainspring.modules.tracking import search, tables
from mainspring.modules.tracking.schemas import DatasetScope, ModelOrder, ViewType
from mainspring.modules.tracking.search import walks
from mainspring.modules.tracking.search.conditions import MAX_EXPERIMENTS, MAX_PATTERN
from mainspring.server.schema import metadata

POINTS = [(1, 0.5, False), (2, 0.0, True), (3, 0.0, False), (4, -1.0, False)]
"""Model, value, is NaN; the fifth model has no metric."""
STATUSES = ["READY", "PENDING", "FAILED", "READY", "PENDING"]


@pytest.fixture(params=["sqlite", "postgres"])
def tx(request: pytest.FixtureRequest) -> Iterator[Connection]:
    """One experiment with five runs and five logged models, of which four have the metric ``loss``."""
    url = "sqlite://" if request.param == "sqlite" else check_url(request.getfixturevalue("postgres_database"))
    engine = create_engine(url)
    with engine.begin() as tx:
        metadata.create_all(tx)
        fill(tx)
        yield tx
    engine.dispose()


def fill(tx: Connection) -> None:
    experiment = {"id": 1, "name": "e", "artifact_location": "a", "lifecycle_stage": "active"}
    tx.execute(insert(tables.experiments), {**experiment, "created_at": 0, "updated_at": 0})
    common: dict[str, Any] = {"experiment": 1, "artifact_uri": "a", "lifecycle_stage": "active"}
    run = {**common, "user_id": "u", "status": "FINISHED"}
    model = {**common, "created_at": 0, "updated_at": 0}
    for key, status in enumerate(STATUSES, start=1):
        started = 0 if key == 5 else key
        tx.execute(insert(tables.runs), {**run, "id": key, "run_id": f"r{key}", "name": "n", "started_at": started})
        tx.execute(
            insert(tables.logged_models), {**model, "id": key, "model_id": f"m-{key}", "name": "n", "status": status}
        )
    for key, value, is_nan in POINTS:
        point = {"key": "loss", "timestamp": 1, "step": 0, "value": value, "is_nan": is_nan}
        tx.execute(insert(tables.latest_metrics), {**point, "run": key, "experiment": 1})
        dataset = {"dataset_name": "wine", "dataset_digest": "1"} if key < 3 else {"dataset_name": "iris"}
        tx.execute(insert(tables.logged_model_metrics), {**point, "model": key, "run_id": f"r{key}", **dataset})


def models(tx: Connection, text: str = "", scopes: tuple[DatasetScope, ...] = (), *order: ModelOrder) -> list[int]:
    return search.search_logged_models(tx, [1], text, scopes, 100, 0, order)


def runs(tx: Connection, text: str = "", *order: str) -> list[int]:
    return [key for key, *_ in search.RunQuery([1], text, ViewType.ACTIVE_ONLY, order).find(tx, 100)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("metrics.loss = 0", [3]),
        ("metrics.loss < 1", [1, 3, 4]),
        ("metrics.loss != 0", [1, 2, 4]),
        ("metrics.loss >= -1e999", [1, 3, 4]),
    ],
)
def test_a_nan_is_no_number(tx: Connection, text: str, expected: list[int]) -> None:
    assert sorted(models(tx, text)) == expected
    assert sorted(runs(tx, text)) == expected


@pytest.mark.parametrize(("ascending", "expected"), [(True, [4, 3, 1, 2, 5]), (False, [1, 3, 4, 2, 5])])
def test_a_nan_comes_after_numbers_and_before_what_is_missing(
    tx: Connection, ascending: bool, expected: list[int]
) -> None:
    assert models(tx, "", (), ModelOrder("metrics.loss", ascending)) == expected
    assert runs(tx, "", f"metrics.loss {'ASC' if ascending else 'DESC'}") == expected


def test_runs_are_ordered_by_their_start(tx: Connection) -> None:
    assert runs(tx) == [4, 3, 2, 1, 5]
    assert runs(tx, "", "start_time ASC") == [5, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("start_time > 2.5", [3, 4]), ("start_time <= 1.999", [1, 5]), ("start_time != 2.0", [1, 3, 4, 5])],
)
def test_a_time_may_have_a_fraction(tx: Connection, text: str, expected: list[int]) -> None:
    assert sorted(runs(tx, text)) == expected


def test_the_status_of_a_logged_model_is_its_name(tx: Connection) -> None:
    """MLflow's store holds a number there, so that no name ever matches."""
    assert sorted(models(tx, "status = 'READY'")) == [1, 4]
    assert models(tx, "", (), ModelOrder("status")) == [2, 5, 1, 4, 3]


@pytest.mark.parametrize("text", ["", "metrics.loss > -9 AND name = 'n'"])
def test_a_dataset_without_digest_is_any_of_its_name(tx: Connection, text: str) -> None:
    """Over REST MLflow takes no digest for the digest NULL."""
    nans = [2] if not text else []
    assert sorted(models(tx, text, (DatasetScope("wine"),))) == [1, *nans]
    assert models(tx, text, (DatasetScope("wine", "2"),)) == []


@pytest.mark.parametrize(
    "text",
    [
        " AND ".join(f"params.x{n} != 'y'" for n in range(MAX_CLAUSES)),
        f"run_id IN ({', '.join(['1'] * 5000)})".replace("1", "'1'"),
    ],
)
def test_the_largest_filters_reach_the_database(tx: Connection, text: str) -> None:
    assert runs(tx, text) == []


def test_the_most_sort_keys_reach_the_database(tx: Connection) -> None:
    assert runs(tx, "", *(f"metrics.m{n}" for n in range(MAX_ORDERS))) == [4, 3, 2, 1, 5]
    assert models(tx, "", (), *(ModelOrder(f"metrics.m{n}") for n in range(MAX_ORDERS))) == [1, 2, 3, 4, 5]


def test_the_longest_pattern_reaches_the_database(tx: Connection) -> None:
    for character in ("*", "é", "%", "\\", "["):
        assert runs(tx, f"run_name LIKE '{character * MAX_PATTERN}'") == ([4, 3, 2, 1, 5] if character == "%" else [])
        assert runs(tx, f"run_name ILIKE '{character * MAX_PATTERN}'") == ([4, 3, 2, 1, 5] if character == "%" else [])
    with pytest.raises(InvalidArgument, match="pattern"):
        runs(tx, f"run_name LIKE '{'x' * (MAX_PATTERN + 1)}'")


def test_experiments_that_cannot_be_are_not_searched(tx: Connection) -> None:
    assert search.RunQuery([2**70, -1], "", ViewType.ALL, []).find(tx, 10) == []
    assert search.RunQuery([], "", ViewType.ALL, []).find(tx, 10) == []
    assert len(search.RunQuery(range(MAX_EXPERIMENTS), "", ViewType.ALL, []).find(tx, 10)) == 5
    with pytest.raises(InvalidArgument, match="experiments"):
        search.RunQuery(range(MAX_EXPERIMENTS + 1), "", ViewType.ALL, [])


def test_sort_keys_that_are_refused(tx: Connection) -> None:
    with pytest.raises(InvalidArgument, match="duplicate"):
        runs(tx, "", "start_time", "created DESC")
    with pytest.raises(InvalidArgument, match="Only metrics"):
        models(tx, "", (), ModelOrder("params.a"))
    with pytest.raises(InvalidArgument, match="Valid names"):
        models(tx, "", (), ModelOrder("tags"))
    with pytest.raises(InvalidArgument, match="dataset_name"):
        models(tx, "", (DatasetScope(""),))


@pytest.mark.parametrize("text", ["run_name = ''' OR 1=1 --'", 'run_name = "\'; DROP TABLE runs; --"'])
def test_a_filter_is_no_sql(tx: Connection, text: str) -> None:
    assert runs(tx, text) == []
    assert len(runs(tx)) == 5


LONG = "é" * 99
LONG_TEXTS = {1: f"{LONG}a", 2: f"{LONG}b", 3: f"{LONG}aa", 4: LONG, 5: f"{LONG}a\U0010ffff"}
"""Values that indexes tell apart by their first hundred characters, if at all."""
BY_TEXT = [4, 1, 3, 5, 2]


@pytest.mark.parametrize("few", [0.0, 0.02, 1.0])
def test_texts_that_begin_alike(tx: Connection, monkeypatch: pytest.MonkeyPatch, few: float) -> None:
    monkeypatch.setattr(walks, "FEW", few)
    for key, value in LONG_TEXTS.items():
        tx.execute(insert(tables.tags), {"run": key, "key": "long", "value": value, "experiment": 1})
        tx.execute(update(tables.runs).where(tables.runs.c.id == key).values(name=value))
    for column in ("tags.long", "run_name"):
        assert runs(tx, "", column) == BY_TEXT
        assert runs(tx, "", f"{column} DESC") == BY_TEXT[::-1]
        for order in ((), (column,)):
            found = [runs(tx, f"{column} = '{value}'", *order) for value in LONG_TEXTS.values()]
            assert found == [[key] for key in LONG_TEXTS]
        assert sorted(runs(tx, f"{column} LIKE '{LONG}a%'")) == [1, 3, 5]
        assert sorted(runs(tx, f"{column} LIKE '{LONG}a_'")) == [3, 5]
        assert runs(tx, f"{column} LIKE '{LONG}aa'") == [3]
        assert runs(tx, f"{column} != '{LONG}b' AND {column} LIKE '{LONG[:50]}%'", column) == [4, 1, 3, 5]
        query = search.RunQuery([1], "", ViewType.ACTIVE_ONLY, [column])
        assert [query.find(tx, 1, offset=place)[0][0] for place in range(5)] == BY_TEXT
        matches = query.find(tx, 1)
        while page := query.find(tx, 1, matches[-1][1:]):
            matches += page
        assert [match[0] for match in matches] == BY_TEXT


def test_texts_are_in_the_order_of_their_code_points(tx: Connection) -> None:
    """Whatever the language of a PostgreSQL database: positions of pages are compared with them."""
    texts = ["", "B", "a", "é", "\ud7ff", "\ue000", "\U00010000"]
    for key, value in enumerate(texts[:5], start=1):
        tx.execute(insert(tables.params), {"run": key, "key": "p", "value": value, "experiment": 1})
    assert runs(tx, "", "params.p") == [1, 2, 3, 4, 5]
    assert runs(tx, "params.p LIKE '\ud7ff%'") == [5]
    if tx.dialect.name == "postgresql":
        columns = "SELECT column_name, collation_name FROM information_schema.columns WHERE table_name = :table"
        found = {table: dict(tx.execute(text(columns), {"table": table}).all()) for table in ("runs", "params", "tags")}
        assert {found[table]["value"] for table in ("params", "tags")} == {"C"}
        assert {found["runs"][name] for name in ("run_id", "name", "user_id", "status", "artifact_uri")} == {"C"}


@pytest.mark.parametrize(
    ("filter", "expected"),
    [
        ("metrics.loss > 0 AND metrics.loss < 0", []),
        ("metrics.loss >= 0.5 AND metrics.loss <= 0.5", [1]),
        ("metrics.loss > -1 AND metrics.loss > -2 AND metrics.loss < 9", [3, 1]),
        ("metrics.loss != 0.5 AND metrics.loss != 7", [4, 3, 2]),
        ("start_time > 1.5 AND start_time < 3.5 AND start_time != 9e99", [2, 3]),
        ("start_time = 2.5", []),
        ("start_time < -1e30", []),
        ("start_time > -1e30 AND start_time < 1e30", [4, 3, 1, 2, 5]),
        ("status = 'FINISHED' AND status LIKE '%X'", []),
        ("status LIKE 'FINISHED'", [4, 3, 1, 2, 5]),
        ("run_id IN ('r1', 'r3', 'none') AND run_id != 'r3'", [1]),
        ("end_time > 0", []),
    ],
)
@pytest.mark.parametrize("few", [0.0, 1.0])
def test_conditions_on_one_thing(
    tx: Connection, monkeypatch: pytest.MonkeyPatch, filter: str, expected: list[int], few: float
) -> None:
    monkeypatch.setattr(walks, "FEW", few)
    found = runs(tx, filter, "metrics.loss")
    assert found == [key for key in [4, 3, 1, 2, 5] if key in expected]
    assert sorted(runs(tx, filter, "start_time ASC")) == sorted(expected)
