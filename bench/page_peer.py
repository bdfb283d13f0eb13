"""`python -m bench.page_peer`: our page beside MLflow's own, on the same data in the same browser, from an empty cache.

MLflow's rows are put straight into its database: a hundred thousand runs take it hours by requests. Its table shows the
first hundred runs and loads more by a button, so that there is nothing to scroll through or to jump to.
"""

import argparse
import sqlite3
import statistics
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from playwright.sync_api import Browser, Locator, Page

from bench import bulk, dataset, page_charts
from bench.browsers import chromium, tell
from bench.products import MAINSPRING, MLFLOW
from bench.servers import Server
from mainspring.kit.ids import new_run_id

RUNS, QUICK_RUNS = 100_000, 2_000
CURVES, POINTS = 10, 100_000
ROUNDS = 3
WAIT_MS = 120_000
KEY = page_charts.KEY
AT_ONCE = 5_000
FILTER, BOUND = "metrics.m0 > {} and params.p0 = '{}'", 0.1


OUR_CURVES = (
    "() => document.querySelector('article [role=slider]') && !document.querySelector('article [aria-busy=true]')"
)
THEIR_CURVES = f"() => document.querySelectorAll('.js-plotly-plot .scatterlayer .trace').length >= {2 * CURVES}"
"""Of each curve there are two traces."""
LINKED = "(name) => [...document.querySelectorAll('a')].some((each) => each.textContent.trim() === name)"
WATCH = """
(() => {{
  const linked = {linked}, isSeen = {seen}
  const look = (from) => {{
    if (isSeen()) window.seenAt = performance.now() - from
    else requestAnimationFrame(() => look(from))
  }}
  {begin}
}})()
"""
FROM_START = "look(0)"
FROM_ENTER = "addEventListener('keydown', () => look(performance.now()), {once: true, capture: true})"


def watch(seen: str, begin: str = FROM_START) -> str:
    """Return a script that notes when something is to be seen, a function, by the page's own clock."""
    return WATCH.format(linked=LINKED, seen=seen, begin=begin)


@dataclass
class Scene:
    """A browser on a server that has an experiment of many runs, and one of a few runs with long curves."""

    browser: Browser
    url: str
    runs: int
    table: str
    charts: str
    curves: str
    search: Callable[[Page], Locator]

    @contextmanager
    def window(self, address: str, script: str) -> Iterator[Page]:
        """Yield a new window on a page, with an empty cache, in which a script has run first."""
        context = self.browser.new_context(viewport={"width": 1440, "height": 900})
        page = context.new_page()
        page.set_default_timeout(WAIT_MS)
        page.add_init_script(script)
        page.goto(f"{self.url}{address}")
        yield page
        context.close()

    def newest(self, value: str = "") -> dataset.RunRow:
        """Return the newest run, of those that a filter for this value of the param finds if there is one."""
        rows = map(dataset.run_row, range(self.runs - 1, -1, -1))
        return next(row for row in rows if not value or (row.metrics["m0"] > BOUND and row.params["p0"] == value))


def seen_at(page: Page) -> float:
    """Return when (ms) what is watched for was to be seen."""
    page.wait_for_function("() => window.seenAt")
    return float(page.evaluate("window.seenAt"))


def first_load(scene: Scene) -> list[float]:
    """Return how long it takes from nothing until rows are to be seen."""
    return loads(scene, scene.table, f"() => linked('{scene.newest().name}')")


def drawing(scene: Scene) -> list[float]:
    """Return how long it takes from nothing until all curves are to be seen."""
    return loads(scene, scene.charts, scene.curves)


def loads(scene: Scene, address: str, seen: str) -> list[float]:
    """Return how long it takes, each time in a new window."""
    samples = []
    for _ in range(ROUNDS):
        with scene.window(address, watch(seen)) as page:
            samples.append(seen_at(page))
    return samples


def filtering(scene: Scene) -> list[float]:
    """Return how long it takes from Enter in the filter until other rows are there, and those of before are not."""
    first = scene.newest()
    samples, last = [], first.name
    values = [value for value in ("v0", "v1", "v2", "v3") if value != first.params["p0"]]
    with scene.window(scene.table, watch(f"() => linked('{last}')")) as page:
        seen_at(page)
        for value in values[:ROUNDS]:
            name = scene.newest(value).name
            scene.search(page).fill(FILTER.format(BOUND, value))
            page.evaluate("delete window.seenAt")
            page.evaluate(watch(f"() => linked('{name}') && !linked('{last}')", FROM_ENTER))
            page.keyboard.press("Enter")
            samples.append(seen_at(page))
            last = name
    return samples


@contextmanager
def ours(browser: Browser, runs: int) -> Iterator[Scene]:
    """Yield our page on a new server."""
    server = Server(MAINSPRING, "sqlite")
    try:
        experiment = server.new_experiment()
        bulk.fill(server, experiment, range(runs))
        ids = page_charts.fill(server, CURVES, POINTS)
        table, charts = f"/-/experiments/{experiment}", f"/-/compare?runs={','.join(ids)}&compare.part=charts"
        box = partial(Page.get_by_role, role="combobox", name="Filter")
        yield Scene(browser, f"http://127.0.0.1:{server.port}", runs, table, charts, OUR_CURVES, box)
    finally:
        server.stop()


@contextmanager
def theirs(browser: Browser, runs: int) -> Iterator[Scene]:
    """Yield MLflow's page on a new server."""
    server = Server(MLFLOW, "sqlite")
    try:
        table, charts = server.new_experiment(), server.new_experiment()
        server.halt()
        with sqlite3.connect(server.folder / "mlflow.db") as database:
            for start in range(0, runs, AT_ONCE):
                insert(database, table, [dataset.run_row(index) for index in range(start, min(runs, start + AT_ONCE))])
            insert_curves(database, charts)
        database.close()
        server.launch()
        server.settle()
        rows, curves = (f"/#/experiments/{each}/runs" for each in (table, charts))
        curves += "?compareRunsMode=CHART"
        box = partial(Page.get_by_placeholder, text="metrics.rmse < 1 and params.model")
        yield Scene(browser, f"http://127.0.0.1:{server.port}", runs, rows, curves, THEIR_CURVES, box)
    finally:
        server.stop()


def insert(database: sqlite3.Connection, experiment: str, rows: list[dataset.RunRow]) -> list[str]:
    """Insert finished runs with all that was logged to them into MLflow's tables, and return their ids."""
    made = [(new_run_id(), row) for row in rows]
    columns = (
        "run_uuid, name, source_type, source_name, entry_point_name, user_id, status, start_time, end_time, "
        "source_version, lifecycle_stage, artifact_uri, experiment_id"
    )
    put(
        database,
        f"runs ({columns})",
        [
            (id, row.name, "UNKNOWN", "", "", "", "FINISHED", row.start_ms, row.start_ms + 500, "", "active",
             f"mlflow-artifacts:/{experiment}/{id}/artifacts", int(experiment))
            for id, row in made
        ],
    )  # fmt: skip
    put(database, "params (run_uuid, key, value)", [(id, *one) for id, row in made for one in row.params.items()])
    tags = [(id, *one) for id, row in made for one in {**row.tags, "mlflow.runName": row.name}.items()]
    put(database, "tags (run_uuid, key, value)", tags)
    points = [(id, key, value, row.start_ms, 0, False) for id, row in made for key, value in row.metrics.items()]
    for table in ("metrics", "latest_metrics"):
        put(database, f"{table} (run_uuid, key, value, timestamp, step, is_nan)", points)
    return [id for id, _ in made]


def insert_curves(database: sqlite3.Connection, experiment: str) -> None:
    """Insert runs with long curves into MLflow's tables."""
    rows = [dataset.RunRow(f"curve-{n}", dataset.FIRST_START_MS + n, {}, {KEY: 0.1}, {}) for n in range(CURVES)]
    for number, run in enumerate(insert(database, experiment, rows)):
        points = [
            (run, KEY, 1 / (1 + step * (number + 1)), dataset.FIRST_START_MS + step, step, False)
            for step in range(1, POINTS)
        ]
        put(database, "metrics (run_uuid, key, value, timestamp, step, is_nan)", points)
        latest = "UPDATE latest_metrics SET value = ?, timestamp = ?, step = ? WHERE run_uuid = ?"
        database.execute(latest, (*points[-1][2:5], run))


def put(database: sqlite3.Connection, table: str, rows: Sequence[tuple[object, ...]]) -> None:
    """Insert rows into a table, given with its columns."""
    if rows:
        database.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(rows[0]))})", rows)


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.page_peer", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few runs: for trying, not for the docs")
    parser.add_argument("--write-docs", action="store_true", help="put the table into docs/performance.md")
    options = parser.parse_args()
    runs = QUICK_RUNS if options.quick else RUNS
    found = []
    with chromium() as browser:
        for scenes in (ours, theirs):
            with scenes(browser, runs) as scene:
                samples = [first_load(scene), filtering(scene), drawing(scene)]
                found.append([statistics.median(each) for each in samples])
        titles = [
            f"first load to rows visible, {runs:,} runs",
            "filter to new rows",
            f"first load to {CURVES} curves of {POINTS:,} points",
        ]
        lines = [f"| median of {ROUNDS}, ms | ours | MLflow's | times faster |", "| --- | ---: | ---: | ---: |"]
        for title, mine, other in zip(titles, *found, strict=True):
            lines.append(f"| {title} | {mine:.0f} | {other:,.0f} | {other / mine:.1f} |")
        products = [MAINSPRING, MLFLOW]
        tell("bench.page_peer", browser.version, products, "\n".join(lines), "peer", into_docs=options.write_docs)


if __name__ == "__main__":
    main()
