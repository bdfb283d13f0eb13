"""`python -m bench.page`: how fast the web page is in a real Chromium: one function a measure, one table at the end.

A measure gets a `Scene` and returns samples in milliseconds; it is judged by the median, or the 95th percentile where
it says so. `--url` measures a server that runs already, in an experiment of `--experiment`.
"""

import argparse
import json
import statistics
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from playwright.sync_api import Browser, Page

from bench import bulk, dataset
from bench.browsers import chromium, tell, verdict
from bench.products import MAINSPRING
from bench.servers import Server

RUNS, QUICK_RUNS = 100_000, 2_000
ROUNDS = 5
SEEN = """
(name) => {
  function look() {
    const rows = [...document.querySelectorAll('[role=grid] [role=row] a')]
    if (rows.some((each) => each.textContent === name)) window.seenAt = performance.now()
    else requestAnimationFrame(look)
  }
  look()
}
"""
FRAMES = """
(distance) => new Promise((done) => {
  const grid = document.querySelector('[role=grid]'), times = []
  let before = performance.now(), left = 120
  function frame(now) {
    times.push(now - before)
    before = now
    grid.scrollTop += distance
    if (--left > 0) requestAnimationFrame(frame)
    else done(times.slice(1))
  }
  requestAnimationFrame(frame)
})
"""
JUMP = """
(part) => new Promise((done) => {
  const grid = document.querySelector('[role=grid]'), from = performance.now()
  grid.scrollTop = part * (grid.scrollHeight - grid.clientHeight)
  function look() {
    const middle = grid.getBoundingClientRect()
    const found = document.elementFromPoint(middle.x + 200, middle.y + middle.height / 2)
    if (found?.closest('[role=row]')?.querySelector('a')) done(performance.now() - from)
    else requestAnimationFrame(look)
  }
  requestAnimationFrame(() => requestAnimationFrame(look))
})
"""


@dataclass
class Scene:
    """A browser on a server with an experiment of many runs."""

    browser: Browser
    url: str
    experiment: str
    runs: int

    @contextmanager
    def window(self, path: str = "", script: str = "") -> Iterator[Page]:
        """Yield a new window on a page below `/-/`, with an empty cache, in which a script has run first."""
        context = self.browser.new_context(viewport={"width": 1440, "height": 900})
        page = context.new_page()
        page.add_init_script(script)
        page.goto(f"{self.url}/-/{path}")
        yield page
        context.close()

    @contextmanager
    def table(self) -> Iterator[Page]:
        """Yield a window on the table of runs, its first rows there."""
        with self.window(f"experiments/{self.experiment}") as page:
            shown(page, self.name(0))
            yield page

    def name(self, row: int) -> str:
        """Return the name of the run in a row of the table, newest first."""
        return dataset.run_row(self.runs - 1 - row).name


def shown(page: Page, name: str) -> None:
    """Wait until the table shows a run."""
    page.get_by_role("link", name=name, exact=True).wait_for()


def first_load(scene: Scene) -> list[float]:
    """Return how long it takes from nothing until rows are to be seen, by the page's own clock."""
    samples = []
    for _ in range(ROUNDS):
        script = f"({SEEN})({json.dumps(scene.name(0))})"
        with scene.window(f"experiments/{scene.experiment}", script) as page:
            page.wait_for_function("() => window.seenAt")
            samples.append(page.evaluate("window.seenAt"))
    return samples


def scrolling(scene: Scene) -> list[float]:
    """Return the time of each frame while the table is scrolled through."""
    samples: list[float] = []
    for distance in (96, 3_000):
        with scene.table() as page:
            samples += page.evaluate(FRAMES, distance)
    return samples


def jumping(scene: Scene) -> list[float]:
    """Return how long it takes until rows far away, which were never asked for, are to be seen."""
    with scene.table() as page:
        return [page.evaluate(JUMP, part) for part in (0.5, 0.9, 0.2, 0.7, 0.35)]


def filtering(scene: Scene) -> list[float]:
    """Return how long it takes from Enter in the filter until other rows are to be seen."""
    samples = []
    with scene.table() as page:
        box = page.get_by_role("combobox", name="Filter")
        for bound in (0.1, 0.3, 0.5, 0.7, 0.2):
            newest = next(
                row
                for row in map(dataset.run_row, range(scene.runs - 1, -1, -1))
                if row.metrics["m0"] > bound and row.params["p0"] == "v1"
            )
            box.fill(f"metrics.m0 > {bound} AND params.p0 = 'v1'")
            page.evaluate(
                """(name) => {
                  window.measured = new Promise((done) => {
                    window.addEventListener('keydown', () => {
                      const from = performance.now()
                      function look() {
                        const first = document.querySelector('[role=grid] [role=row][aria-rowindex="2"] a')
                        if (first?.textContent === name) done(performance.now() - from)
                        else requestAnimationFrame(look)
                      }
                      look()
                    }, { once: true, capture: true })
                  })
                }""",
                newest.name,
            )
            box.press("Enter")
            samples.append(page.evaluate("window.measured"))
    return samples


@dataclass(frozen=True)
class Measure:
    """What is measured, how, and what it is to be at most (ms); judged by a percentile."""

    title: str
    take: Callable[[Scene], list[float]]
    goal: float
    percentile: int = 50


MEASURES = [
    Measure("first load to rows visible", first_load, 1000),
    Measure("a frame while scrolling, 95th percentile", scrolling, 40, 95),
    Measure("jump to any row", jumping, 150),
    Measure("filter to new rows", filtering, 150),
]


def judged(samples: list[float], percentile: int) -> float:
    """Return a percentile of some samples."""
    if percentile == 50:
        return statistics.median(samples)
    return statistics.quantiles(samples, n=100)[percentile - 1]


def table(scene: Scene, measures: list[Measure]) -> str:
    """Return what was measured as Markdown."""
    lines = [f"| {scene.runs:,} runs | ms | worst | goal |", "| --- | ---: | ---: | --- |"]
    for measure in measures:
        samples = measure.take(scene)
        found = judged(samples, measure.percentile)
        lines.append(f"| {measure.title} | {found:.0f} | {max(samples):.0f} | {verdict(found, measure.goal)} |")
    return "\n".join(lines)


@contextmanager
def filled_server(runs: int) -> Iterator[tuple[str, str]]:
    """Yield the address of a server of one's own and an experiment of so many runs in it."""
    server = Server(MAINSPRING, "sqlite")
    try:
        experiment = server.new_experiment()
        bulk.fill(server, experiment, range(runs))
        yield f"http://127.0.0.1:{server.port}", experiment
    finally:
        server.stop()


@contextmanager
def given_server(url: str, experiment: str) -> Iterator[tuple[str, str]]:
    """Yield what was given."""
    yield url, experiment


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.page", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few runs: for trying, not for the docs")
    parser.add_argument("--url", help="a server that runs already")
    parser.add_argument("--experiment", default="1", help="its experiment of the data set's runs")
    parser.add_argument("--write-docs", action="store_true", help="put the table into docs/performance.md")
    parser.add_argument("--only", help="a part of the titles of what to measure")
    options = parser.parse_args()
    runs = QUICK_RUNS if options.quick else RUNS
    chosen = [each for each in MEASURES if not options.only or options.only in each.title]
    server = given_server(options.url, options.experiment) if options.url else filled_server(runs)
    with server as (url, experiment), chromium() as browser:
        found = table(Scene(browser, url, experiment, runs), chosen)
        tell("bench.page", browser.version, [MAINSPRING], found, "page", into_docs=options.write_docs)


if __name__ == "__main__":
    main()
