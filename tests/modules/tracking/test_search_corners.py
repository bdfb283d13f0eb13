"""Corners of searches that MLflow's store answers otherwise or cannot show: NaNs of logged models, limits, attacks."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, insert

from mainspring.db.engine import check_url
from mainspring.db.schema import metadata
from mainspring.kit.errors import InvalidArgument
from mainspring.kit.filters import MAX_CLAUSES, MAX_ORDERS
from mainspring.modules.tracking import search, tables
from mainspring.modules.tracking.schemas import DatasetScope, ModelOrder, ViewType
from mainspring.modules.tracking.search.conditions import MAX_EXPERIMENTS, MAX_PATTERN

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
        started = None if key == 5 else key
        tx.execute(insert(tables.runs), {**run, "id": key, "run_id": f"r{key}", "name": "n", "started_at": started})
        tx.execute(
            insert(tables.logged_models), {**model, "id": key, "model_id": f"m-{key}", "name": "n", "status": status}
        )
    for key, value, is_nan in POINTS:
        point = {"key": "loss", "timestamp": 1, "step": 0, "value": value, "is_nan": is_nan}
        tx.execute(insert(tables.latest_metrics), {**point, "run": key})
        dataset = {"dataset_name": "wine", "dataset_digest": "1"} if key < 3 else {"dataset_name": "iris"}
        tx.execute(insert(tables.logged_model_metrics), {**point, "model": key, "run_id": f"r{key}", **dataset})


def models(tx: Connection, text: str = "", scopes: tuple[DatasetScope, ...] = (), *order: ModelOrder) -> list[int]:
    return search.search_logged_models(tx, [1], text, scopes, 100, 0, order)


def runs(tx: Connection, text: str = "", *order: str) -> list[int]:
    return search.search_runs(tx, [1], text, ViewType.ACTIVE_ONLY, 100, 0, order)


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


def test_runs_without_a_start_come_last(tx: Connection) -> None:
    assert runs(tx) == [4, 3, 2, 1, 5]
    assert runs(tx, "", "start_time ASC") == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("text", "expected"), [("start_time > 2.5", [3, 4]), ("start_time <= 1.999", [1]), ("start_time != 2.0", [1, 3, 4])]
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
    assert search.search_runs(tx, [2**70, -1], "", ViewType.ALL, 10, 0, []) == []
    assert search.search_runs(tx, [], "", ViewType.ALL, 10, 0, []) == []
    assert len(search.search_runs(tx, range(MAX_EXPERIMENTS), "", ViewType.ALL, 10, 0, [])) == 5
    with pytest.raises(InvalidArgument, match="experiments"):
        search.search_runs(tx, range(MAX_EXPERIMENTS + 1), "", ViewType.ALL, 10, 0, [])


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
