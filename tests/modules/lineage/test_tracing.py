"""The graph around a node: what hangs together, how far, what is seen, and how fast."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from sqlalchemy import Connection, event

from mainspring.kit.actors import LOCAL, NOBODY, Actor
from mainspring.kit.errors import InvalidArgument, NotFound
from mainspring.kit.permissions import Permission
from mainspring.modules.lineage.schemas import Direction, Lineage
from mainspring.modules.lineage.service import MAX_NODES, trace
from mainspring.modules.projects import service as projects
from mainspring.modules.projects.schemas import ProjectUpdate, Visibility
from mainspring.modules.registry import service as registry
from mainspring.modules.registry.schemas import ModelVersionCreate, RegisteredModelCreate
from mainspring.modules.tracking import service as tracking
from mainspring.modules.tracking.schemas import ExperimentCreate, RunInputs
from tests.modules.lineage.conftest import Chain, add_item, add_run, new_project


def ids(lineage: Lineage) -> set[str]:
    return {node.id for node in lineage.nodes}


def edges(lineage: Lineage) -> set[tuple[str, str, str]]:
    return {(edge.source, edge.target, edge.kind) for edge in lineage.edges}


def test_one_call_returns_the_chain(tx: Connection, chain: Chain) -> None:
    dataset, run, model, version, item = chain.ids
    found = trace(tx, chain.actor, version)
    assert found.of == found.nodes[0].id == version
    assert ids(found) == set(chain.ids)
    assert edges(found) == {
        (dataset, run, "input"),
        (run, model, "output"),
        (model, version, "registered"),
        (run, version, "registered"),
        (version, item, "published"),
    }
    assert not found.truncated
    told = {node.id: node for node in found.nodes}
    assert {node.project for node in found.nodes} == {"team/wine"}
    assert told[run].url == f"/p/team/wine/api/v1/runs/{chain.run.run_id}"
    assert told[run].attributes["experiment"] == "wines"
    assert told[run].created_at == chain.run.started_at
    assert told[dataset].attributes["source"] == "https://example.org/wine.csv"
    assert told[version].url == "/p/team/wine/api/v1/models/wine/versions/1"
    assert told[item].attributes["collections"] == ["ai-model"]
    assert told[item].url == "/api/v1/stac/collections/ai-model/items/team-wine"


@pytest.mark.parametrize("place", range(5), ids=["dataset", "run", "logged-model", "version", "item"])
def test_it_is_found_from_every_node(tx: Connection, chain: Chain, place: int) -> None:
    assert ids(trace(tx, chain.actor, chain.ids[place], 4)) == set(chain.ids)


@pytest.mark.parametrize(
    ("direction", "hops", "places"),
    [(Direction.UP, 1, {1, 2}), (Direction.UP, 2, {0, 1, 2}), (Direction.DOWN, 5, {2, 3, 4})],
    ids=["one-up", "up", "down"],
)
def test_up_and_down(tx: Connection, chain: Chain, direction: Direction, hops: int, places: set[int]) -> None:
    of = chain.ids[2]
    expected = {chain.ids[place] for place in places}
    if direction is Direction.UP and hops == 1:
        expected = {chain.ids[1], of}
    assert ids(trace(tx, chain.actor, of, hops, direction)) == expected


def test_a_run_reads_a_model(tx: Connection, chain: Chain) -> None:
    experiment = tracking.create_experiment(tx, chain.actor, ExperimentCreate("tests")).experiment_id
    run = add_run(tx, chain.actor, experiment)
    tracking.log_inputs(tx, chain.actor, run.run_id, RunInputs([], [chain.model.model_id]))
    found = trace(tx, chain.actor, f"run:{run.run_id}", 1)
    assert edges(found) == {(chain.ids[2], f"run:{run.run_id}", "input")}
    assert f"run:{run.run_id}" in ids(trace(tx, chain.actor, chain.ids[2], 1))


def test_what_is_another_projects_is_shown_where_it_may_be_seen(tx: Connection, chain: Chain) -> None:
    other = new_project(tx, "team/copy")
    registry.create_registered_model(tx, other, RegisteredModelCreate("wine"))
    run_id = chain.run.run_id
    registry.create_model_version(tx, other, "wine", ModelVersionCreate(f"runs:/{run_id}/m", run_id=run_id))
    found = trace(tx, chain.actor, f"run:{run_id}", 1)
    assert "model_version:team/copy/wine/1" in ids(found)
    assert "model_version:wine/1" in ids(found)
    again = trace(tx, chain.actor, "model_version:team/copy/wine/1", 1)
    assert ids(again) == {"model_version:team/copy/wine/1", f"run:{run_id}"}
    assert again.nodes[0].project == "team/copy"
    projects.update_project(tx, other, ProjectUpdate(visibility=Visibility.PUBLIC))
    stranger = replace(NOBODY, permissions=frozenset({Permission.PROJECTS_DISCOVER}))
    assert ids(trace(tx, stranger, "model_version:team/copy/wine/1", 5)) == {"model_version:team/copy/wine/1"}


@pytest.mark.parametrize("place", range(5), ids=["dataset", "run", "logged-model", "version", "item"])
def test_what_may_not_be_seen_is_not_there(tx: Connection, chain: Chain, place: int) -> None:
    stranger = replace(NOBODY, permissions=frozenset({Permission.PROJECTS_DISCOVER}), project=chain.actor.project)
    with pytest.raises(NotFound, match="or you may not see it"):
        trace(tx, stranger, chain.ids[place])


def test_a_limited_credential_shows_what_it_allows(tx: Connection, chain: Chain) -> None:
    limits = frozenset({Permission.PROJECTS_DISCOVER, Permission.PROJECT_READ, Permission.REGISTRY_READ})
    limited = replace(chain.actor, limits=limits)
    assert ids(trace(tx, limited, "model_version:wine/1", 5)) == set(chain.ids[3:])
    with pytest.raises(NotFound):
        trace(tx, limited, chain.ids[1])


def test_a_dataset_that_several_projects_read_is_one_node(tx: Connection, chain: Chain) -> None:
    other = new_project(tx, "team/other")
    experiment = tracking.create_experiment(tx, other, ExperimentCreate("e")).experiment_id
    run = add_run(tx, other, experiment, "https://example.org/wine.csv")
    found = trace(tx, other, chain.ids[0], 1)
    assert ids(found) == {chain.ids[0], chain.ids[1], f"run:{run.run_id}"}
    assert found.nodes[0].project == "team/other"


@pytest.mark.parametrize(
    "source",
    [
        '{"url": "https://host.example/api/v1/download/lab-grapes/data.csv"}',
        '{"url": "https://host.example/api/download/lab/grapes/data.csv?ref=v1"}',
        '{"uri": "https://host.example/p/lab/grapes/api/v1/files/data.csv"}',
        "https://host.example/api/stac/collections/dataset/items/lab-grapes",
        "https://gitlab.example/lab/grapes/-/raw/main/data.csv",
        '{"url": "https://host.example/datasets/lab/grapes/resolve/main/data.csv"}',
        "hf://datasets/lab/grapes@main/data.csv",
        '{"path": "lab/grapes", "config_name": "default"}',
    ],
    ids=["slug", "path", "project-url", "item", "gitlab", "hub", "hf", "hf-source"],
)
def test_a_dataset_comes_of_an_item(tx: Connection, source: str) -> None:
    grapes, wine = new_project(tx, "lab/grapes"), new_project(tx, "lab/wine")
    add_item(tx, grapes, "lab-grapes", collection="dataset")
    experiment = tracking.create_experiment(tx, wine, ExperimentCreate("e")).experiment_id
    add_run(tx, wine, experiment, source)
    others = ("", "https://host.example/elsewhere/data.csv", "https://huggingface.co/lab/grapes/resolve/main/data.csv")
    for number, other in enumerate(others):
        apart = tracking.create_experiment(tx, wine, ExperimentCreate(f"e{number}")).experiment_id
        add_run(tx, wine, apart, "", other)
    found = trace(tx, wine, "dataset:data0@d1", 1, Direction.UP)
    assert edges(found) == {("item:lab-grapes", "dataset:data0@d1", "source")}
    found = trace(tx, wine, "item:lab-grapes", 1, Direction.DOWN)
    assert edges(found) == {("item:lab-grapes", "dataset:data0@d1", "source")}


def test_where_a_dataset_comes_from_is_told_by_those_that_may_be_seen(tx: Connection) -> None:
    grapes, hidden, wine = (new_project(tx, f"lab/{name}") for name in ("grapes", "hidden", "wine"))
    for actor in (grapes, wine):
        projects.update_project(tx, actor, ProjectUpdate(visibility=Visibility.PUBLIC))
    add_item(tx, grapes, "lab-grapes", collection="dataset")
    for actor, source in ((hidden, "hf://datasets/lab/grapes/data.csv"), (wine, "data.csv")):
        experiment = tracking.create_experiment(tx, actor, ExperimentCreate("e")).experiment_id
        add_run(tx, actor, experiment, source)
    stranger = replace(NOBODY, permissions=frozenset({Permission.PROJECTS_DISCOVER}))
    assert ids(trace(tx, stranger, "item:lab-grapes", 1)) == {"item:lab-grapes"}
    assert "item:lab-grapes" not in ids(trace(tx, stranger, "dataset:data0@d1", 1))
    assert "item:lab-grapes" in ids(trace(tx, LOCAL, "dataset:data0@d1", 1))
    assert "dataset:data0@d1" in ids(trace(tx, LOCAL, "item:lab-grapes", 1))


def test_items_that_are_related(tx: Connection) -> None:
    grapes, wine = new_project(tx, "lab/grapes"), new_project(tx, "lab/wine")
    add_item(tx, grapes, "lab-grapes", collection="dataset")
    content = '{"geometry": null, "links": [{"rel": "derived_from", "href": "project:dataset/lab/grapes"}]}'
    add_item(tx, wine, "lab-wine", content)
    assert edges(trace(tx, wine, "item:lab/wine", 1)) == {("item:lab-grapes", "item:lab-wine", "related")}


@pytest.mark.parametrize(
    ("of", "field"),
    [
        ("", "of"),
        ("wine", "of"),
        ("model:wine", "of"),
        ("model_version:wine", "of"),
        ("model_version:wine/x", "of"),
        ("model_version:wine/9999999999", "of"),
        ("run:" + "a" * 700, "of"),
    ],
)
def test_what_is_no_node_is_refused(tx: Connection, of: str, field: str) -> None:
    with pytest.raises(InvalidArgument) as raised:
        trace(tx, LOCAL, of)
    assert raised.value.field == field


@pytest.mark.parametrize(
    "of",
    "run:x dataset:x dataset:a@b logged_model:m-1 model_version:a/1 model_version:no/such/a/1 item:x item:x/y job:a/b "
    "job_run:x model_version:a/999999999".split(),
)
def test_what_is_not_there_is_not_found(tx: Connection, of: str) -> None:
    with pytest.raises(NotFound):
        trace(tx, LOCAL, of)


@pytest.mark.parametrize("hops", [0, -1, 6])
def test_hops_are_bounded(tx: Connection, hops: int) -> None:
    with pytest.raises(InvalidArgument, match="1 to 5"):
        trace(tx, LOCAL, "run:x", hops)


def wide(tx: Connection, runs: int) -> tuple[Actor, str]:
    """Make many runs that read one dataset."""
    actor = new_project(tx, "team/wide")
    experiment = tracking.create_experiment(tx, actor, ExperimentCreate("e")).experiment_id
    for _ in range(runs):
        add_run(tx, actor, experiment, "s3://bucket/a")
    return actor, "dataset:data0@d1"


def test_a_thousand_nodes_are_found_fast(tx: Connection) -> None:
    actor, dataset = wide(tx, MAX_NODES + 20)
    asked = 0

    def count(*_: object) -> None:
        nonlocal asked
        asked += 1

    event.listen(tx.engine, "before_cursor_execute", count)
    found = trace(tx, actor, dataset, 5)
    event.remove(tx.engine, "before_cursor_execute", count)
    assert found.truncated
    assert len(found.nodes) == MAX_NODES
    assert len(found.edges) == MAX_NODES - 1
    assert asked < 50
    took = []  # of the processor: neighbours cost time. Some 20 ms where there are none.
    for _ in range(10):
        started = time.process_time()
        trace(tx, actor, dataset, 2)
        took.append(time.process_time() - started)
    assert min(took) < 0.1, took
