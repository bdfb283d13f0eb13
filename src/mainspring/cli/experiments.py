"""``mainspring experiments``."""

from __future__ import annotations

from typing import Annotated

import typer

from mainspring.cli.options import AsJson, Filter, Limit, OrderBy, PageToken, Quiet, Tags, Url, View, client, pairs_of
from mainspring.cli.output import Columns, moment, pairs, say, show, show_page

app = typer.Typer(help="Experiments: what runs belong to.", no_args_is_help=True)
ExperimentId = Annotated[str, typer.Argument(help="The experiment's id.")]
COLUMNS: Columns = (
    ("ID", lambda each: each.experiment_id),
    ("NAME", lambda each: each.name),
    ("STAGE", lambda each: each.lifecycle_stage),
    ("CREATED (UTC)", lambda each: moment(each.created_at)),
    ("TAGS", lambda each: pairs(each.tags)),
)


@app.command()
def search(
    filter: Filter = "",
    view: View = "ACTIVE_ONLY",
    order_by: OrderBy = None,
    limit: Limit = 100,
    page_token: PageToken = None,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Search experiments, the newest first."""
    found = client(url).experiments.search(filter, view_type=view, order_by=order_by or (), page_size=limit)
    show_page(found.page(page_token), COLUMNS, as_json, "No experiments. Make one: mainspring experiments create NAME")


@app.command()
def get(experiment_id: ExperimentId, as_json: AsJson = False, url: Url = None) -> None:
    """Show an experiment, a deleted one too."""
    show(client(url).experiments.get(experiment_id), as_json)


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="A name that no other experiment has.")],
    artifact_location: Annotated[
        str | None, typer.Option(help="Where artifacts go, instead of the server's own store.", show_default=False)
    ] = None,
    tag: Tags = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Create an experiment."""
    tags = pairs_of(tag, "--tag")
    made = client(url).experiments.create(name, artifact_location=artifact_location, tags=tags)
    say(made.experiment_id) if quiet else show(made, as_json)


@app.command()
def update(
    experiment_id: ExperimentId,
    name: Annotated[str, typer.Option(help="The new name.", show_default=False)],
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Rename an experiment."""
    show(client(url).experiments.update(experiment_id, name=name), as_json)


@app.command()
def delete(experiment_id: ExperimentId, url: Url = None) -> None:
    """Mark an experiment and its runs as deleted; restore brings them back."""
    client(url).experiments.delete(experiment_id)
    say(f"Experiment {experiment_id} is deleted. Bring it back: mainspring experiments restore {experiment_id}")


@app.command()
def restore(experiment_id: ExperimentId, as_json: AsJson = False, url: Url = None) -> None:
    """Bring a deleted experiment back with its runs."""
    show(client(url).experiments.restore(experiment_id), as_json)


@app.command()
def set_tag(experiment_id: ExperimentId, key: str, value: str, url: Url = None) -> None:
    """Set a tag of an experiment."""
    client(url).experiments.set_tag(experiment_id, key, value)


@app.command()
def delete_tag(experiment_id: ExperimentId, key: str, url: Url = None) -> None:
    """Delete a tag of an experiment."""
    client(url).experiments.delete_tag(experiment_id, key)
