"""`python -m bench.catalog`: pages of searches in a catalog of 10,000 projects, and the same page by a live listing.

Each database has 10,000 projects in its index, one in twenty public, one in twenty internal, with an item each that
was made of a README with front matter; 1,000 users hold roles, each in eight projects and a namespace, and more by
groups. An ordinary user asks over HTTP, on one connection, for pages of 10 items that meet a box and a time, and for
which a CQL2 filter of three conditions holds, sorted by a property; box, filter and page change from one request to
the next. Such a request counts all that is found, and every page is compared with what the next one says of the number.

Beside it is SharingHub's way, which keeps no index: projects are listed at GitLab while the user waits. The double of
GitLab serves 10,000 public projects, answering each call after 10 ms. To sort by a property, or to count what a
filter finds, every project has to be listed, a hundred a call, each of which names the place of the next. That alone is
measured here. It flatters the live listing: it has no README to read and no filter to apply for what it lists.
"""

import argparse
import http.client
import json
import random
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import Connection, select

from bench import BenchError, population, report
from bench.__main__ import DATABASES, PAGE, say
from bench.access import ACCOUNTS
from bench.cases import Goal
from bench.population import Population, Shape
from bench.processes import free_port
from bench.products import MAINSPRING, ROOT
from bench.report import number, verdict
from bench.servers import Server
from mainspring.db.engine import check_url
from mainspring.kit.sql_engines import create_write_engine
from mainspring.modules.catalog.service.categories import OWN
from mainspring.modules.catalog.service.entries import Description
from mainspring.modules.catalog.service.indexing import prepare, write_entries
from mainspring.modules.projects.tables import projects

BEGIN, END = "<!-- catalog:begin -->", "<!-- catalog:end -->"
LATENCY_MS = 10
PAGES = 200
LIVE_ROUNDS = 3
FAST = Goal("≤ 15 ms", most=15)
TIMES = Goal("≥ 20×", times=20)
CROWD = Shape(users=1_000, groups=100, namespaces=500, projects=10_000, keys=1)
SMALL = Shape(users=100, groups=20, namespaces=50, projects=500, keys=1)
README = """---
title: {title}
license: {license}
extent:
  bbox: [{west}, {south}, {east}, {north}]
  temporal: ["{start}T00:00:00Z", "{end}T00:00:00Z"]
keywords: [{keywords}]
eo:cloud_cover: {cloud}
---
# {title}

What {title} is made of, how it was made, and what it is for. {filler}
"""
LICENSES = ("MIT", "Apache-2.0", "CC-BY-4.0", "GPL-3.0-only")
WORDS = ("flood", "forest", "urban", "crop", "snow", "ship", "cloud", "coast")


@dataclass
class Figures:
    """Milliseconds of pages on a database, and of the live listing; ``cpu`` are those of CPU that a page took."""

    pages: list[float]
    live: list[float]
    items: int
    matched: int
    cpu: float = 0

    @property
    def ratio(self) -> float:
        """How many times a page is faster than the live listing."""
        return median(self.live) / median(self.pages)


def arguments() -> argparse.Namespace:
    """Return the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.catalog", description=__doc__.partition("\n")[0])
    parser.add_argument("--database", choices=["sqlite", "postgresql", "both"], default="both")
    parser.add_argument("--quick", action="store_true", help="few projects: for trying, not for the docs")
    parser.add_argument("--write-docs", action="store_true", help="put the table into docs/performance.md")
    return parser.parse_args()


def fill(tx: Connection, shape: Shape) -> Population:
    """Insert people, projects and the items of all projects."""
    people = population.fill(tx, shape)
    draw = random.Random(11)
    keys = tx.execute(select(projects.c.id, projects.c.name).where(projects.c.id > 1)).all()
    for key, name in keys:
        slug = f"{name}-{key}"
        write_entries(tx, key, slug, prepare(describe(draw, slug, key), [OWN[key % len(OWN)]]))
    return people


def describe(draw: random.Random, slug: str, key: int) -> Description:
    """Return a project such as people make: with a place, a time, a license and keywords."""
    west, south = draw.uniform(-170, 160), draw.uniform(-80, 70)
    year = draw.randint(2015, 2025)
    front = {
        "title": f"{draw.choice(WORDS).title()} {draw.choice(WORDS)} {key}",
        "license": draw.choice(LICENSES),
        "west": f"{west:.3f}",
        "south": f"{south:.3f}",
        "east": f"{west + draw.uniform(0.1, 10):.3f}",
        "north": f"{south + draw.uniform(0.1, 10):.3f}",
        "start": f"{year}-0{draw.randint(1, 9)}-01",
        "end": f"{year}-12-31",
        "keywords": ", ".join(draw.sample(WORDS, 3)),
        "cloud": draw.randint(0, 100),
        "filler": "It holds what others need. " * 20,
    }
    at = 1_700_000_000_000 + draw.randint(0, 10**10)
    return Description(slug, f"team/{slug}", str(front["title"]), "", (), at, at, readme=README.format(**front))


def queries(draw: random.Random) -> Iterator[dict[str, Any]]:
    """Yield searches, each other than those before."""
    while True:
        west, south = draw.uniform(-170, 60), draw.uniform(-80, 0)
        cover, license = draw.randint(50, 90), draw.choice(LICENSES)
        yield {
            "bbox": f"{west:.2f},{south:.2f},{west + 110:.2f},{south + 80:.2f}",
            "datetime": f"{draw.randint(2015, 2018)}-01-01T00:00:00Z/2024-06-01T00:00:00Z",
            "filter": f"eo:cloud_cover <= {cover} AND (keywords = '{draw.choice(WORDS)}' OR license = '{license}')",
            "sortby": draw.choice(["-eo:cloud_cover", "title", "-datetime", "license,-updated"]),
            "limit": 10,
        }


def ask_pages(server: Server, token: str, count: int) -> tuple[list[float], int]:
    """Return the milliseconds of each page, and how many items the searches found in the middle."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    taken: list[float] = []
    matched: list[int] = []
    for query in queries(random.Random(5)):
        path = f"/api/stac/search?{urlencode(query)}"
        for _ in range(4):
            started = time.perf_counter()
            connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
            answer = connection.getresponse()
            body = answer.read()
            taken.append((time.perf_counter() - started) * 1000)
            if answer.status != 200:
                raise BenchError(f"{path} answered {answer.status}: {body[:300]!r}")
            page = json.loads(body)
            matched.append(check(page, matched if "token=" in path else []))
            following = [each["href"] for each in page["links"] if each["rel"] == "next"]
            if len(taken) == count or not following:
                break
            path = following[0].partition(f":{server.port}")[2]
        if len(taken) == count:
            connection.close()
            return taken, int(median(matched))
    raise BenchError("there are always more searches")


def check(page: dict[str, Any], before: list[int]) -> int:
    """Return how many items a page says were found; the page before must have said the same."""
    matched = int(page["numberMatched"])
    if before and before[-1] != matched:
        raise BenchError(f"a page says that {matched} items are found, the one before said {before[-1]}")
    return matched


@contextmanager
def double(count: int) -> Iterator[int]:
    """Yield the port of a double of GitLab with many projects, which answers after a while."""
    port = free_port()
    command = [sys.executable, "-m", "tests.gitlab_double", "--port", str(port), "--bulk", str(count)]
    process = subprocess.Popen([*command, "--rate-limit", "1000000"], cwd=ROOT)
    try:
        fault = json.dumps({"match": "/api/v4/", "latency_ms": LATENCY_MS}).encode()
        for _ in range(600):
            try:
                call(port, "POST", "/__double__/faults", fault)
                break
            except OSError:
                time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        process.wait(30)


def call(port: int, method: str, path: str, body: bytes | None = None) -> tuple[list[Any], str]:
    """Return the JSON of an answer of the double, and the path of the next page."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request(method, path, body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    found = json.loads(answer.read() or b"[]")
    if answer.status >= 300:
        raise BenchError(f"the double answered {answer.status} to {path}")
    links = answer.getheader("Link") or ""
    following = [part for part in links.split(",") if 'rel="next"' in part]
    connection.close()
    return found, following[0].partition("<")[2].partition(">")[0].partition(f":{port}")[2] if following else ""


def list_live(port: int, count: int) -> float:
    """Return the milliseconds of a listing of all projects."""
    asked = {"topic": "sharinghub:dataset", "pagination": "keyset", "order_by": "id", "per_page": 100}
    path, seen = f"/api/v4/projects?{urlencode(asked)}", 0
    started = time.perf_counter()
    while path:
        found, path = call(port, "GET", path)
        seen += len(found)
    taken = (time.perf_counter() - started) * 1000
    if seen < count:
        raise BenchError(f"the double has {count} projects, {seen} were listed")
    return taken


def measure(database: str, shape: Shape, live: list[float]) -> Figures:
    """Return the figures of a database."""
    say(f"{database}: {shape.projects:,} projects")
    server = Server(ACCOUNTS, database)
    try:
        server.halt()
        engine = create_write_engine(check_url(server.database_url or f"sqlite:///{server.folder}/data/mainspring.db"))
        with engine.begin() as tx:
            people = fill(tx, shape)
        if database == "postgresql":
            # What it does by itself a minute later.
            with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.exec_driver_sql("VACUUM ANALYZE")
        engine.dispose()
        server.launch()
        ask_pages(server, people.member, 20)
        server.settle(calm_windows=1)
        with server.spending() as spent:
            pages, matched = ask_pages(server, people.member, PAGES)
    finally:
        server.stop()
    found = Figures(pages, live, len(people.paths_of_member), matched, spent.cpu / PAGES * 1000)
    say(f"{database}: p50 {median(pages):.1f} ms, p95 {at(pages, 0.95):.1f} ms, {found.ratio:.0f}×")
    return found


def at(values: list[float], share: float) -> float:
    """Return the value below which a share of the values lies."""
    return sorted(values)[int(share * (len(values) - 1))]


def table(found: dict[str, Figures]) -> str:
    """Return the table."""
    lines = [
        "| ms of a page of 10 items | p50 | p95 | goal of p50 | CPU | live listing | times faster | goal |",
        "| --- | ---: | ---: | --- | ---: | ---: | ---: | --- |",
    ]
    for database, figures in found.items():
        half, most, live = median(figures.pages), at(figures.pages, 0.95), median(figures.live)
        lines.append(
            f"| {report.NAMES[database]} | {number(half)} | {number(most)} | {verdict(FAST, None, half)} "
            f"| {number(figures.cpu)} | {number(live)} | {number(figures.ratio)} "
            f"| {verdict(TIMES, figures.ratio, None)} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Run it on the databases, print the table, and write it into the page if asked to."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the servers are stopped then, too
    options = arguments()
    shape = SMALL if options.quick else CROWD
    with double(shape.projects) as port:
        live = [list_live(port, shape.projects) for _ in range(LIVE_ROUNDS)]
    say(f"live listing: {median(live):.0f} ms")
    found = {name: measure(name, shape, live) for name in DATABASES[options.database]}
    command = shlex.join(["python", "-m", "bench.catalog", *sys.argv[1:]])
    made = f"Made by `{command}` on {report.machine(DATABASES[options.database], [MAINSPRING])}."
    first = next(iter(found.values()))
    told = f"The user sees {first.items:,} projects; a search finds {first.matched} of them in the middle."
    document = "\n\n".join([made, table(found), told])
    print(document)
    if options.write_docs:
        report.write_into(PAGE, document, BEGIN, END)


if __name__ == "__main__":
    main()
