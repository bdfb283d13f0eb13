"""What commands print: tables for people, the API's JSON for programs, errors in one line."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from mainspring.client import Transfer
    from mainspring.client.pages import Page
    from mainspring.modules.artifacts.schemas import Artifact, Preview

T = TypeVar("T")
Columns = Sequence[tuple[str, Callable[[Any], object]]]

# Where nobody watches, lines are as long as what stands in them.
UNWATCHED_WIDTH = 10_000


def _console(stderr: bool) -> Console:
    watched = (sys.stderr if stderr else sys.stdout).isatty()
    return Console(stderr=stderr, highlight=False, soft_wrap=True, width=None if watched else UNWATCHED_WIDTH)


out, err = _console(False), _console(True)


def plain(value: object) -> str:
    """Return a value as one line of text that moves no cursor: others chose what stands in it."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in str(value))


def say(message: str) -> None:
    """Print one line."""
    out.print(Text(plain(message)))


def complain(message: str) -> None:
    """Print an error as one line on standard error."""
    err.print(Text.assemble(("Error:", "red"), " ", plain(message)))


def show_json(answer: object) -> None:
    """Print an answer of the API as it is on the wire, indented."""
    out.file.write(msgspec.json.format(msgspec.json.encode(answer), indent=2).decode() + "\n")


def show(record: msgspec.Struct, as_json: bool) -> None:
    """Print one thing: its fields in lines, or its JSON."""
    if as_json:
        return show_json(record)
    grid = Table.grid(padding=(0, 2))
    for name, value in _lines(record):
        grid.add_row(Text(plain(name), style="bold"), Text(plain(value), overflow="fold"))
    out.print(grid)


def show_page(page: Page[Any], columns: Columns, as_json: bool, nothing: str) -> None:
    """Print one page of a search: a table and how to get the next page, or its JSON."""
    if as_json:
        return show_json(page)
    show_table(page.items, columns, nothing)
    if page.next_page_token:
        err.print(Text(f"There are more: --page-token {plain(page.next_page_token)}", style="dim"))


def show_table(rows: Iterable[object], columns: Columns, nothing: str) -> None:
    """Print rows as a table; ``nothing`` says what to do where there are none."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title, _ in columns:
        table.add_column(title, overflow="fold")
    for row in rows:
        table.add_row(*(Text(plain(cell(row))) for _, cell in columns))
    if not table.row_count:
        err.print(Text(nothing, style="dim"))
        return
    out.print(table)


def show_files(files: list[Artifact], as_json: bool) -> None:
    """Print a folder's listing."""
    from mainspring.modules.artifacts.schemas import Artifacts

    if as_json:
        return show_json(Artifacts(files))
    columns: Columns = (
        ("SIZE", lambda file: "" if file.size is None else size(file.size)),
        ("PATH", lambda file: f"{file.path}/" if file.is_dir else file.path),
    )
    show_table(files, columns, "There are no files here.")


def show_preview(preview: Preview, as_json: bool) -> None:
    """Print what is shown of a file: a page of a table's rows, or fields in lines."""
    shown = preview.table
    if as_json or shown is None:
        return show(preview, as_json)
    columns = [(column.name, _cell_at(place)) for place, column in enumerate(shown.columns)]
    show_table(shown.rows, columns, "There are no rows.")
    if shown.next_page_token:
        err.print(Text(f"There are more: --page-token {plain(shown.next_page_token)}", style="dim"))


def _cell_at(place: int) -> Callable[[Any], object]:
    return lambda row: (row[place] or "") if place < len(row) else ""


def moment(ms: int | None) -> str:
    """Return a time in ms since the epoch as UTC, to the second."""
    if ms is None:
        return ""
    try:
        return f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d %H:%M:%S}"
    except (OverflowError, ValueError, OSError):
        return f"{ms} ms"


def size(number: int) -> str:
    """Return a size in bytes in the largest unit that keeps it above one."""
    value, units = float(number), iter(("B", "kB", "MB", "GB"))
    for unit in units:
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"


def pairs(values: dict[str, Any]) -> str:
    """Return a mapping in one line."""
    return ", ".join(f"{key}={value}" for key, value in values.items())


@contextmanager
def progress_bar() -> Iterator[Callable[[Transfer], None]]:
    """Yield what draws how far the file has come that is on its way, where somebody watches."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=err, disable=not err.is_terminal) as bars:
        task = bars.add_task("", total=None, visible=False)
        shown = ""

        def tell(transfer: Transfer) -> None:
            nonlocal shown
            if transfer.path != shown:
                shown = transfer.path
                bars.reset(task, description=plain(shown), total=transfer.size, visible=True)
            bars.update(task, completed=transfer.done)

        yield tell


def _lines(record: msgspec.Struct) -> Iterator[tuple[str, object]]:
    """Yield what a thing consists of, nested fields by their path; what is empty is left out."""
    for name in record.__struct_fields__:
        value = getattr(record, name)
        if name.endswith("_at"):
            yield from [(name, moment(value))] if value is not None else []
        elif isinstance(value, dict):
            yield from ((f"{name}.{key}", each) for key, each in value.items())
        elif name == "latest_versions":
            yield from ((f"newest.{version.stage}", version.version) for version in value)
        elif name == "metrics":
            yield from ((f"metrics.{point.key}", f"{point.value} (step {point.step})") for point in value)
        elif isinstance(value, msgspec.Struct):
            yield from ((f"{name}.{key}", each) for key, each in _lines(value))
        elif isinstance(value, list):
            yield from ((name, each if isinstance(each, str) else msgspec.json.encode(each).decode()) for each in value)
        elif value not in (None, ""):
            yield name, value
