"""``mainspring gc``: what was deleted, deleted for good."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from mainspring.cli.options import AsJson, Url, client
from mainspring.cli.output import Columns, err, say, show_json, show_table, size
from mainspring.kit.errors import InvalidArgument

if TYPE_CHECKING:
    from mainspring.modules.tracking.schemas import GarbageReport

AGE = re.compile("".join(rf"(?:([0-9]{{1,6}}(?:\.[0-9]{{0,6}})?){unit})?" for unit in "dhms"))
NOTES: Columns = (
    ("KIND", lambda note: note.kind.replace("_", " ")),
    ("ID", lambda note: note.id),
    ("WHY", lambda note: note.reason),
)


def gc(
    older_than: Annotated[
        str | None, typer.Option(help="Only what was deleted that long ago, such as 30d or 7d12h.", show_default=False)
    ] = None,
    run_ids: Annotated[
        str | None, typer.Option(help="Only these runs, with commas between.", show_default=False)
    ] = None,
    experiment_ids: Annotated[
        str | None,
        typer.Option(
            help="Only these experiments, with their runs and logged models; commas between.", show_default=False
        ),
    ] = None,
    logged_model_ids: Annotated[
        str | None, typer.Option(help="Only these logged models, with commas between.", show_default=False)
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count what would go, and change nothing.")] = False,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Delete for good the runs, logged models and experiments that were deleted, with their files.

    It may be stopped at any moment; the next time it goes on. What model versions refer to is kept.
    """
    age = timedelta() if older_than is None else _age(older_than)
    with _counting() as tell:
        total = client(url).storage.gc(
            run_ids=_split(run_ids),
            experiment_ids=_split(experiment_ids),
            logged_model_ids=_split(logged_model_ids),
            older_than=age,
            dry_run=dry_run,
            progress=tell,
        )
    show_json(total) if as_json else _show(total, dry_run)


def _show(total: GarbageReport, dry_run: bool) -> None:
    say(f"{'Would delete' if dry_run else 'Deleted'} for good: {_counts(total)}.")
    if total.kept:
        say("Kept, as they are still needed:")
        show_table(total.kept, NOTES, "")
    if total.left:
        say("Files that are left where they are:")
        show_table(total.left, NOTES, "")


def _counts(total: GarbageReport) -> str:
    things = ((total.runs, "run"), (total.logged_models, "logged model"), (total.experiments, "experiment"))
    named = ", ".join(_plural(number, noun) for number, noun in things)
    return f"{named}; {_plural(total.files, 'file')}, {size(total.bytes)}"


def _plural(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


@contextmanager
def _counting() -> Iterator[Callable[[GarbageReport], None]]:
    """Yield what shows how far it has come, where somebody watches."""
    from rich.progress import Progress, SpinnerColumn, TextColumn

    with Progress(SpinnerColumn(), TextColumn("{task.description}"), console=err, disable=not err.is_terminal) as bars:
        task = bars.add_task("Looking for what was deleted", total=None)
        yield lambda total: bars.update(task, description=_counts(total))


def _age(text: str) -> timedelta:
    """Return the time that ``7d12h`` and the like stand for: MLflow's grammar, days to seconds, fractions too."""
    found = AGE.fullmatch(text) if text else None
    if found is None:
        raise InvalidArgument(
            f"--older-than is '{text}'; it must be a time such as 30d, 7d12h or 1d2h3m4s.", field="--older-than"
        )
    days, hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def _split(text: str | None) -> list[str]:
    return [each.strip() for each in (text or "").split(",") if each.strip()]
