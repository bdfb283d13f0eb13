"""``mainspring keys``: the keys that secrets are encrypted by."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from mainspring.cli.options import AsJson, Url, client
from mainspring.cli.output import Columns, err, say, show_json, show_table

if TYPE_CHECKING:
    from mainspring.modules.configuration.schemas import Rewrapped

app = typer.Typer(help="The keys that secrets are encrypted by.", no_args_is_help=True)
COLUMNS: Columns = (
    ("KEY", lambda key: key.id),
    ("CURRENT", lambda key: "yes" if key.current else ""),
    ("SECRETS", lambda key: key.secrets),
    ("", lambda key: "" if key.available else "not in the vault: put it back"),
)


@app.command("list")
def list_keys(as_json: AsJson = False, url: Url = None) -> None:
    """List the keys, and how many versions of secrets hang on each."""
    found = client(url).encryption_keys.list()
    show_json(found) if as_json else show_table(found, COLUMNS, "No keys yet: the first secret makes one.")


@app.command()
def rotate(as_json: AsJson = False, url: Url = None) -> None:
    """Make a new key, and bring all secrets over to it, while the server goes on serving.

    It may be stopped at any moment: `mainspring keys rewrap` goes on.
    """
    made = client(url).encryption_keys.rotate()
    err.print(f"The current key is {made.id}.", markup=False)
    rewrap(as_json, url)


@app.command()
def rewrap(as_json: AsJson = False, url: Url = None) -> None:
    """Bring all secrets over to the current key: after a rotation that was stopped, or that was made elsewhere."""
    total = client(url).encryption_keys.rewrap(progress=_tell)
    show_json(total) if as_json else _show(total)


def _tell(total: Rewrapped) -> None:
    if err.is_terminal:
        err.print(f"{total.rewrapped} so far", end="\r")


def _show(total: Rewrapped) -> None:
    say(f"Brought over to the current key: {total.rewrapped}.")
    if total.failed:
        say(f"Left where they are: {total.failed}, which do not open. `mainspring keys list` shows keys that are lost.")
