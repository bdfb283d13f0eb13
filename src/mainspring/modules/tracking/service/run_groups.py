"""Rules of what the runs of a search have in common: their columns, and groups of them."""

from __future__ import annotations

from sqlalchemy import Connection

from mainspring.kit.actors import Actor
from mainspring.kit.errors import InvalidArgument
from mainspring.kit.names import invalid_value
from mainspring.kit.permissions import Permission
from mainspring.modules.tracking import search
from mainspring.modules.tracking.schemas import RunColumns, RunGroupQuery, RunGroups
from mainspring.modules.tracking.service import rules
from mainspring.modules.tracking.service.experiments import own_keys

MAX_SEARCHED_EXPERIMENTS = 20
MAX_BY, MAX_METRICS = 4, 20
"""Each is a look-up for every run."""
MAX_GROUPS = 1000
KINDS = {"params": "parameter", "tags": "tag"}
ATTRIBUTES = ("status", "user_id")


def get_run_columns(tx: Connection, actor: Actor, experiment_ids: list[str]) -> RunColumns:
    """Return the keys of all params, metrics and tags of the runs of some experiments."""
    actor.require(Permission.TRACKING_READ)
    if len(experiment_ids) > MAX_SEARCHED_EXPERIMENTS:
        raise InvalidArgument(
            f"At most {MAX_SEARCHED_EXPERIMENTS} experiments a request; got {len(experiment_ids)}.",
            field="experiment_ids",
        )
    experiments = own_keys(tx, actor, experiment_ids)
    params, metrics, tags = (search.logged_keys(tx, each, experiments) for each in ("parameter", "metric", "tag"))
    return RunColumns(params, metrics, tags)


def group_runs(tx: Connection, actor: Actor, query: RunGroupQuery) -> RunGroups:
    """Return the largest groups of the runs that a filter finds, with the mean and spread of some metrics."""
    actor.require(Permission.TRACKING_READ)
    rules.check_max_results(query.max_results, MAX_GROUPS)
    for field, limit in (("by", MAX_BY), ("metrics", MAX_METRICS)):
        if len(given := getattr(query, field)) > limit:
            raise InvalidArgument(f"At most {limit} {field} a request; got {len(given)}.", field=field)
    by = [_subject(name) for name in query.by]
    experiments = own_keys(tx, actor, query.experiment_ids)
    found = search.RunQuery(experiments, query.filter, query.view_type, [])
    return found.group(tx, by, query.metrics, query.max_results)


def _subject(name: str) -> search.Subject:
    kind, _, key = name.partition(".")
    if kind in KINDS and key:
        return search.Subject(KINDS[kind], key)
    if kind == "attributes" and key in ATTRIBUTES:
        return search.Subject("attribute", key)
    known = " or ".join(f"attributes.{each}" for each in ATTRIBUTES)
    raise invalid_value("by", name, f"Runs are grouped by such as params.lr or tags.team, or {known}.")
