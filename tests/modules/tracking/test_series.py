"""Curves and bands for charts, held against what a plain reading of all points gives."""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Connection, select

from mainspring.db import migrate
from mainspring.db.engine import check_url
from mainspring.kit.actors import LOCAL, NOBODY
from mainspring.kit.errors import InvalidArgument, Unauthenticated
from mainspring.kit.sql_engines import create_write_engine
from mainspring.modules.tracking import service
from mainspring.modules.tracking.buckets import Axis
from mainspring.modules.tracking.schemas import Batch, Metric, RunCreate, Series, SeriesQuery, XAxis
from mainspring.modules.tracking.tables import metric_blocks
from mainspring.server.schema import metadata

START = 1_700_000_000_000


@pytest.fixture(params=["sqlite", "postgresql"])
def tx(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Connection]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path}/series.db"
    else:
        url = check_url(request.getfixturevalue("postgres_database"))
    engine = create_write_engine(url)
    migrate.upgrade(engine, metadata)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def new_run(tx: Connection, started_at: int = START) -> str:
    return service.create_run(tx, LOCAL, RunCreate("0", started_at=started_at)).run_id


def log(
    tx: Connection, run_id: str, points: list[tuple[int, int, float]], key: str = "loss", at_once: int = 1000
) -> None:
    """Log (step, timestamp, value); many at once go to blocks, one by one they stay rows."""
    for start in range(0, len(points), at_once):
        metrics = [Metric(key, value, at, step) for step, at, value in points[start : start + at_once]]
        service.log_batch(tx, LOCAL, run_id, Batch(metrics))


def curve(count: int, seed: int) -> list[tuple[int, int, float]]:
    made = random.Random(seed)
    return [(step, START + step * 10, math.sin(step / 50) + made.gauss(0, 0.2)) for step in range(count)]


def series(tx: Connection, run_id: str, key: str = "loss", **query: object) -> Series:
    [found] = service.get_series(tx, LOCAL, SeriesQuery([key], [run_id], **query)).series  # type: ignore[arg-type]
    return found


def by_bucket(points: list[tuple[int, int, float]], axis: Axis, x: int = 0) -> dict[int, list[tuple[int, int, float]]]:
    buckets: dict[int, list[tuple[int, int, float]]] = {}
    for bucket, point in zip(axis.buckets(np.array([point[x] for point in points])).tolist(), points, strict=True):
        buckets.setdefault(bucket, []).append(point)
    return buckets


def expected(points: list[tuple[int, int, float]], most: int, x: int = 0) -> set[tuple[int, int, float]]:
    """Thin points by their definition: the first, the last, and the extremes of every bucket."""
    places = [point[x] for point in points]
    axis = Axis.over(min(places), max(places), (most - 2) // 2)
    kept = {min(points), max(points)}
    for inside in by_bucket(points, axis, x).values():
        kept |= {min(inside, key=lambda point: point[2]), max(inside, key=lambda point: point[2])}
    return kept


def found_points(found: Series) -> list[tuple[int, int, float]]:
    return list(zip(found.steps, found.timestamps, found.values, strict=True))  # type: ignore[arg-type]


@pytest.mark.parametrize("at_once", [1000, 400, 7])
@pytest.mark.parametrize("x", [XAxis.STEP, XAxis.TIME, XAxis.RELATIVE])
def test_extremes_of_every_bucket_are_kept(tx: Connection, at_once: int, x: XAxis) -> None:
    run_id, points = new_run(tx), curve(4000, 1)
    log(tx, run_id, points, at_once=at_once)
    found = series(tx, run_id, points=102, x=x)
    assert (found.total, found.nans) == (4000, 0)
    assert set(found_points(found)) == expected(points, 102, 0 if x is XAxis.STEP else 1)
    assert found.steps == sorted(found.steps)


@pytest.mark.parametrize("most", [102, 302])
@pytest.mark.parametrize("x", [XAxis.STEP, XAxis.TIME])
def test_buckets_of_a_long_curve_end_where_blocks_end(tx: Connection, x: XAxis, most: int) -> None:
    run_id, points = new_run(tx), curve(80_000, 7)
    log(tx, run_id, points)
    blocks = tx.execute(select(metric_blocks.c.min_step).order_by(metric_blocks.c.min_step)).scalars().all()
    assert list(blocks) == list(range(0, 80_000, 1000))
    place = 0 if x is XAxis.STEP else 1
    axis = Axis.over(points[0][place], points[-1][place], (most - 2) // 2)
    groups: dict[int, list[tuple[int, int, float]]] = {}
    for point in points:
        first = point if point[0] < 1000 or point[0] >= 79_000 else points[point[0] // 1000 * 1000]
        groups.setdefault(axis.bucket(first[place]), []).append(point)
    wanted = {points[0], points[-1]}
    for inside in groups.values():
        wanted |= {min(inside, key=lambda point: point[2]), max(inside, key=lambda point: point[2])}
    found = series(tx, run_id, points=most, x=x)
    assert found.total == 80_000
    assert len(found.steps) <= most
    assert set(found_points(found)) == wanted


def test_few_points_come_as_they_are(tx: Connection) -> None:
    run_id, points = new_run(tx), curve(300, 2)
    log(tx, run_id, points)
    assert found_points(series(tx, run_id)) == points


def test_one_spike_in_many_points_is_seen(tx: Connection) -> None:
    run_id, points = new_run(tx), [(step, START + step, 1.0) for step in range(5000)]
    points[3217] = (3217, START + 3217, 99.0)
    log(tx, run_id, points)
    assert (3217, START + 3217, 99.0) in found_points(series(tx, run_id, points=10))


@pytest.mark.parametrize("window", [(1000, 2999), (1024, 1024), (None, 500), (3500, None), (777, 3333)])
def test_a_window_of_steps(tx: Connection, window: tuple[int | None, int | None]) -> None:
    run_id, points = new_run(tx), curve(4000, 3)
    log(tx, run_id, points)
    low, high = window
    inside = [p for p in points if (low is None or p[0] >= low) and (high is None or p[0] <= high)]
    found = series(tx, run_id, points=62, start=low, end=high)
    assert found.total == len(inside)
    assert set(found_points(found)) == (expected(inside, 62) if len(inside) > 62 else set(inside))


def test_a_window_since_the_start_of_the_run(tx: Connection) -> None:
    run_id, points = new_run(tx, START - 5), curve(100, 4)
    log(tx, run_id, points)
    assert found_points(series(tx, run_id, x=XAxis.RELATIVE, start=5, end=105)) == points[:11]
    assert found_points(series(tx, run_id, x=XAxis.TIME, start=START + 980)) == points[98:]


def test_points_that_come_late_or_twice_count_once(tx: Connection) -> None:
    run_id, points = new_run(tx), curve(3000, 5)
    log(tx, run_id, points[1000:])
    log(tx, run_id, points[:1000], at_once=500)
    log(tx, run_id, points[990:1200])  # a batch sent again
    log(tx, run_id, points[1500:1503], at_once=1)
    found = series(tx, run_id, points=100)
    assert found.total == 3000
    assert set(found_points(found)) == expected(points, 100)


def test_steps_that_go_back_and_forth(tx: Connection) -> None:
    run_id = new_run(tx)
    made = random.Random(6)
    points = [(made.randrange(-500, 500), START + place, made.random()) for place in range(3000)]
    log(tx, run_id, points)
    found = series(tx, run_id, points=52)
    assert found.total == 3000
    axis = Axis.over(min(p[0] for p in points), max(p[0] for p in points), 25)
    kept = by_bucket(found_points(found), axis)
    for bucket, inside in by_bucket(points, axis).items():
        values, shown = [point[2] for point in inside], [point[2] for point in kept[bucket]]
        assert (min(values), max(values)) == (min(shown), max(shown))


def test_nans_are_counted_and_shown_where_there_is_nothing_else(tx: Connection) -> None:
    run_id = new_run(tx)
    points = [(step, START + step, math.nan if 2048 <= step < 3072 or step % 10 == 0 else 1.0) for step in range(4096)]
    log(tx, run_id, points, at_once=1000)
    found = series(tx, run_id, points=10)
    assert found.nans == sum(math.isnan(value) for *_, value in points)
    assert "NaN" in found.values
    only = new_run(tx)
    log(tx, only, [(step, START, math.nan) for step in range(2000)])
    assert set(series(tx, only, points=10).values) == {"NaN"}


def test_bands_are_of_all_runs_and_all_points(tx: Connection) -> None:
    runs = {new_run(tx): curve(2000 + 500 * seed, seed) for seed in range(3)}
    for run_id, points in runs.items():
        log(tx, run_id, points)
    [band] = service.get_series(tx, LOCAL, SeriesQuery(["loss"], groups={"lr=1": list(runs)}, points=40)).groups
    axis = Axis.over(0, 2999, 40)
    assert band.x == [axis.left(bucket) for bucket in range(40)]
    divided = [by_bucket(points, axis) for points in runs.values()]
    for bucket in range(40):
        parts = [[point[2] for point in buckets.get(bucket, [])] for buckets in divided]
        means = [statistics.fmean(part) for part in parts if part]
        assert band.runs[bucket] == len(means)
        assert band.mean[bucket] == pytest.approx(statistics.fmean(means))
        assert band.std[bucket] == pytest.approx(statistics.pstdev(means), abs=1e-12)
        assert band.min[bucket] == min(min(part) for part in parts if part)
        assert band.max[bucket] == max(max(part) for part in parts if part)


def test_a_band_over_few_steps_has_a_place_for_each(tx: Connection) -> None:
    runs = [new_run(tx) for _ in range(4)]
    for number, run_id in enumerate(runs):
        log(tx, run_id, [(step, START, float(number * step)) for step in range(10)], at_once=1)
    query = SeriesQuery(["loss"], groups={"a": runs[:2], "b": runs[2:], "none": []}, points=100)
    bands = {band.group: band for band in service.get_series(tx, LOCAL, query).groups}
    assert set(bands) == {"a", "b"}
    assert bands["b"].x == list(range(10))
    assert bands["b"].mean == [2.5 * step for step in range(10)]
    assert bands["b"].std == [0.5 * step for step in range(10)]


def test_many_runs_and_keys_in_one_answer(tx: Connection) -> None:
    runs = [new_run(tx) for _ in range(3)]
    for run_id in runs[:2]:
        for key in ("loss", "accuracy"):
            log(tx, run_id, curve(50, 8), key)
    answer = service.get_series(tx, LOCAL, SeriesQuery(["accuracy", "loss", "none"], [*runs, "0" * 32]))
    assert [(found.run_id, found.key) for found in answer.series] == [
        (run_id, key) for run_id in runs[:2] for key in ("accuracy", "loss")
    ]


@pytest.mark.parametrize("end", [2**63 - 1, -(2**63)])
def test_the_largest_steps_and_values(tx: Connection, end: int) -> None:
    run_id = new_run(tx)
    points = [(step, START, value) for step, value in ((0, 1e308), (end, -1.7e308), (end // 2, 1.7e308))]
    log(tx, run_id, points + [(step, START, 0.0) for step in range(1, 40)], at_once=50)
    assert {-1.7e308, 1.7e308} <= set(series(tx, run_id, points=6).values)
    [band] = service.get_series(tx, LOCAL, SeriesQuery(["loss"], groups={"g": [run_id]}, points=6)).groups
    assert all(math.isfinite(value) for value in [*band.mean, *band.std, *band.min, *band.max])


@pytest.mark.parametrize(
    ("query", "field"),
    [
        (SeriesQuery([], ["a"]), "keys"),
        (SeriesQuery(["loss"]), "run_ids"),
        (SeriesQuery(["loss"], ["a"], {"g": ["a"]}), "run_ids"),
        (SeriesQuery(["loss"], ["a"] * 10_001), "run_ids"),
        (SeriesQuery(["loss"], ["a"], points=3), "points"),
        (SeriesQuery(["loss"], ["a"], points=10_001), "points"),
        (SeriesQuery(["loss"], ["a"] * 1000, points=10_000), "points"),
        (SeriesQuery(["loss"], ["a"], start=2**63), "start"),
        (SeriesQuery(["loss"], ["a"], start=2, end=1), "end"),
    ],
)
def test_bad_queries_are_refused(tx: Connection, query: SeriesQuery, field: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        service.get_series(tx, LOCAL, query)
    assert refused.value.field == field


def test_reading_needs_the_permission(tx: Connection) -> None:
    with pytest.raises(Unauthenticated):
        service.get_series(tx, NOBODY, SeriesQuery(["loss"], ["a"]))
