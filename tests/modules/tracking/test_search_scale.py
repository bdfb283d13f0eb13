"""What a search of runs costs does not depend on how many runs there are."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine

from mainspring.db.engine import check_url
from mainspring.kit import sql_engines
from mainspring.modules.tracking.schemas import ViewType
from mainspring.modules.tracking.search import RunQuery, walks
from mainspring.modules.tracking.search import runs as runs_search
from mainspring.server.schema import metadata
from tests.components.postgres import create_database, drop_database
from tests.modules.tracking import scale

PAGE = 100
SMALL, LARGE = 1, 2
"""The two experiments of a filled database."""
QUICK_SIZES = {SMALL: 2_000, LARGE: 20_000}
SLOW_SIZES = {SMALL: 10_000, LARGE: 1_000_000}
DEEP = 0.6
"""Where in the results a deep page begins."""

SEARCHES = [
    ("", ""),
    ("", "start_time ASC"),
    ("", "end_time DESC"),
    ("", "end_time"),
    ("", "status DESC"),
    ("", "run_name"),
    ("", "metrics.loss"),
    ("", "metrics.accuracy DESC"),
    ("", "metrics.epochs"),
    ("", "metrics.rare"),
    ("", "params.seed DESC"),
    ("", "params.lr"),
    ("", "params.lr, params.optimizer, start_time"),
    ("metrics.loss > 0.5 AND params.lr != '0.1'", "metrics.loss DESC"),
    ("params.optimizer = 'sgd'", ""),
    ("params.optimizer = 'sgd'", "end_time DESC"),
    ("status = 'FAILED'", ""),
    ("status = 'FAILED'", "metrics.loss"),
    ("run_name LIKE 'run-1%'", "metrics.loss"),
    ("tags.none IS NULL", "metrics.loss"),
    ("tags.team IS NOT NULL", ""),
    ("tags.rare = 'yes'", ""),
    ("tags.rare LIKE 'y%' AND metrics.loss > 0.1", "metrics.loss"),
    ("metrics.rare != -1", "params.lr"),
    ("params.seed = '7919'", "metrics.loss"),
    ("metrics.loss >= 0.5 AND metrics.loss < 0.55", "start_time ASC"),
    ("end_time < 1700000002000", "metrics.loss"),
    ("run_id IN ('r1', 'r2')", ""),
]
# So few of the runs fit that a page takes some thousands, if there are so many.
SLOW_SEARCHES = [
    *SEARCHES,
    ("", "tags.team, metrics.loss DESC"),
    ("metrics.loss > 0.5 AND params.lr = '0.1'", "metrics.accuracy"),
    ("params.seed LIKE '1%'", ""),
]
ORDERS = sorted({order for _, order in SLOW_SEARCHES} | {"user_id", "run_id DESC", "metrics.none", "params.none DESC"})


@dataclass(frozen=True)
class Filled:
    """A database with a small and a large experiment; ``work`` tells what a call costs it."""

    tx: Connection
    sizes: dict[int, int]
    work: Callable[[Callable[[], object]], int]
    explain: str


def vm_steps(tx: Connection) -> Callable[[Callable[[], object]], int]:
    """Return what counts the hundreds of instructions of SQLite's virtual machine."""
    driver = tx.connection.dbapi_connection

    def count(call: Callable[[], object]) -> int:
        steps = 0

        def step() -> None:
            nonlocal steps
            steps += 1

        driver.set_progress_handler(step, 100)
        call()
        driver.set_progress_handler(None, 0)
        return steps

    return count


def blocks(tx: Connection) -> Callable[[Callable[[], object]], int]:
    """Return what counts the blocks that PostgreSQL looks at."""

    def count(call: Callable[[], object]) -> int:
        total = 0
        for [(plan,)] in explained(tx, call, "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON)"):
            total += plan[0]["Plan"]["Shared Hit Blocks"] + plan[0]["Plan"]["Shared Read Blocks"]
        return total

    return count


def explained(tx: Connection, call: Callable[[], object], how: str) -> list[Any]:
    """Run a search, and return how each of its statements is explained."""
    plans = []

    def select_rows(tx: Connection, statement: str, values: Any = ()) -> list[Any]:
        plans.append(sql_engines.select_rows(tx, f"{how} {statement}", values))
        return sql_engines.select_rows(tx, statement, values)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(walks, "select_rows", select_rows)
        patch.setattr(runs_search, "select_rows", select_rows)
        call()
    return plans


def filled(url: str, sizes: dict[int, int]) -> Iterator[Filled]:
    engine = create_engine(check_url(url))
    with engine.begin() as tx:
        metadata.create_all(tx)
        scale.fill(tx, SMALL, sizes[SMALL])
        scale.fill(tx, LARGE, sizes[LARGE], first=sizes[SMALL])
        sqlite = engine.dialect.name == "sqlite"
        yield Filled(tx, sizes, (vm_steps if sqlite else blocks)(tx), "EXPLAIN QUERY PLAN" if sqlite else "EXPLAIN")
    engine.dispose()


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def quick(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    yield from of_sizes(QUICK_SIZES, request, tmp_path_factory.mktemp("quick"))


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def slow(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    yield from of_sizes(SLOW_SIZES, request, tmp_path_factory.mktemp("slow"))


def of_sizes(sizes: dict[int, int], request: pytest.FixtureRequest, folder: Path) -> Iterator[Filled]:
    """Yield a filled database, and leave nothing of it behind: it is large."""
    if request.param == "sqlite":
        yield from filled(f"sqlite:///{folder / 'filled.db'}", sizes)
        shutil.rmtree(folder)
        return
    server = request.getfixturevalue("postgres")
    name = create_database(server)
    try:
        yield from filled(server.database_url(name), sizes)
    finally:
        drop_database(server, name)


def query(experiment: int, text: str, order: str) -> RunQuery:
    return RunQuery([experiment], text, ViewType.ACTIVE_ONLY, [key for key in order.split(", ") if key])


def check_flat(db: Filled, text: str, order: str) -> None:
    """Compare a first page, and one from behind a run deep in the results, of the two experiments."""
    costs = []
    for experiment in (SMALL, LARGE):
        search = query(experiment, text, order)
        deep = search.find(db.tx, 1, offset=int(db.sizes[experiment] * DEEP)) or search.find(db.tx, 1)
        positions = [(), *(match[1:] for match in deep)]
        costs.append([db.work(partial(search.find, db.tx, PAGE, position)) for position in positions])
    for small, large in zip(*costs, strict=True):
        assert large <= 3 * small + 200, f"{costs} for {text!r} by {order!r}"


@pytest.mark.parametrize(("text", "order"), SEARCHES)
def test_a_page_costs_the_same_among_ten_times_as_many(quick: Filled, text: str, order: str) -> None:
    check_flat(quick, text, order)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("text", "order"), SLOW_SEARCHES)
def test_a_page_costs_the_same_among_a_hundred_times_as_many(slow: Filled, text: str, order: str) -> None:
    check_flat(slow, text, order)


@pytest.mark.parametrize(("text", "order"), SLOW_SEARCHES)
@pytest.mark.parametrize("experiment", [SMALL, LARGE])
def test_no_table_is_read_to_its_end(quick: Filled, text: str, order: str, experiment: int) -> None:
    plans = explained(quick.tx, lambda: query(experiment, text, order).find(quick.tx, PAGE), quick.explain)
    lines = [str(line[-1]) for plan in plans for line in plan]
    assert [line for line in lines if re.search(r"SEARCH|Index (Only )?Scan", line)]
    assert [line for line in lines if re.search(r"Seq Scan|SCAN (r|t|d|i|p|s\d+)\b", line)] == []


@pytest.mark.parametrize("few", [0.01, 1.0, 100.0])
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("text", ["", "params.optimizer = 'sgd'"])
def test_any_place_of_a_table(
    quick: Filled, monkeypatch: pytest.MonkeyPatch, text: str, order: str, few: float
) -> None:
    monkeypatch.setattr(walks, "FEW", few)
    search = query(SMALL, text, order)
    everything = search.find(quick.tx, quick.sizes[SMALL])
    assert len({match[0] for match in everything}) == len(everything)
    for place in (0, 1, 7, 50, 199, 200, 1_000, 1_999, 2_000, 9_999):
        assert search.find(quick.tx, 9, offset=place) == everything[place : place + 9], place
        page = search.find(quick.tx, 9, everything[min(place, len(everything) - 1)][1:], 3)
        assert page == everything[place + 4 : place + 13], place


def test_counts_are_exact_or_none(quick: Filled) -> None:
    runs = quick.sizes[LARGE]
    for text, count in {
        "": runs,
        "tags.rare = 'yes'": 50,
        "status = 'FAILED'": runs // 10,
        "params.optimizer = 'sgd' AND tags.none IS NULL": runs // 10,
        "metrics.none > 0": 0,
    }.items():
        assert query(LARGE, text, "metrics.loss").count(quick.tx, runs // 10) == count, text
    assert query(LARGE, "status = 'FAILED'", "").count(quick.tx, runs // 10 - 1) is None
    assert query(LARGE, "tags.none = 'x' AND tags.team ILIKE '%'", "").count(quick.tx, 10) == 0
    assert query(LARGE, "tags.none IS NULL", "").count(quick.tx, 10) is None
    both = RunQuery([SMALL, LARGE], "status = 'FAILED'", ViewType.ALL, [])
    assert both.count(quick.tx, runs) == (runs + quick.sizes[SMALL]) // 10


def test_what_costs_more_among_more_runs_would_be_noticed(quick: Filled) -> None:
    with pytest.raises(AssertionError, match="user_id"):
        check_flat(quick, "", "user_id")
