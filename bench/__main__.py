"""`python -m bench`: run the cases on every server, alternating, and print one table a database."""

import argparse
import json
import shlex
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict

from bench import BenchError, report
from bench.cases import Case, cases
from bench.filling import fill
from bench.products import MAINSPRING, PRODUCTS, ROOT, Product
from bench.report import Results
from bench.servers import Server
from bench.subject import QUICK, Sample, Size, Subject
from bench.writes import log_metric

PAGE = ROOT / "docs/performance.md"
DATABASES = {"both": ["sqlite", "postgresql"], "sqlite": ["sqlite"], "postgresql": ["postgresql"], "none": []}


def say(text: str) -> None:
    """Tell what goes on, apart from the report."""
    print(time.strftime("%H:%M:%S"), text, file=sys.stderr, flush=True)


def chosen(text: str | None, known: dict[str, object], what: str) -> list[str]:
    """Return the names of a list with commas, all of them without one; end the program if one is unknown."""
    names = text.split(",") if text else list(known)
    if unknown := set(names) - set(known):
        raise SystemExit(f"unknown {what}: {', '.join(sorted(unknown))}; known are {', '.join(known)}")
    return names


def arguments() -> argparse.Namespace:
    """Return the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--database", choices=list(DATABASES), default="both")
    parser.add_argument("--cases", help="names with commas between them: " + ", ".join(cases(Size(), "sqlite")))
    parser.add_argument("--only", help="servers with commas between them: " + ", ".join(PRODUCTS))
    parser.add_argument("--rounds", type=int, help="default 3, with --quick 1")
    parser.add_argument(
        "--s3", action="store_true", help="also artifacts on a Ceph gateway, beside a bare obstore copy"
    )
    parser.add_argument("--quick", action="store_true", help="less data, one short round: for trying, not for the docs")
    parser.add_argument("--write-docs", action="store_true", help="put the report into docs/performance.md")
    parser.add_argument("--json", metavar="FILE", help="write every sample to a file")
    return parser.parse_args()


class Bench:
    """One database's run: the servers, the chosen cases and what was found so far."""

    def __init__(self, database: str, products: list[Product], known: dict[str, Case], size: Size, rounds: int) -> None:
        self.database, self.size, self.rounds = database, size, rounds
        self.results = Results(products, known)

    def alternate(self, turn: int) -> list[Product]:
        """Return the servers, in turned order every second time."""
        return self.results.products[:: 1 if turn % 2 == 0 else -1]

    def start(self, product: Product) -> Server:
        """Start a server and note what that took."""
        say(f"{self.database}: starting {product.name}")
        server = Server(product, self.database)
        self.results.add("start", product.name, Sample(server.start_wall))
        self.results.add("start-cpu", product.name, Sample(server.start_cpu))
        return server

    def note_idle(self, server: Server) -> None:
        """Note memory and CPU use of a server that has nothing to do."""
        server.settle()
        before, begin = server.cpu(), time.monotonic()
        time.sleep(5)
        per_minute = (server.cpu() - before) / (time.monotonic() - begin) * 60
        self.results.add("memory", server.product.name, Sample(server.memory()))
        self.results.add("idle", server.product.name, Sample(per_minute))

    def run(self) -> None:
        """Start every server as often as there are rounds, then run the cases on the last ones, alternating."""
        names = self.results.cases
        for turn in range(self.rounds - 1 if "start" in names or "start-cpu" in names else 0):
            for product in self.alternate(turn):
                self.start(product).stop()
        with ExitStack() as stack:
            subjects = []
            for product in self.results.products:
                server = self.start(product)
                stack.callback(server.stop)
                self.note_idle(server)
                subjects.append(Subject(server, self.size))
            for subject in subjects:
                self.prepare(subject)
            for name, turn in self.schedule():
                for subject in subjects[:: 1 if turn % 2 == 0 else -1]:
                    self.run_case(name, subject)

    def prepare(self, subject: Subject) -> None:
        """Put in the data that the chosen cases read, and let every worker meet the database once."""
        lacks = subject.server.product.lacks
        wanted = [case for case in self.results.cases.values() if case.run and case.needs not in lacks]
        data = {case.data for case in wanted} - {""}
        say(f"{self.database}: filling {subject.server.product.name} with {', '.join(sorted(data)) or 'nothing'}")
        fill(subject, data)
        if wanted:
            log_metric(subject, 64)

    def schedule(self) -> Iterator[tuple[str, int]]:
        """Yield case and round: all cases of a round, then the next round."""
        for turn in range(self.rounds):
            for name, case in self.results.cases.items():
                if case.run and turn < (case.rounds or self.rounds):
                    yield name, turn

    def run_case(self, name: str, subject: Subject) -> None:
        """Run a case once; a failure is told at once and takes the place of the figure."""
        case, product = self.results.cases[name], subject.server.product
        failed = isinstance(self.results.cells.get(name, {}).get(product.name), str)
        if case.run is None or case.needs in product.lacks or failed:
            return
        subject.server.settle(calm_windows=1)  # the work of the case before must not be counted here
        try:
            sample = case.run(subject)
        except BenchError as error:
            say(f"FAILED: {self.database}, {name}, {product.name}: {error}")
            self.results.fail(name, product.name, str(error))
            return
        growth = f", + {report.number(sample.growth_mib)} MiB" if case.growth and sample.growth_mib else ""
        say(f"{self.database}: {name}, {product.name}: {report.number(sample.value)} {case.unit}{growth}")
        self.results.add(name, product.name, sample)


def main() -> int:
    """Run, print, write; the exit status is 1 if any case failed."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the servers are stopped then, too
    options = arguments()
    size = QUICK if options.quick else Size()
    products = [PRODUCTS[name] for name in chosen(options.only, dict(PRODUCTS), "servers")]
    results: dict[str, Results] = {}
    for product in products if DATABASES[options.database] else []:
        product.install()
    for database in DATABASES[options.database]:
        known = cases(size, database)
        names = chosen(options.cases, dict(known), "cases")
        picked = {name: case for name, case in known.items() if name in names}
        bench = Bench(database, products, picked, size, options.rounds or size.rounds)
        results[database] = bench.results
        try:
            bench.run()
        except BenchError as error:
            raise SystemExit(f"{database}: {error}") from error
    if options.s3:
        from bench import s3  # Ceph's start is among the tests' fixtures, which need more than the bench

        say("s3: starting a Ceph gateway")
        results["s3"] = s3.measure(size, options.rounds or size.rounds)
    command = shlex.join(["python", "-m", "bench", *sys.argv[1:]])
    sections = {database: report.section(database, found, command) for database, found in results.items()}
    print("\n\n".join(sections.values()))
    if options.json:
        with open(options.json, "w") as file:
            json.dump({database: found.cells for database, found in results.items()}, file, default=asdict, indent=1)
    failed = [product for found in results.values() for _, product, _ in found.failures()]
    # What a peer fails at belongs on the page; what we fail at must be mended first.
    if options.write_docs and MAINSPRING.name not in failed:
        for database, text in sections.items():
            report.write_into(PAGE, text, *report.markers(database))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
