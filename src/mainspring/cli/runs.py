"""``mainspring runs``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from mainspring.cli.options import AsJson, Filter, Limit, OrderBy, PageToken, Quiet, Tags, Url, View, client, pairs_of
from mainspring.cli.output import Columns, moment, pairs, say, show, show_json, show_page, show_table
from mainspring.kit.errors import InvalidArgument

if TYPE_CHECKING:
    from collections.abc import Callable

    from mainspring.modules.tracking.schemas import Run, RunGroup, Series

app = typer.Typer(help="Runs: params, metrics and tags of one training.", no_args_is_help=True)
RunId = Annotated[str, typer.Argument(help="The run's id.")]
Time = Annotated[int | None, typer.Option(help="Milliseconds since the epoch; left out, now.", show_default=False)]
SHOWN_METRICS = 4
BARS = "▁▂▃▄▅▆▇█"


def _metrics(run: Run) -> str:
    shown = {point.key: point.value for point in run.metrics[:SHOWN_METRICS]}
    return pairs(shown) + (", …" if len(run.metrics) > SHOWN_METRICS else "")


COLUMNS: Columns = (
    ("ID", lambda run: run.run_id),
    ("NAME", lambda run: run.name),
    ("STATUS", lambda run: run.status),
    ("STARTED (UTC)", lambda run: moment(run.started_at)),
    ("METRICS", _metrics),
)
CURVES: Columns = (
    ("RUN", lambda curve: curve.run_id),
    ("KEY", lambda curve: curve.key),
    ("POINTS", lambda curve: curve.total),
    ("CURVE", lambda curve: _sparkline(curve)),
)
POINTS: Columns = (
    ("STEP", lambda point: point.step),
    ("TIME (UTC)", lambda point: moment(point.timestamp)),
    ("VALUE", lambda point: point.value),
)


@app.command()
def search(
    experiment_ids: Annotated[
        list[str] | None, typer.Argument(help="Experiments to look in; left out, the default one, 0.")
    ] = None,
    filter: Filter = "",
    view: View = "ACTIVE_ONLY",
    order_by: OrderBy = None,
    limit: Limit = 100,
    offset: Annotated[int, typer.Option(help="How many runs to pass over.")] = 0,
    column: Annotated[
        list[str] | None,
        typer.Option(help="params, metrics, tags or one such as params.lr; may be repeated.", show_default=False),
    ] = None,
    page_token: PageToken = None,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Search the runs of some experiments, the newest first."""
    wanted = experiment_ids or ["0"]
    found = client(url).runs.search(
        wanted,
        filter,
        view_type=view,
        order_by=order_by or (),
        page_size=limit,
        offset=offset,
        columns=column or (),
    )
    nothing = f"No runs in {', '.join(wanted)}. Other experiments: mainspring experiments search"
    show_page(found.page(page_token), COLUMNS, as_json, nothing)


@app.command()
def columns(
    experiment_ids: Annotated[list[str], typer.Argument(help="The experiments' ids.")],
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """List the params, metrics and tags that the runs of experiments have."""
    found = client(url).runs.columns(experiment_ids)
    if as_json:
        return show(found, as_json)
    for kind in ("params", "metrics", "tags"):
        for key in getattr(found, kind):
            say(f"{kind}.{key}")


@app.command()
def groups(
    experiment_ids: Annotated[list[str], typer.Argument(help="The experiments' ids.")],
    by: Annotated[list[str] | None, typer.Option(help="Such as params.lr; may be repeated.")] = None,
    metric: Annotated[list[str] | None, typer.Option(help="A metric's key; may be repeated.")] = None,
    filter: Filter = "",
    view: View = "ACTIVE_ONLY",
    limit: Limit = 100,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Group runs by params or tags, with the mean and spread of metrics."""
    by = by or []
    found = client(url).runs.groups(experiment_ids, by, metric or (), filter, view_type=view, limit=limit)
    if as_json:
        return show(found, as_json)
    show_table(found.items, _group_columns(by, metric or []), "No runs are found.")


def _group_columns(by: list[str], metrics: list[str]) -> Columns:
    """Return a column for each value, the runs, and mean ± std of each metric."""

    def value(place: int) -> Callable[[RunGroup], str]:
        return lambda group: "–" if group.values[place] is None else str(group.values[place])

    def spread(place: int) -> Callable[[RunGroup], str]:
        def tell(group: RunGroup) -> str:
            found = group.metrics[place]
            return "–" if found.mean is None else f"{found.mean:.5g} ± {found.std:.2g}"

        return tell

    shared = [(name.upper(), value(place)) for place, name in enumerate(by)]
    return (*shared, ("RUNS", lambda group: group.runs), *((key.upper(), spread(i)) for i, key in enumerate(metrics)))


@app.command()
def get(run_id: RunId, as_json: AsJson = False, url: Url = None) -> None:
    """Show a run with its params, tags and latest metrics, a deleted one too."""
    show(client(url).runs.get(run_id), as_json)


@app.command()
def create(
    experiment: Annotated[str, typer.Option(help="The experiment's id.")] = "0",
    name: Annotated[str | None, typer.Option(help="Left out, one is made up.", show_default=False)] = None,
    user: Annotated[str, typer.Option(help="Who runs it.", show_default=False)] = "",
    started_at: Time = None,
    tag: Tags = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Start a run."""
    tags = pairs_of(tag, "--tag")
    made = client(url).runs.create(experiment, name=name, user_id=user, started_at=started_at, tags=tags)
    say(made.run_id) if quiet else show(made, as_json)


@app.command()
def update(
    run_id: RunId,
    status: Annotated[
        str | None, typer.Option(help="RUNNING, SCHEDULED, FINISHED, FAILED or KILLED.", show_default=False)
    ] = None,
    ended_at: Annotated[int | None, typer.Option(help="Milliseconds since the epoch.", show_default=False)] = None,
    name: Annotated[str | None, typer.Option(help="The new name.", show_default=False)] = None,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Change a run's status, end or name."""
    show(client(url).runs.update(run_id, status=status, ended_at=ended_at, name=name), as_json)


@app.command()
def delete(run_id: RunId, url: Url = None) -> None:
    """Mark a run as deleted; restore brings it back."""
    client(url).runs.delete(run_id)
    say(f"Run {run_id} is deleted. Bring it back: mainspring runs restore {run_id}")


@app.command()
def restore(run_id: RunId, as_json: AsJson = False, url: Url = None) -> None:
    """Bring a deleted run back."""
    show(client(url).runs.restore(run_id), as_json)


@app.command()
def log(
    run_id: RunId,
    metric: Annotated[list[str] | None, typer.Option(help="KEY=NUMBER; may be repeated.", show_default=False)] = None,
    param: Annotated[list[str] | None, typer.Option(help="KEY=VALUE; may be repeated.", show_default=False)] = None,
    tag: Tags = None,
    step: Annotated[int, typer.Option(help="The step of the metrics.")] = 0,
    timestamp: Time = None,
    url: Url = None,
) -> None:
    """Log metrics, params and tags to a run, all or none."""
    metrics = {key: _number(key, text) for key, text in pairs_of(metric, "--metric").items()}
    params, tags = pairs_of(param, "--param"), pairs_of(tag, "--tag")
    client(url).runs.log(run_id, metrics=metrics, params=params, tags=tags, step=step, timestamp=timestamp)


@app.command()
def set_tag(run_id: RunId, key: str, value: str, url: Url = None) -> None:
    """Set a tag of a run."""
    client(url).runs.set_tag(run_id, key, value)


@app.command()
def delete_tag(run_id: RunId, key: str, url: Url = None) -> None:
    """Delete a tag of a run."""
    client(url).runs.delete_tag(run_id, key)


@app.command()
def metric_history(
    run_id: RunId,
    key: Annotated[str, typer.Argument(help="The metric's key.")],
    limit: Limit = 10_000,
    page_token: PageToken = None,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Show the points of one metric by time, step and value."""
    found = client(url).runs.metric_history(run_id, key, page_size=limit)
    show_page(found.page(page_token), POINTS, as_json, f"The run has no points of {key}.")


@app.command()
def series(
    run_ids: Annotated[list[str], typer.Argument(help="The runs' ids.")],
    key: Annotated[list[str], typer.Option(help="A metric's key; may be repeated.")],
    x: Annotated[str, typer.Option(help="step, time (ms since the epoch) or relative (ms since the start).")] = "step",
    start: Annotated[int | None, typer.Option(help="Where the window begins.", show_default=False)] = None,
    end: Annotated[int | None, typer.Option(help="Where the window ends.", show_default=False)] = None,
    points: Annotated[int, typer.Option(help="How many points a curve has at most.")] = 60,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Show curves of metrics, thinned so that no spike is lost."""
    found = client(url).runs.series(key, run_ids, x=x, start=start, end=end, points=points).series
    if as_json:
        return show_json({"series": found})
    show_table(found, CURVES, f"The runs have no points of {', '.join(key)}.")


def _sparkline(curve: Series) -> str:
    numbers = [value for value in curve.values if value != "NaN"]
    low, high = min(numbers, default=0.0), max(numbers, default=0.0)
    scale = (len(BARS) - 1) / (high - low) if high > low else 0.0
    return "".join(" " if value == "NaN" else BARS[round((value - low) * scale)] for value in curve.values)


def _number(key: str, text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise InvalidArgument(f"The metric {key} is '{text}'; it must be a number.", field="--metric") from error
