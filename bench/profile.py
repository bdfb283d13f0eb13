"""`python -m bench.profile`: where the CPU time of a request goes, for the cases that are short of their goals.

While the load of a case runs, the CPU time of the server's event loop (its main thread), of its other threads (the
writer's, the readers'), and of PostgreSQL's processes is read from the kernel, which counts it in hundredths of a
second. What follows within a second and a half belongs to it, as in `python -m bench`. `GET /health` is a request of
which nothing is asked: what HTTP costs alone.
"""

import argparse
import shlex
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass, fields
from typing import Any

import psutil

from bench import report
from bench.__main__ import DATABASES, PAGE, say
from bench.cases import cases
from bench.filling import fill
from bench.processes import tree
from bench.products import MAINSPRING
from bench.report import number
from bench.servers import Server, Spent
from bench.subject import QUICK, Account, Sample, Size, Subject

BEGIN, END = "<!-- profile:begin -->", "<!-- profile:end -->"
SHORT = (
    *("log-metric-1", "log-metric-16", "log-batch", "create-run", "log-parameter", "set-tag", "get-run"),
    *("search-filter", "page-1000", "bulk-interval", "series"),
)
"""The cases of which one database or the other is short of the goal."""


@dataclass(frozen=True)
class Parts:
    """CPU seconds; ``kernel`` is how much of all of them was spent in the kernel."""

    event_loop: float = 0.0
    threads: float = 0.0
    sessions: float = 0.0
    database: float = 0.0
    kernel: float = 0.0

    def since(self, before: "Parts", requests: int) -> "Parts":
        """Return the microseconds of a request of what was spent between two looks."""
        each = zip(astuple(self), astuple(before), strict=True)
        return Parts(*((now - then) / requests * 1e6 for now, then in each))

    @property
    def all(self) -> float:
        """All CPU time."""
        return self.event_loop + self.threads + self.sessions + self.database


class WatchedServer(Server):
    """A server of which each piece of work is told by its parts."""

    before = after = Parts()

    @contextmanager
    def spending(self) -> Iterator[Spent]:
        """Measure a block of work, and look at the parts before and after."""
        self.before = self.parts()
        with super().spending() as spent:
            yield spent
        self.after = self.parts()

    def parts(self) -> Parts:
        """Return what all parts have spent so far."""
        sums = dict.fromkeys((each.name for each in fields(Parts)), 0.0)
        for process in tree(self.program.pid):
            for thread in process.threads():
                sums["event_loop" if thread.id == self.program.pid else "threads"] += sum(thread[1:])
                sums["kernel"] += thread.system_time
        postgres = self.postgres.pid if self.postgres else None
        for process in tree(postgres) if postgres else ():
            user, system, ended_user, ended_system = process.cpu_times()[:4]
            sums["sessions" if is_session(process) else "database"] += user + system
            sums["kernel"] += system
            if process.pid == postgres:  # a vacuum that ended meanwhile is its child no more
                sums["database"] += ended_user + ended_system
                sums["kernel"] += ended_system
        return Parts(**sums)


def is_session(process: psutil.Process) -> bool:
    """Say whether a process of PostgreSQL serves a connection; the others write logs and pages, and vacuum."""
    return "127.0.0.1(" in " ".join(process.cmdline())


class WatchedSubject(Subject):
    """A subject of which the last load is remembered."""

    account: Account | None = None

    def load(self, kind: str, connections: int, **plan: Any) -> Account:
        """Set the load generator on the server."""
        self.account = super().load(kind, connections, **plan)
        return self.account


def arguments() -> argparse.Namespace:
    """Return the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.profile", description=__doc__.partition("\n")[0])
    parser.add_argument("--database", choices=["sqlite", "postgresql", "both"], default="both")
    parser.add_argument("--cases", default=",".join(SHORT), help="names of `python -m bench --cases`, by commas")
    parser.add_argument("--quick", action="store_true", help="little data: for trying, not for the docs")
    parser.add_argument("--write-docs", action="store_true", help="put the tables into docs/performance.md")
    return parser.parse_args()


def health(subject: Subject) -> Sample:
    """Ask whether the server is up, on 16 connections."""
    return subject.load("get", 16, paths=["/health"]).rate()


def measure(database: str, names: list[str], size: Size) -> dict[str, Parts]:
    """Return the microseconds of a request of each case, by its title."""
    known = cases(size, database)
    chosen = [known[name] for name in names]
    server = WatchedServer(MAINSPRING, database)
    found: dict[str, Parts] = {}
    try:
        subject = WatchedSubject(server, size)
        fill(subject, {each.data for each in chosen if each.data})
        runs = [("GET /health, 16 connections", health), *((each.title, each.run) for each in chosen)]
        for title, run in runs:
            assert run
            server.settle(calm_windows=1)
            run(subject)
            assert subject.account
            found[title] = server.after.since(server.before, subject.account.measured)
            say(f"{database}: {title}: {number(found[title].all)} µs")
    finally:
        server.stop()
    return found


def table(found: dict[str, Parts], database: str) -> str:
    """Return the table of a database."""
    columns = ["all", "event loop", "other threads"]
    if database == "postgresql":
        columns += ["PostgreSQL's sessions", "its other processes"]
    lines = [
        f"| µs CPU of a request | {' | '.join(columns)} | of all: kernel |",
        f"| --- |{' ---: |' * (len(columns) + 1)}",
    ]
    for title, parts in found.items():
        shown = [parts.all, *astuple(parts)[: len(columns) - 1]]
        lines.append(f"| {title} | {' | '.join(map(number, shown))} | {parts.kernel / parts.all:.0%} |")
    return "\n".join(lines)


def main() -> None:
    """Run it on the databases, print the tables, and write them into the page if asked to."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the servers are stopped then, too
    options = arguments()
    size = QUICK if options.quick else Size()
    names = options.cases.split(",")
    text = []
    for database in DATABASES[options.database]:
        text += [f"### {report.NAMES[database]}", table(measure(database, names, size), database)]
    command = shlex.join(["python", "-m", "bench.profile", *sys.argv[1:]])
    made = f"Made by `{command}` on {report.machine(DATABASES[options.database], [MAINSPRING])}."
    document = "\n\n".join([made, *text])
    print(document)
    if options.write_docs:
        report.write_into(PAGE, document, BEGIN, END)


if __name__ == "__main__":
    main()
