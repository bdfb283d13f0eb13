"""`python -m bench.scale`: what takes long: reads of up to 1,000,000, memory after an hour, bytes on disk."""

import argparse
import shlex
import signal
import sys
from collections.abc import Callable

from bench import endurance, flatness, report, storage
from bench.__main__ import DATABASES, PAGE, chosen, say
from bench.cases import Goal
from bench.products import FASTTRACKML, MAINSPRING, MLFLOW
from bench.report import middle, number, verdict

BEGIN, END = "<!-- scale:begin -->", "<!-- scale:end -->"
SIZES = [10_000, 100_000, 1_000_000]
QUICK_SIZES = [1_000, 2_000, 4_000]


def arguments() -> argparse.Namespace:
    """Return the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.scale", description=__doc__)
    parser.add_argument("--database", choices=["sqlite", "postgresql", "both"], default="both")
    parser.add_argument("--parts", help="names with commas between them: " + ", ".join(PARTS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="little data, one round: for trying, not for the docs")
    parser.add_argument("--write-docs", action="store_true", help="put the tables into docs/performance.md")
    return parser.parse_args()


def flat_table(found: flatness.Figures, what: str) -> str:
    """Return how reads do with more of something: CPU milliseconds, and the last column over the first."""
    sizes = list(next(iter(found.values())))
    lines = [
        f"| ms CPU with … {what} | {' | '.join(f'{size:,}' for size in sizes)} | last ÷ first |",
        f"| --- | {'---: | ' * len(sizes)}---: |",
    ]
    for title, by_size in found.items():
        values = [middle(samples) for samples in by_size.values()]
        lines.append(f"| {title} | {' | '.join(map(number, values))} | {number(values[-1] / values[0])}× |")
    return "\n".join(lines)


def search_table(database: str, options: argparse.Namespace) -> str:
    """Return the table of searches."""
    sizes = QUICK_SIZES if options.quick else SIZES
    return flat_table(flatness.searches(database, sizes, options.rounds), "runs")


def chart_table(database: str, options: argparse.Namespace) -> str:
    """Return the table of charts."""
    sizes = QUICK_SIZES if options.quick else SIZES
    return flat_table(flatness.charts(database, sizes, options.rounds), "points of the metric")


def memory_table(database: str, options: argparse.Namespace) -> str:
    """Return the table of memory after an hour's load."""
    found = endurance.memory(database, *((500, 4) if options.quick else (10_000, endurance.MINUTES)))
    values = list(found.values())
    ratio = values[-1] / values[1]
    lines = [
        f"| memory (RSS, MiB) | {' | '.join(found)} | hour ÷ first minutes | goal |",
        f"| --- | {'---: | ' * (len(found) + 1)}--- |",
        f"| of the server | {' | '.join(map(number, values))} | {number(ratio)}× | {judged('≤ 1.2×', ratio, 1.2)} |",
    ]
    return "\n".join(lines)


def storage_table(database: str, options: argparse.Namespace) -> str:
    """Return the table of bytes on disk."""
    runs, steps = (4, 500) if options.quick else (10, 2_500)
    peers = [MLFLOW, FASTTRACKML] if database == "sqlite" else [FASTTRACKML]
    found = {one.name: storage.bytes_of_a_point(one, database, runs, steps) for one in (*peers, MAINSPRING)}
    goal = judged("≤ 16", found[MAINSPRING.name], 16)
    points = runs * steps * storage.KEYS
    lines = [
        f"| bytes on disk of a metric point, of {points:,} | {' | '.join(found)} | goal |",
        f"| --- | {'---: | ' * len(found)}--- |",
        f"| {runs} runs of {storage.KEYS} metrics | {' | '.join(map(number, found.values()))} | {goal} |",
    ]
    return "\n".join(lines)


def judged(text: str, value: float, most: float) -> str:
    """Return a goal and whether it was met."""
    return verdict(Goal(text, most=most), None, value)


PARTS: dict[str, Callable[[str, argparse.Namespace], str]] = {
    "searches": search_table,
    "charts": chart_table,
    "memory": memory_table,
    "storage": storage_table,
}


def main() -> None:
    """Run the parts on the databases, print the tables, and write them into the page if asked to."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the servers are stopped then, too
    options = arguments()
    options.rounds = 1 if options.quick else options.rounds
    parts = chosen(options.parts, dict(PARTS), "parts")
    text = []
    for database in DATABASES[options.database]:
        text.append(f"### {report.NAMES[database]}")
        for part in parts:
            say(f"{database}: {part}")
            text.append(PARTS[part](database, options))
            say(f"{database}: {part} is done\n{text[-1]}")
    command = shlex.join(["python", "-m", "bench.scale", *sys.argv[1:]])
    made = f"Made by `{command}` on {report.machine(DATABASES[options.database], [MAINSPRING])}."
    document = "\n\n".join([made, *text])
    print(document)
    if options.write_docs:
        report.write_into(PAGE, document, BEGIN, END)


if __name__ == "__main__":
    main()
