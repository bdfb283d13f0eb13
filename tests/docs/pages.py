"""Read the code blocks of a documentation page as the programs that a reader would run.

Blocks marked ``python`` and ``sh`` are run. Python blocks that follow one another are one program;
a shell block between them ends it. ``<!-- not run: why -->`` above a block excuses it.
"""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]

RUN = {"python", "sh"}
SHOWN = {"", "diff", "dockerfile", "hcl", "http", "ini", "json", "mermaid", "nginx", "sql", "text", "toml", "yaml"}

FENCE = re.compile(r"^(?P<indent> *)(?P<ticks>`{3,})(?P<language>[^\s`]*)")
EXCUSE = re.compile(r"<!-- not run: \S.* -->")


@dataclass
class Program:
    """Consecutive blocks of one language; ``source`` keeps the page's line numbers, so that errors point into it."""

    language: str
    source: str


def programs(page: str) -> list[Program]:
    """Return what a reader of the page would run, in order; raise ValueError for a block of unknown language."""
    found: list[Program] = []
    lines = page.splitlines()
    number = 0
    while number < len(lines):
        fence = FENCE.match(lines[number])
        if fence is None:
            number += 1
            continue
        end = closing_line(lines, number, fence["ticks"])
        if must_run(fence["language"], lines[number - 1] if number else "", number + 1):
            code = [line.removeprefix(fence["indent"]) for line in lines[number + 1 : end]]
            add(found, fence["language"], number + 1, code)
        number = end + 1
    return found


def closing_line(lines: list[str], start: int, ticks: str) -> int:
    """Return the index of the line that closes the block opened at ``start``."""
    for number in range(start + 1, len(lines)):
        if lines[number].strip() == ticks:
            return number
    raise ValueError(f"line {start + 1}: this code block is never closed")


def must_run(language: str, line_above: str, number: int) -> bool:
    """Return whether a block is run; raise for a language that is neither run nor known as one to show."""
    if language not in RUN | SHOWN:
        raise ValueError(f"line {number}: {language!r} is neither run ({sorted(RUN)}) nor shown ({sorted(SHOWN)})")
    return language in RUN and not EXCUSE.fullmatch(line_above.strip())


def add(found: list[Program], language: str, first_line: int, code: list[str]) -> None:
    """Add a block: to the last program when that is Python too, else as a new one."""
    if not (found and found[-1].language == language):
        found.append(Program(language, ""))
    program = found[-1]
    blank = first_line - program.source.count("\n")
    program.source += "\n" * blank + "\n".join(code) + "\n"
