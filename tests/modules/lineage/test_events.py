"""Events of OpenLineage: what is taken of them, and those that tell of our runs."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import jsonschema
import msgspec
import pytest
from sqlalchemy import Connection, func, select

from mainspring.kit.actors import LOCAL, NOBODY, Actor
from mainspring.kit.errors import InvalidArgument, MainspringError, NotFound, PermissionDenied, TooLarge
from mainspring.kit.permissions import Permission
from mainspring.modules.lineage.schemas import Direction, LineageEvent, NodeKind
from mainspring.modules.lineage.service import list_events, take_events, trace
from mainspring.modules.lineage.service.dropping import drop_project
from mainspring.modules.lineage.service.taking import MAX_DATASETS, MAX_EVENTS, MAX_FACET
from mainspring.modules.lineage.tables import lineage_edges, lineage_nodes
from mainspring.modules.tracking import service as tracking
from mainspring.modules.tracking.schemas import RunStatus, RunUpdate
from tests.modules.lineage.conftest import Chain, new_project
from tests.modules.lineage.openlineage import RUN_EVENT, SOURCE_FACET, VERSION_FACET
from tests.modules.lineage.test_tracing import edges, ids

RUN = "0198c0de-0000-7000-8000-00000000000a"
FACET = {"_producer": "urn:x", "_schemaURL": "urn:y"}


def event(type: str | None = "COMPLETE", at: str = "2026-05-01T12:00:00Z", **more: Any) -> LineageEvent:
    """Return an event as it is read from JSON."""
    told = {
        "eventTime": at,
        "producer": "https://airflow.example",
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
        "eventType": type,
        "run": {"runId": RUN},
        "job": {"namespace": "airflow", "name": "clean"},
        "inputs": [{"namespace": "s3://raw", "name": "wine"}],
        "outputs": [{"namespace": "s3://clean", "name": "wine"}],
        "newer": {"than": "this"},
    }
    return msgspec.json.decode(msgspec.json.encode(told | more), type=LineageEvent)


def kept(tx: Connection, project: int) -> list[Any]:
    """Return all that a project was told."""
    nodes = select(lineage_nodes.c.kind, lineage_nodes.c.name, lineage_nodes.c.facets, lineage_nodes.c.updated_at)
    rows = sorted(tuple(row) for row in tx.execute(nodes.where(lineage_nodes.c.project == project)))
    edges = select(lineage_edges.c.source, lineage_edges.c.target).where(lineage_edges.c.project == project)
    decoded = [(*row[:2], msgspec.json.decode(row[2]), row[3]) for row in rows]
    return [*decoded, *sorted(tuple(row) for row in tx.execute(edges))]


def test_a_run_elsewhere_joins_its_datasets(tx: Connection) -> None:
    actor = new_project(tx, "team/etl")
    assert take_events(tx, actor, [event()]).events == 1
    found = trace(tx, actor, "dataset:s3://raw/wine", 5)
    assert edges(found) == {
        ("dataset:s3://raw/wine", f"job_run:{RUN}", "input"),
        (f"job_run:{RUN}", "dataset:s3://clean/wine", "output"),
        ("job:airflow/clean", f"job_run:{RUN}", "run"),
    }
    run = next(node for node in found.nodes if node.kind is NodeKind.JOB_RUN)
    assert (run.title, run.attributes["state"]) == ("airflow/clean", "COMPLETE")
    assert ids(trace(tx, actor, "dataset:s3://clean/wine", 1, Direction.UP)) == {
        "dataset:s3://clean/wine",
        f"job_run:{RUN}",
    }


def test_events_may_come_again_and_in_any_order(tx: Connection) -> None:
    schema = {"schema": FACET | {"fields": [{"name": "a"}]}}
    newer = {"schema": FACET | {"fields": [{"name": "b"}]}}
    events = [
        event("START", "2026-05-01T12:00:00Z", outputs=[], run={"runId": RUN, "facets": {"first": FACET}}),
        event("RUNNING", "2026-05-01T12:30:00+00:00", inputs=[], outputs=[]),
        event("COMPLETE", "2026-05-01T13:00:00", inputs=[{"namespace": "s3://raw", "name": "wine", "facets": newer}]),
        event(None, "2026-05-01T11:00:00Z", inputs=[{"namespace": "s3://raw", "name": "wine", "facets": schema}]),
    ]
    first = new_project(tx, "team/first")
    take_events(tx, first, events)
    expected = kept(tx, first.project)
    take_events(tx, first, events)
    assert kept(tx, first.project) == expected
    for number in range(5):
        other = new_project(tx, f"team/o{number}")
        shuffled = events * 2
        random.Random(number).shuffle(shuffled)
        for each in shuffled:
            take_events(tx, other, [each])
        assert kept(tx, other.project) == expected, number
    told = {(row[0], row[1]): row for row in expected if len(row) == 4}
    run, dataset = told["job_run", RUN][2], told["dataset", "s3://raw/wine"][2]
    assert (run["state"], run["started_at"], run["ended_at"]) == ("COMPLETE", 1777636800000, 1777640400000)
    assert list(run["facets"]) == ["first"]
    assert dataset["facets"] == newer


def test_jobs_and_datasets_are_told_of_without_runs(tx: Connection) -> None:
    actor = new_project(tx, "team/etl")
    facets: dict[str, Any] = {"schema": FACET | {"fields": []}}
    dataset = {"namespace": "s3://raw", "name": "wine", "facets": facets}
    take_events(tx, actor, [event(None, run=None), event(None, run=None, job=None, dataset=dataset)])
    found = trace(tx, actor, "dataset:s3://raw/wine", 2)
    assert found.nodes[0].attributes["facets"] == facets
    assert edges(found) == {
        ("dataset:s3://raw/wine", "job:airflow/clean", "input"),
        ("job:airflow/clean", "dataset:s3://clean/wine", "output"),
    }
    around = trace(tx, actor, "job:airflow/clean", 1)
    assert all("facets" not in node.attributes for node in around.nodes)


def test_what_is_our_own_is_joined(tx: Connection, chain: Chain) -> None:
    own = {"namespace": "mainspring://team/wine", "name": "model_version:wine/1"}
    elsewhere = {"namespace": "mainspring://team/other", "name": "model_version:wine/1"}
    take_events(tx, chain.actor, [event(inputs=[own, elsewhere])])
    found = trace(tx, chain.actor, f"job_run:{RUN}", 1, Direction.UP)
    assert ids(found) == {
        f"job_run:{RUN}",
        "job:airflow/clean",
        "model_version:wine/1",
        "dataset:mainspring://team/other/model_version:wine/1",
    }
    assert "dataset:s3://clean/wine" in ids(trace(tx, chain.actor, "model_version:wine/1", 2, Direction.DOWN))
    # Another project's version of that name is another one.
    other = new_project(tx, "team/other")
    take_events(tx, other, [event(run={"runId": str(uuid4())}, inputs=[elsewhere])])
    assert len(trace(tx, chain.actor, "model_version:wine/1", 1, Direction.DOWN).nodes) == 3


def test_a_run_that_is_tracked_here_keeps_its_id(tx: Connection, chain: Chain) -> None:
    run = {"runId": str(UUID(chain.run.run_id))}
    take_events(tx, chain.actor, [event(run=run)])
    found = trace(tx, chain.actor, chain.ids[1], 1)
    assert {"dataset:s3://raw/wine", "dataset:s3://clean/wine"} <= ids(found)
    # Not so in a project that has no such run.
    other = new_project(tx, "team/other")
    take_events(tx, other, [event(run=run)])
    assert f"job_run:{run['runId']}" in ids(trace(tx, other, "job:airflow/clean", 1))


def test_what_a_project_was_told_is_seen_by_those_who_see_it(tx: Connection, chain: Chain) -> None:
    take_events(tx, chain.actor, [event()])
    stranger = replace(NOBODY, permissions=frozenset({Permission.PROJECTS_DISCOVER}))
    for of in (f"job_run:{RUN}", "job:airflow/clean", "dataset:s3://raw/wine"):
        with pytest.raises(NotFound):
            trace(tx, stranger, of)
    reader = replace(chain.actor, permissions=chain.actor.permissions - {Permission.TRACKING_WRITE})
    with pytest.raises(PermissionDenied):
        take_events(tx, reader, [event()])


LONG = "x" * 500


@pytest.mark.parametrize(
    ("wrong", "kind", "field"),
    [
        ([event(job=None)], InvalidArgument, "job"),
        ([event(run=None, job=None)], InvalidArgument, "job"),
        ([event(job={"namespace": "", "name": "a"})], InvalidArgument, "job"),
        ([event(job={"namespace": "a", "name": LONG})], InvalidArgument, "job"),
        ([event(inputs=[{"namespace": "a", "name": ""}])], InvalidArgument, "dataset"),
        ([event(inputs=[{"namespace": "mainspring://team/bad", "name": "run:x"}])], InvalidArgument, "name"),
        ([event(inputs=[{"namespace": "mainspring://team/bad", "name": "wine"}])], InvalidArgument, "of"),
        ([event(inputs=[{"namespace": "a", "name": "b"}] * (MAX_DATASETS + 1))], TooLarge, "inputs"),
        ([event()] * (MAX_EVENTS + 1), TooLarge, "events"),
    ],
    ids="no-job nothing no-namespace long no-name own-run own-odd many-inputs many".split(),
)
def test_bad_events_are_refused_whole(
    tx: Connection, wrong: list[LineageEvent], kind: type[MainspringError], field: str
) -> None:
    actor = new_project(tx, "team/bad")
    with pytest.raises(kind) as raised:
        take_events(tx, actor, [event(), *wrong])
    assert raised.value.field == field
    assert kept(tx, actor.project) == []


def test_facets_that_are_too_long_are_left_out_and_named(tx: Connection) -> None:
    actor = new_project(tx, "team/etl")
    long = {"plan": FACET | {"text": "x" * MAX_FACET}, "small": FACET}
    assert take_events(tx, actor, [event(run={"runId": RUN, "facets": long})]).left_out == ["plan"]
    assert list(trace(tx, actor, f"job_run:{RUN}").nodes[0].attributes["facets"]) == ["small"]
    many = {f"f{number}": FACET | {"text": "x" * (MAX_FACET - 200)} for number in range(6)}
    left_out = take_events(tx, actor, [event(run={"runId": RUN, "facets": many})]).left_out
    assert 1 <= len(left_out) <= 3
    gone = {"small": FACET | {"_deleted": True}}
    take_events(tx, actor, [event(at="2026-06-01T00:00:00Z", run={"runId": RUN, "facets": gone})])
    assert "small" not in trace(tx, actor, f"job_run:{RUN}").nodes[0].attributes["facets"]


def test_it_goes_with_its_project(tx: Connection) -> None:
    actor, other = new_project(tx, "team/a"), new_project(tx, "team/b")
    for each in (actor, other):
        take_events(tx, each, [event()])
    drop_project(tx, LOCAL, actor.project)
    assert kept(tx, actor.project) == []
    assert len(kept(tx, other.project)) == 7
    assert tx.execute(select(func.count()).select_from(lineage_edges)).scalar_one() == 3


def told(events: Any) -> list[dict[str, Any]]:
    """Return events as JSON, after a look at each."""
    items: list[dict[str, Any]] = msgspec.json.decode(msgspec.json.encode(events))["items"]
    checker = jsonschema.Draft202012Validator(RUN_EVENT, format_checker=jsonschema.FormatChecker())
    for each in items:
        checker.validate(each)
    return items


def test_our_runs_are_told_as_events(tx: Connection, chain: Chain) -> None:
    run_id = chain.run.run_id
    [start] = told(list_events(tx, chain.actor, run_id))
    assert (start["eventType"], start["run"]["runId"]) == ("START", str(UUID(run_id)))
    assert start["job"] == {"namespace": "mainspring://team/wine", "name": "wines"}
    assert [output["name"] for output in start["outputs"]] == [chain.ids[2], chain.ids[3]]
    change = RunUpdate(status=RunStatus.FINISHED, ended_at=(chain.run.started_at or 0) + 5000)
    tracking.update_run(tx, chain.actor, run_id, change)
    start, end = told(list_events(tx, chain.actor, run_id))
    assert (start["eventType"], end["eventType"]) == ("START", "COMPLETE")
    assert "outputs" not in start
    [read] = end["inputs"]
    assert (read["namespace"], read["name"]) == ("mainspring://team/wine", chain.ids[0])
    assert read["facets"]["version"]["datasetVersion"] == "d1"
    assert read["facets"]["dataSource"]["uri"] == "https://example.org/wine.csv"
    for name, schema in (("version", VERSION_FACET), ("dataSource", SOURCE_FACET)):
        jsonschema.validate(read["facets"][name], schema)
    assert [output["name"] for output in end["outputs"]] == [chain.ids[2], chain.ids[3]]
    assert end["run"]["facets"]["mainspring_run"]["name"] == "train"
    assert told(list_events(tx, chain.actor, of=chain.ids[3])) == [start, end]


@pytest.mark.parametrize("ended_at", [-(2**62), 2**62], ids=["long-ago", "far-off"])
def test_times_that_no_calendar_has(tx: Connection, chain: Chain, ended_at: int) -> None:
    change = RunUpdate(status=RunStatus.KILLED, ended_at=ended_at)
    tracking.update_run(tx, chain.actor, chain.run.run_id, change)
    assert {each["eventType"] for each in told(list_events(tx, chain.actor, chain.run.run_id))} == {"START", "ABORT"}


def test_our_events_taken_back_change_nothing(tx: Connection, chain: Chain) -> None:
    before = trace(tx, chain.actor, chain.ids[3], 5)
    take_events(tx, chain.actor, list_events(tx, chain.actor, chain.run.run_id).items)
    assert trace(tx, chain.actor, chain.ids[3], 5).nodes == before.nodes
    assert ids(trace(tx, chain.actor, chain.ids[3], 5)) == set(chain.ids)


def test_events_are_asked_for_by_a_run_or_a_node(tx: Connection, chain: Chain) -> None:
    for run_id, of in (("", ""), ("a", "run:a")):
        with pytest.raises(InvalidArgument, match="Either run_id or of"):
            list_events(tx, chain.actor, run_id, of)
    with pytest.raises(NotFound):
        list_events(tx, chain.actor, "0" * 32)
    stranger: Actor = replace(NOBODY, permissions=frozenset({Permission.PROJECTS_DISCOVER}))
    with pytest.raises(NotFound):
        list_events(tx, stranger, chain.run.run_id)
