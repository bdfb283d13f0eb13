"""The result as Markdown: one table a database, medians of the rounds, and what they were measured on."""

import os
import platform
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import psutil

from bench.cases import Case, Goal
from bench.postgres import program
from bench.products import MAINSPRING, Product
from bench.subject import Sample

NAMES = {"sqlite": "SQLite", "postgresql": "PostgreSQL", "s3": "Artifacts on S3 (Ceph RADOS Gateway)"}


@dataclass
class Results:
    """What was found on one database: case → product → its samples, or why it failed."""

    products: list[Product]
    cases: dict[str, Case]
    cells: dict[str, dict[str, list[Sample] | str]] = field(default_factory=dict)

    def add(self, case: str, product: str, sample: Sample) -> None:
        """Keep a sample of a chosen case; a case that has failed on a server stays failed."""
        if case in self.cases:
            cell = self.cells.setdefault(case, {}).setdefault(product, [])
            if isinstance(cell, list):
                cell.append(sample)

    def fail(self, case: str, product: str, why: str) -> None:
        """Put the reason in the place of the figure."""
        self.cells.setdefault(case, {})[product] = why

    def failures(self) -> Iterator[tuple[str, str, str]]:
        """Yield case, product and the reason's first line of what failed."""
        for case, row in self.cells.items():
            for product, cell in row.items():
                if isinstance(cell, str):
                    yield case, product, cell.partition("\n")[0]

    def figures(self, case: str, product: Product) -> list[Sample]:
        """Return the samples of a cell, none where there is nothing to compare."""
        cell = self.cells.get(case, {}).get(product.name, [])
        return cell if isinstance(cell, list) else []


def number(value: float) -> str:
    """Return three significant digits, thousands separated."""
    return f"{round(value, 3 - len(str(int(value)))):,.0f}" if value >= 100 else f"{value:.3g}"


def middle(samples: list[Sample]) -> float:
    """Return the median of the values."""
    return median(sample.value for sample in samples)


def cell(results: Results, case: str, product: Product) -> str:
    """Return median and range, or why there is none: `not offered`, `failed`, `–` for what was not run."""
    if results.cases[case].needs in product.lacks:
        return "not offered"
    if isinstance(results.cells.get(case, {}).get(product.name), str):
        return "failed"
    values = [sample.value for sample in results.figures(case, product)]
    if not values:
        return "–"
    spread = f" ({number(min(values))}–{number(max(values))})" if len(values) > 1 else ""
    return number(median(values)) + spread


def times_better(results: Results, case: str, peer_name: str = "") -> float | None:
    """Return how many times Mainspring is better by the medians than a peer, or than the best; None without figures."""
    peers = [peer for peer in results.products if peer is not MAINSPRING and peer_name in ("", peer.name)]
    theirs = [middle(samples) for peer in peers if (samples := results.figures(case, peer))]
    ours = results.figures(case, MAINSPRING)
    if not theirs or not ours:
        return None
    if results.cases[case].more_is_better:
        return middle(ours) / max(theirs)
    return min(theirs) / middle(ours) if middle(ours) else None


def verdict(goal: Goal, times: float | None, ours: float | None) -> str:
    """Return the goal and whether it was met; a goal without a figure to judge it by is given alone."""
    judged = []
    if goal.times is not None and times is not None:
        judged.append(times >= goal.times)
    if goal.most is not None and ours is not None:
        judged.append(ours <= goal.most)
    if not judged:
        return goal.text
    return goal.text + (": met" if all(judged) else ": **missed**")


def row(results: Results, name: str) -> str:
    """Return the row of one case."""
    case, ours = results.cases[name], results.figures(name, MAINSPRING)
    best = times_better(results, name)
    judged = verdict(case.goal, times_better(results, name, case.goal.peer), middle(ours) if ours else None)
    cells = [cell(results, name, product) for product in results.products]
    ratio = "–" if best is None else f"{number(best)}×"
    return f"| {' | '.join([case.title, case.unit, *cells, ratio, judged])} |"


def growth_row(results: Results, name: str, goal: Goal) -> str:
    """Return the row of the memory that a case takes: the most of all rounds, since a server may keep what it took."""
    most = {
        product.name: max(sample.growth_mib or 0.0 for sample in samples)
        for product in results.products
        if (samples := results.figures(name, product))
    }
    cells = [number(most[p.name]) if p.name in most else cell(results, name, p) for p in results.products]
    judged = verdict(goal, None, most.get(MAINSPRING.name))
    return f"| {' | '.join([f'{results.cases[name].title}: memory on top', 'MiB', *cells, '–', judged])} |"


def table(results: Results) -> str:
    """Return the table of one database."""
    lines = [
        f"| work | unit | {' | '.join(product.name for product in results.products)} | × best peer | goal |",
        f"| --- | --- | {'---: | ' * len(results.products)}---: | --- |",
    ]
    for name, case in results.cases.items():
        lines.append(row(results, name))
        if case.growth:
            lines.append(growth_row(results, name, case.growth))
    return "\n".join(lines)


def machine(databases: list[str], products: list[Product]) -> str:
    """Return one line on the machine and the versions."""
    model = (
        re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
        if os.path.exists("/proc/cpuinfo")
        else None
    )
    parts = [
        f"{psutil.cpu_count()} cores" + (f" ({model[1].strip()})" if model else ""),
        f"{psutil.virtual_memory().total / 2**30:.0f} GiB memory",
        f"{platform.system()} {platform.machine()}",
        f"Python {platform.python_version()}",
        *(f"{product.name} {product.version}" for product in products),
    ]
    if "postgresql" in databases:
        parts.append(subprocess.run([program("postgres"), "-V"], capture_output=True, text=True).stdout.strip())
    return ", ".join(parts) + f"; load average at the end {os.getloadavg()[0]:.1f}"


def section(database: str, found: Results, command: str) -> str:
    """Return the report of one database."""
    made = f"Made by `{command}` on {machine([database], found.products)}."
    failures = [f"- {case}, {product}: {why}" for case, product, why in found.failures()]
    parts = [f"### {NAMES[database]}", made, table(found)]
    return "\n\n".join(parts + (["**Failed:**\n\n" + "\n".join(failures)] if failures else []))


def markers(database: str) -> tuple[str, str]:
    """Return between what the report of a database stands in the page."""
    return f"<!-- bench-{database}:begin -->", f"<!-- bench-{database}:end -->"


def write_into(page: Path, text: str, begin: str, end: str) -> None:
    """Replace what stands between two markers of a page."""
    before, rest = page.read_text().split(begin, 1)
    after = rest.split(end, 1)[1]
    page.write_text(f"{before}{begin}\n{text}\n{end}{after}")
