"""``mainspring models requests``: stages that somebody asked for."""

from __future__ import annotations

from typing import Annotated

import typer

from mainspring.cli.options import AsJson, Limit, PageToken, Url, client
from mainspring.cli.output import Columns, moment, show, show_page
from mainspring.modules.registry.schemas import RequestState

app = typer.Typer(help="Stages of versions that somebody asked for.", no_args_is_help=True)
Id = Annotated[int, typer.Argument(metavar="ID", help="The request's number.")]
Comment = Annotated[str, typer.Option(help="Why; everyone who sees the model reads it.", show_default=False)]
COLUMNS: Columns = (
    ("ID", lambda asked: asked.id),
    ("MODEL", lambda asked: f"{asked.name}/{asked.version}"),
    ("STAGE", lambda asked: f"{asked.current_stage} → {asked.stage}"),
    ("STATE", lambda asked: asked.state),
    ("ASKED BY", lambda asked: asked.user_id),
    ("ASKED (UTC)", lambda asked: moment(asked.created_at)),
    ("COMMENT", lambda asked: asked.comment),
)


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="The registered model's name.")],
    version: Annotated[int, typer.Argument(help="The version's number.")],
    stage: Annotated[str, typer.Argument(help="None, Staging, Production or Archived.")],
    comment: Comment = "",
    archive_existing: Annotated[
        bool, typer.Option("--archive-existing", help="Archive what has that stage, once approved.")
    ] = False,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Ask that a version enter a stage; whoever manages the project decides."""
    models = client(url).models
    show(models.request_stage(name, version, stage, comment=comment, archive_existing=archive_existing), as_json)


@app.command("list")
def list_(
    state: Annotated[RequestState | None, typer.Option(help="Only those that stand so.", show_default=False)] = None,
    name: Annotated[str | None, typer.Option(help="Only of this registered model.", show_default=False)] = None,
    version: Annotated[int | None, typer.Option(help="Only of versions of this number.", show_default=False)] = None,
    limit: Limit = 100,
    page_token: PageToken = None,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """List what was asked for, the newest first."""
    found = client(url).models.stage_requests(state=state, name=name, version=version, page_size=limit)
    show_page(found.page(page_token), COLUMNS, as_json, "Nothing was asked for.")


@app.command()
def approve(id: Id, comment: Comment = "", as_json: AsJson = False, url: Url = None) -> None:
    """Have the version enter the stage that was asked for."""
    show(client(url).models.approve_stage(id, comment=comment), as_json)


@app.command()
def reject(id: Id, comment: Comment = "", as_json: AsJson = False, url: Url = None) -> None:
    """Refuse what was asked for."""
    show(client(url).models.reject_stage(id, comment=comment), as_json)


@app.command()
def withdraw(id: Id, url: Url = None) -> None:
    """Take a request back."""
    client(url).models.withdraw_stage_request(id)
