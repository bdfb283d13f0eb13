"""The result as Markdown: one table a database, medians of the rounds, and what they were measured on."""

import os
import platform
import re
import subprocess
from importlib.metadata import version
from pathlib import Path
from statistics import median

import psutil

from bench.cases import Case, Goal, Sample
from bench.servers import MAINSPRING, MLFLOW, MLFLOW_VERSION, program

BEGIN, END = "<!-- bench:begin -->", "<!-- bench:end -->"
Results = dict[str, dict[str, list[Sample] | str]]  # case → server → its samples, or why it failed


def number(value: float) -> str:
    """Return three significant digits, thousands separated."""
    return f"{round(value, 3 - len(str(int(value)))):,.0f}" if value >= 100 else f"{value:.3g}"


def figure(samples: list[Sample] | str | None) -> str:
    """Return median and range of a cell, `failed` for a case that broke, `–` for one that was not run."""
    if not samples:
        return "–"
    if isinstance(samples, str):
        return "failed"
    values = [sample.value for sample in samples]
    spread = f" ({number(min(values))}–{number(max(values))})" if len(values) > 1 else ""
    return number(median(values)) + spread


def times_better(case: Case, of_server: dict[str, list[Sample] | str]) -> float | None:
    """Return how many times Mainspring is better than the original by the medians; None if one is missing."""
    theirs, ours = of_server.get(MLFLOW.name), of_server.get(MAINSPRING.name)
    if not isinstance(theirs, list) or not isinstance(ours, list):
        return None
    better, worse = (ours, theirs) if case.more_is_better else (theirs, ours)
    return middle(better) / middle(worse) if middle(worse) else None


def middle(samples: list[Sample]) -> float:
    """Return the median of the values."""
    return median(sample.value for sample in samples)


def verdict(goal: Goal, times: float | None, ours: list[Sample] | str | None) -> str:
    """Return the goal and whether it was met; a case that has no goal has an empty cell."""
    met = None
    if goal.times is not None:
        met = None if times is None else times >= goal.times
    elif goal.most is not None and isinstance(ours, list):
        met = middle(ours) <= goal.most
    return goal.text + {None: "", True: ": met", False: ": **missed**"}[met]


def table(cases: dict[str, Case], results: Results) -> str:
    """Return the table of one database."""
    lines = [
        f"| work | unit | {MLFLOW.name} | {MAINSPRING.name} | times better | goal |",
        "| --- | --- | ---: | ---: | ---: | --- |",
    ]
    for name, of_server in results.items():
        case = cases[name]
        times = times_better(case, of_server)
        theirs, ours = of_server.get(MLFLOW.name), of_server.get(MAINSPRING.name)
        ratio = "–" if times is None else f"{number(times)}×"
        cells = [case.title, case.unit, figure(theirs), figure(ours), ratio, verdict(case.goal, times, ours)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def machine(databases: list[str]) -> str:
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
        f"mlflow {MLFLOW_VERSION}",
        f"mainspring {version('mainspring')}",
    ]
    if "postgresql" in databases:
        parts.append(subprocess.run([program("postgres"), "-V"], capture_output=True, text=True).stdout.strip())
    return ", ".join(parts) + f"; load average at the end {os.getloadavg()[0]:.1f}"


def document(cases: dict[str, Case], results: dict[str, Results], command: str) -> str:
    """Return the whole report."""
    parts = [f"Made by `{command}` on {machine(list(results))}."]
    for database, of_database in results.items():
        name = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}[database]
        parts += [f"### {name}", table(cases, of_database)]
    failures = [
        f"- {database}, {case}, {server}: {cell.splitlines()[0]}"
        for database, of_database in results.items()
        for case, of_server in of_database.items()
        for server, cell in of_server.items()
        if isinstance(cell, str)
    ]
    return "\n\n".join(parts + (["**Failed:**\n\n" + "\n".join(failures)] if failures else []))


def write_into(page: Path, text: str) -> None:
    """Replace what stands between the markers of a page."""
    before, rest = page.read_text().split(BEGIN, 1)
    after = rest.split(END, 1)[1]
    page.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}")
