"""`python -m bench.page_charts`: charts in a real Chromium: long curves, live points, and what stays in memory.

Ten minutes of live points are made to pass sooner: the browser's clock is set forward from one look at the server to
the next. So all that a page does in ten minutes is done, as often, in less time; what time alone would change is not.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from playwright.sync_api import Browser, Page

from bench.browsers import chromium, tell, verdict
from bench.products import MAINSPRING
from bench.servers import Api, Server
from mainspring.db.engine import check_url
from mainspring.kit.sql_engines import create_write_engine
from mainspring.modules.tracking.blocks import arrange
from mainspring.modules.tracking.store import blocks, compaction
from mainspring.modules.tracking.store import runs as run_store

RUNS, POINTS = 50, 1_000_000
KEY = "loss"
START_MS = 1_700_000_000_000
LOOK_MS = 700
LOOKS = 10 * 60 * 1000 // LOOK_MS
LIVE_POINTS = 10
DRAWN = """
(act) => new Promise((done) => {
  const plot = document.querySelector('article [role=slider]')
  const before = plot.ariaValueMax + plot.ariaValueMin, from = performance.now()
  document.querySelectorAll('[role=toolbar] button').forEach((each) => each.textContent === act && each.click())
  function look() {
    const plot = document.querySelector('article [role=slider]')
    const isNew = plot && plot.ariaValueMax + plot.ariaValueMin !== before
    if (isNew && !document.querySelector('article [aria-busy=true]')) done(performance.now() - from)
    else requestAnimationFrame(look)
  }
  look()
})
"""


@dataclass
class Scene:
    """A browser on a server, and the ids of finished runs that have long curves."""

    browser: Browser
    server: Server
    run_ids: list[str]

    def window(self, *run_ids: str) -> Page:
        """Return a new window on the charts of some runs, drawn."""
        page = self.browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
        page.clock.install()
        page.goto(f"http://127.0.0.1:{self.server.port}/-/compare?runs={','.join(run_ids)}&compare.part=charts")
        page.get_by_role("article").get_by_role("slider").first.wait_for()
        return page


def fill(server: Server, runs: int, points: int) -> list[str]:
    """Return new runs of so many points each: put into the store as compaction would have put them."""
    experiment = server.new_experiment()
    with server.api() as api:
        new = {"experiment_id": experiment, "start_time": START_MS}
        made = [str(api.post("runs/create", new)["run"]["info"]["run_id"]) for _ in range(runs)]
        for run in made:
            log(api, run, points - 1, 0.1)
            api.post("runs/update", {"run_id": run, "status": "FINISHED"})
    server.halt()
    engine = create_write_engine(check_url(f"sqlite:///{server.folder}/data/mainspring.db"))
    steps = np.arange(points - 1)
    for number, run in enumerate(made):
        noise = np.random.default_rng(number).normal(0, 0.02, points - 1)
        curve = arrange(START_MS + steps * 10, steps, np.exp(-steps / points * (3 + number / 10)) + noise)
        with engine.begin() as tx:
            key = run_store.find_keys(tx, [run])[run].key
            blocks.insert_blocks(tx, [(key, KEY, piece) for piece in compaction.pieces(curve)])
    engine.dispose()
    server.launch()
    server.settle()
    return made


def log(api: Api, run: str, step: int, value: float) -> None:
    """Log one point."""
    at = START_MS + step * 10
    api.post("runs/log-metric", {"run_id": run, "key": KEY, "value": value, "step": step, "timestamp": at})


def drawing(scene: Scene) -> float:
    """Return how long it takes (ms, median) from a click until all curves are drawn over another axis."""
    samples: list[float] = []
    for _ in range(3):
        page = scene.window(*scene.run_ids)
        page.clock.resume()
        samples += [float(page.evaluate(DRAWN, axis)) for axis in ("Time", "Relative")]
        page.context.close()
    return statistics.median(samples)


def live_point(scene: Scene) -> float:
    """Return how long it takes (ms, the worst) from the answer to a log-metric until the point is to be seen."""
    samples = []
    with scene.server.api() as api:
        run = running(api, scene)
        page = scene.window(run)
        page.clock.resume()
        for step in range(2, LIVE_POINTS):
            log(api, run, step, 1 / step)
            begin = time.perf_counter()
            seen(page, step)
            samples.append((time.perf_counter() - begin) * 1000)
    page.context.close()
    return max(samples)


def heap(scene: Scene) -> float:
    """Return the heap (MB) after as many live points as there are looks in ten minutes."""
    with scene.server.api() as api:
        run = running(api, scene)
        page = scene.window(run)
        for step in range(2, LOOKS):
            log(api, run, step, 1 / step)
            page.clock.run_for(LOOK_MS)
        page.clock.resume()
        seen(page, LOOKS - 1)
    tools = page.context.new_cdp_session(page)
    tools.send("HeapProfiler.collectGarbage")
    used = tools.send("Runtime.getHeapUsage")["usedSize"]
    page.context.close()
    return float(used) / 1e6


def running(api: Api, scene: Scene) -> str:
    """Return a new run that has two points and goes on."""
    experiment = scene.server.new_experiment()
    run = str(api.post("runs/create", {"experiment_id": experiment})["run"]["info"]["run_id"])
    log(api, run, 0, 1.0)
    log(api, run, 1, 0.9)
    return run


def seen(page: Page, step: int) -> None:
    """Wait until the chart reaches a step."""
    page.wait_for_function(
        "(step) => document.querySelector('article [role=slider]')?.ariaValueMax === String(step)", arg=step
    )


@dataclass(frozen=True)
class Measure:
    """What is measured, how, in which unit, and what it is to be at most."""

    title: str
    take: Callable[[Scene], float]
    unit: str
    goal: float


MEASURES = [
    Measure(f"{RUNS} runs × {POINTS:,} points drawn", drawing, "ms", 500),
    Measure("a point logged until it is seen, the worst", live_point, "ms", 1000),
    Measure(f"heap after {LOOKS} live updates (ten minutes)", heap, "MB", 100),
]


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.page_charts", description=__doc__)
    parser.add_argument("--write-docs", action="store_true", help="put the table into docs/performance.md")
    options = parser.parse_args()
    server = Server(MAINSPRING, "sqlite")
    lines = ["| charts | found | goal |", "| --- | ---: | --- |"]
    try:
        run_ids = fill(server, RUNS, POINTS)
        with chromium() as browser:
            scene = Scene(browser, server, run_ids)
            for measure in MEASURES:
                found = measure.take(scene)
                judged = verdict(found, measure.goal, measure.unit)
                lines.append(f"| {measure.title} | {found:.0f} {measure.unit} | {judged} |")
            table = "\n".join(lines)
            tell("bench.page_charts", browser.version, [MAINSPRING], table, "charts", into_docs=options.write_docs)
    finally:
        server.stop()


if __name__ == "__main__":
    main()
