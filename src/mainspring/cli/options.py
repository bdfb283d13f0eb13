"""Options that commands share, and the client that they lead to."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Annotated

import typer

from mainspring.kit.errors import FailedPrecondition, InvalidArgument

if TYPE_CHECKING:
    from mainspring.client import Client

Url = Annotated[
    str | None,
    typer.Option(
        help="Address of the server. Left out: MAINSPRING_URL, MLFLOW_TRACKING_URI, else http://127.0.0.1:5000.",
        show_default=False,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the JSON of the API.")]
Filter = Annotated[
    str, typer.Option(help='Conditions joined by AND, such as "metrics.loss < 0.1".', show_default=False)
]
OrderBy = Annotated[
    list[str] | None, typer.Option(help='Such as "metrics.loss ASC"; may be repeated.', show_default=False)
]
Limit = Annotated[int, typer.Option(help="How many at most.")]
PageToken = Annotated[str | None, typer.Option(help="The token that the page before has told.", show_default=False)]
View = Annotated[str, typer.Option(help="ACTIVE_ONLY, DELETED_ONLY or ALL.")]
Tags = Annotated[list[str] | None, typer.Option("--tag", help="KEY=VALUE; may be repeated.", show_default=False)]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print the id alone.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]

chosen_project: ContextVar[str | None] = ContextVar("chosen_project", default=None)
"""What ``mainspring --project`` names."""


def client(url: str | None) -> Client:
    """Return a client that soon gives up where nobody answers: a person waits."""
    from mainspring.client import connect

    return connect(url, retries=1, project=chosen_project.get())


def pairs_of(texts: list[str] | None, option: str) -> dict[str, str]:
    """Return what ``KEY=VALUE`` texts say. Raises InvalidArgument."""
    found = {}
    for text in texts or []:
        key, equals, value = text.partition("=")
        if not key or not equals:
            raise InvalidArgument(f"{option} is '{text}'; it must be KEY=VALUE.", field=option)
        found[key] = value
    return found


def ms_of(text: str | None, option: str) -> int | None:
    """Return a moment of ISO 8601 in ms since the epoch; one without a time zone is UTC. Raises InvalidArgument."""
    from datetime import UTC, datetime

    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
        return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)
    except (ValueError, OverflowError) as error:
        raise InvalidArgument(f"{option} is '{text}'; it must be like 2026-01-31T12:00.", field=option) from error


def confirm(question: str, yes: bool) -> None:
    """Ask before something is gone for good; where nobody can answer, ``--yes`` must have been given."""
    import sys

    if yes:
        return
    if not sys.stdin.isatty():
        raise FailedPrecondition(f"{question} Nobody is there to answer: give --yes.")
    typer.confirm(question, abort=True)
