"""`python -m bench`: run the cases on both servers, alternating, and print one table a database."""

import argparse
import json
import shlex
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict

from bench import report
from bench.cases import QUICK, Case, Sample, Size, Subject, cases, fill, log_metric
from bench.servers import MAINSPRING, MLFLOW, ROOT, BenchError, Product, Server, mlflow_python

PAGE = ROOT / "docs/performance.md"
PRODUCTS = {"mlflow": MLFLOW, "mainspring": MAINSPRING}


def say(text: str) -> None:
    """Tell what goes on, apart from the report."""
    print(time.strftime("%H:%M:%S"), text, file=sys.stderr, flush=True)


def arguments() -> argparse.Namespace:
    """Return the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--database", choices=["sqlite", "postgresql", "both"], default="both")
    parser.add_argument("--cases", help="names with commas between them: " + ", ".join(cases(Size())))
    parser.add_argument("--only", choices=list(PRODUCTS), help="run one server alone: no ratios")
    parser.add_argument("--rounds", type=int, help="default 3, with --quick 1")
    parser.add_argument("--quick", action="store_true", help="less data, one short round: for trying, not for the docs")
    parser.add_argument("--write-docs", action="store_true", help="put the report into docs/performance.md")
    parser.add_argument("--json", metavar="FILE", help="write every sample to a file")
    return parser.parse_args()


class Bench:
    """One database's run: the servers, the chosen cases and what was found so far."""

    def __init__(
        self, database: str, products: list[Product], chosen: dict[str, Case], size: Size, rounds: int
    ) -> None:
        self.database, self.products, self.chosen, self.size, self.rounds = database, products, chosen, size, rounds
        self.results: report.Results = {name: {} for name in chosen}

    def add(self, case: str, server: str, sample: Sample) -> None:
        """Keep a sample; a case that has failed on a server stays failed."""
        if case not in self.chosen:
            return
        cell = self.results[case].setdefault(server, [])
        if isinstance(cell, list):
            cell.append(sample)

    def alternate(self, turn: int) -> list[Product]:
        """Return the servers, in turned order every second time."""
        return self.products[:: 1 if turn % 2 == 0 else -1]

    def start(self, product: Product) -> Server:
        """Start a server and note what that took."""
        say(f"{self.database}: starting {product.name}")
        server = Server(product, self.database)
        self.add("start", product.name, Sample(server.start_wall))
        self.add("start-cpu", product.name, Sample(server.start_cpu))
        return server

    def note_idle(self, server: Server) -> None:
        """Note memory and CPU use of a server that has nothing to do."""
        server.settle()
        before, begin = server.cpu(), time.monotonic()
        time.sleep(5)
        per_minute = (server.cpu() - before) / (time.monotonic() - begin) * 60
        self.add("memory", server.product.name, Sample(server.memory()))
        self.add("idle", server.product.name, Sample(per_minute))

    def run(self) -> None:
        """Start every server as often as there are rounds, then run the cases on the last ones, alternating."""
        for turn in range(self.rounds - 1 if "start" in self.chosen or "start-cpu" in self.chosen else 0):
            for product in self.alternate(turn):
                self.start(product).stop()
        with ExitStack() as stack:
            subjects = []
            for product in self.products:
                server = self.start(product)
                stack.callback(server.stop)
                self.note_idle(server)
                subjects.append(Subject(server, self.size))
            if any(name in self.chosen for name in ("search", "search-filter", "history")):
                for subject in subjects:
                    say(f"{self.database}: filling {subject.server.product.name}")
                    fill(subject)
            for subject in subjects if any(case.run for case in self.chosen.values()) else []:
                log_metric(subject, 64)  # not counted: every worker has met the database once
            for name, turn in self.schedule():
                for subject in subjects[:: 1 if turn % 2 == 0 else -1]:
                    self.run_case(name, subject)

    def schedule(self) -> Iterator[tuple[str, int]]:
        """Yield case and round: all cases of a round, then the next round."""
        for turn in range(self.rounds):
            for name, case in self.chosen.items():
                if case.run and turn < (case.rounds or self.rounds):
                    yield name, turn

    def run_case(self, name: str, subject: Subject) -> None:
        """Run a case once; a failure is told at once and takes the place of the figure."""
        case, server = self.chosen[name], subject.server.product.name
        if case.run is None or isinstance(self.results[name].get(server), str):
            return
        try:
            sample = case.run(subject)
        except BenchError as error:
            say(f"FAILED: {self.database}, {name}, {server}: {error}")
            self.results[name][server] = str(error)
            return
        say(f"{self.database}: {name}, {server}: {report.number(sample.value)} {case.unit}")
        self.add(name, server, sample)


def main() -> int:
    """Run, print, write; the exit status is 1 if any case failed."""
    options = arguments()
    size = QUICK if options.quick else Size()
    known = cases(size)
    names = options.cases.split(",") if options.cases else list(known)
    if unknown := set(names) - set(known):
        raise SystemExit(f"unknown cases: {', '.join(sorted(unknown))}; known are {', '.join(known)}")
    chosen = {name: case for name, case in known.items() if name in names}
    databases = ["sqlite", "postgresql"] if options.database == "both" else [options.database]
    products = [PRODUCTS[options.only]] if options.only else list(PRODUCTS.values())
    if MLFLOW in products:
        mlflow_python()
    results: dict[str, report.Results] = {}
    for database in databases:
        bench = Bench(database, products, chosen, size, options.rounds or size.rounds)
        results[database] = bench.results
        try:
            bench.run()
        except BenchError as error:
            raise SystemExit(f"{database}: {error}") from error
    text = report.document(known, results, shlex.join(["python", "-m", "bench", *sys.argv[1:]]))
    print(text)
    if options.json:
        with open(options.json, "w") as file:
            json.dump(results, file, default=asdict, indent=1)
    failed = [server for r in results.values() for row in r.values() for server in row if isinstance(row[server], str)]
    # What the original fails at belongs on the page; what we fail at must be mended first.
    if options.write_docs and MAINSPRING.name not in failed:
        report.write_into(PAGE, text)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
