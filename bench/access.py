"""`python -m bench.access`: what accounts cost: of each request, of lists that show what one may see, of a check."""

import argparse
import json
import shlex
import signal
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from statistics import median
from urllib.parse import urlencode

from bench import BenchError, permission_checks, population, reads, report
from bench.__main__ import DATABASES, PAGE, say
from bench.cases import Goal
from bench.filling import fill
from bench.population import SMALL, Population, Shape
from bench.products import MAINSPRING, Product, mainspring_command
from bench.report import middle, number, verdict
from bench.servers import Api, Server
from bench.subject import QUICK, Account, Sample, Size, Subject
from bench.writes import log_metric_on
from mainspring.db.engine import check_url
from mainspring.kit.sql_engines import create_write_engine

BEGIN, END = "<!-- access:begin -->", "<!-- access:end -->"
KEPT = Goal("≥ 0.9×", times=0.9)
LIST = Goal("≤ 1.3×", most=1.3)
REMEMBERED = Goal("< 50 µs", most=50)
PROJECTS = 100


def variant(name: str, *arguments: str) -> Product:
    """Return Mainspring with some options of `mainspring up`."""
    return Product(name, MAINSPRING.version, lambda *where: [*mainspring_command(*where), *arguments])


RATES = "; ".join(f"{subject}=1000000000/minute" for subject in ("user", "key", "project", "address"))
OPEN = variant("auth off", "--auth", "off")
ACCOUNTS = variant("accounts, API key", "--auth", "local")
VARIANTS = [
    OPEN,
    ACCOUNTS,
    variant("and public-read", "--auth", "local", "--public-read"),
    variant("and rate limits in memory", "--auth", "local", "--rate-limits", RATES),
]
REQUESTS: dict[str, Callable[[Subject], Sample]] = {
    "log-metric, 1 connection, requests/CPU s": log_metric_on(1),
    "log-metric, 16 connections, requests/CPU s": log_metric_on(16),
    "log-metric, 64 connections, requests/CPU s": log_metric_on(64),
    "search, the newest 100 runs, ms CPU": reads.search_newest,
}
LISTS = {"GET /api/v1/projects": "", f"the same, text={population.WORDS[0]}": population.WORDS[0]}

Cells = dict[str, dict[str, list[float]]]  # row → column → a value a round


@dataclass
class Figures:
    """What was found on one database."""

    requests: Cells = field(default_factory=dict)
    lists: Cells = field(default_factory=dict)
    remembered: list[Sample] = field(default_factory=list)
    first: list[Sample] = field(default_factory=list)


def arguments() -> argparse.Namespace:
    """Return the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.access", description=__doc__)
    parser.add_argument("--database", choices=["sqlite", "postgresql", "both"], default="both")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="little data, one round: for trying, not for the docs")
    parser.add_argument("--write-docs", action="store_true", help="put the tables into docs/performance.md")
    return parser.parse_args()


class Crowd:
    """A server of a variant, with all the accounts and projects in its database."""

    def __init__(self, product: Product, database: str, size: Size, shape: Shape) -> None:
        say(f"{database}: {product.name}: {shape.users:,} users, {shape.grants:,} roles")
        self.server = Server(product, database)
        try:
            self.people = populate(self.server, shape)
            self.server.token = "" if product is OPEN else self.people.member
            self.subject = Subject(self.server, size)
            fill(self.subject, {"runs"})
        except BaseException:
            self.server.stop()
            raise


def populate(server: Server, shape: Shape) -> Population:
    """Insert the accounts and projects while the server is stopped."""
    server.halt()
    engine = create_write_engine(check_url(server.database_url or f"sqlite:///{server.folder}/data/mainspring.db"))
    with engine.begin() as tx:
        people = population.fill(tx, shape)
    engine.dispose()
    server.launch()
    return people


def measure(database: str, rounds: int, size: Size, shape: Shape) -> Figures:
    """Run everything on one database, round by round, the variants in turns."""
    found = Figures()
    with ExitStack() as stack:
        crowds: dict[str, Crowd] = {}
        for product in VARIANTS:
            crowds[product.name] = crowd = Crowd(product, database, size, shape)
            stack.callback(crowd.server.stop)
        for turn in range(rounds):
            for title, run in REQUESTS.items():
                for crowd in list(crowds.values())[:: 1 if turn % 2 == 0 else -1]:
                    crowd.server.settle(calm_windows=1)
                    note(found.requests, title, crowd.server.product.name, run(crowd.subject).value)
                say(f"{database}: {title}: {[number(cells[-1]) for cells in found.requests[title].values()]}")
            list_projects(crowds[ACCOUNTS.name], found.lists, turn)
        people = crowds[ACCOUNTS.name].people
        checks = permission_checks.measure(crowds[ACCOUNTS.name].server, people.others, rounds)
        found.remembered, found.first = checks
    return found


def list_projects(crowd: Crowd, found: Cells, turn: int) -> None:
    """Read a page of projects as an administrator and as a user; the page must hold what each is to see."""
    askers = {
        "administrator": (crowd.people.administrator, crowd.people.all_paths),
        "user": (crowd.people.member, crowd.people.paths_of_member),
    }
    for title, text in LISTS.items():
        for name in list(askers)[:: 1 if turn % 2 == 0 else -1]:
            token, paths = askers[name]
            note(found, title, name, page_of_projects(crowd, token, text, paths).milliseconds().value)


def note(cells: Cells, title: str, column: str, value: float) -> None:
    """Keep the value of a round."""
    cells.setdefault(title, {}).setdefault(column, []).append(value)


def page_of_projects(crowd: Crowd, token: str, text: str, paths: list[str]) -> Account:
    """Read a page on 4 connections, and compare it with the paths that are to be seen."""
    path = f"/api/v1/projects?{urlencode({'max_results': PROJECTS, 'text': text})}"
    with Api(crowd.server.port, token) as api:
        found = [project["path"] for project in json.loads(api.ask("GET", path))["items"]]
    if found != [each for each in paths if text in each][:PROJECTS]:
        raise BenchError(f"{path} answered with {len(found)} projects, or with others than are to be seen")
    account = crowd.subject.load("get", 4, paths=[path], token=token)
    account.expect_one_size()
    return account


def times(cells: dict[str, list[float]], column: str, first: str) -> float:
    """Return how a column compares with the first: the median of the rounds' ratios, since a round is of one moment."""
    return median(value / other for value, other in zip(cells[column], cells[first], strict=True))


def row(title: str, cells: dict[str, list[float]], first: str, goal: Goal | None, judged: str) -> str:
    """Return a row: the median of each column, and how it compares with the first one."""
    shown = [number(median(cells[first]))]
    others = [column for column in cells if column != first]
    shown += [f"{number(median(cells[column]))} ({times(cells, column, first):.2f}×)" for column in others]
    ratio = times(cells, judged, first)
    met = "" if goal is None else verdict(goal, ratio, ratio)
    return f"| {title} | {' | '.join(shown)} | {met} |"


def request_table(found: Cells) -> str:
    """Return the table of requests with and without accounts."""
    names = [product.name for product in VARIANTS]
    lines = [f"| request | {' | '.join(names)} | goal |", f"| --- | {'---: | ' * len(names)}--- |"]
    for title, cells in found.items():
        ordered = {name: cells[name] for name in names}
        goal = KEPT if title.startswith("log-metric") else None
        lines.append(row(title, ordered, OPEN.name, goal, ACCOUNTS.name))
    return "\n".join(lines)


def list_table(found: Cells, shape: Shape) -> str:
    """Return the table of lists of projects."""
    lines = [
        f"| ms CPU of a page of {PROJECTS} of {shape.projects:,} projects | administrator | user | goal |",
        "| --- | ---: | ---: | --- |",
    ]
    for title, cells in found.items():
        ordered = {name: cells[name] for name in ("administrator", "user")}
        lines.append(row(title, ordered, "administrator", LIST, "user"))
    return "\n".join(lines)


def check_table(found: Figures) -> str:
    """Return the table of permission checks."""
    remembered, first = middle(found.remembered), middle(found.first)
    return "\n".join(
        [
            "| µs CPU of a permission check | | goal |",
            "| --- | ---: | --- |",
            f"| by what the process remembers | {number(remembered)} | {verdict(REMEMBERED, None, remembered)} |",
            f"| the first of a key: account, groups, roles | {number(first)} | |",
        ]
    )


def main() -> None:
    """Run it on the databases, print the tables, and write them into the page if asked to."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the servers are stopped then, too
    options = arguments()
    size, shape = (QUICK, SMALL) if options.quick else (Size(runs=2_000), Shape())
    text = []
    for database in DATABASES[options.database]:
        found = measure(database, 1 if options.quick else options.rounds, size, shape)
        text += [f"### {report.NAMES[database]}", request_table(found.requests)]
        text += [list_table(found.lists, shape), check_table(found)]
        say("\n\n".join(text))
    command = shlex.join(["python", "-m", "bench.access", *sys.argv[1:]])
    made = f"Made by `{command}` on {report.machine(DATABASES[options.database], [MAINSPRING])}."
    document = "\n\n".join([made, *text])
    print(document)
    if options.write_docs:
        report.write_into(PAGE, document, BEGIN, END)


if __name__ == "__main__":
    main()
