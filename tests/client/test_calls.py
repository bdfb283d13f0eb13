"""Calls of the SDK on a real server: what comes back, page after page, and what is refused."""

import math
from uuid import uuid4

import pytest

import mainspring as ms
from mainspring.kit.errors import AlreadyExists, InvalidArgument, NotFound
from mainspring.modules.tracking.schemas import LifecycleStage, Run, RunStatus


def test_experiments(client: ms.Client) -> None:
    name = f"experiment {uuid4()}"
    made = client.experiments.create(name, tags={"team": "vision"})
    assert client.experiments.get(made.experiment_id) == made
    assert [each.name for each in client.experiments.search(f"name = '{name}'")] == [name]
    with pytest.raises(AlreadyExists):
        client.experiments.create(name)
    assert client.experiments.update(made.experiment_id, name=f"{name}!").name == f"{name}!"
    client.experiments.set_tag(made.experiment_id, "a/b c", "1")
    client.experiments.delete_tag(made.experiment_id, "team")
    assert client.experiments.get(made.experiment_id).tags == {"a/b c": "1"}
    client.experiments.delete(made.experiment_id)
    assert client.experiments.get(made.experiment_id).lifecycle_stage is LifecycleStage.DELETED
    assert client.experiments.restore(made.experiment_id).lifecycle_stage is LifecycleStage.ACTIVE


def test_a_run_and_what_is_logged_to_it(client: ms.Client, run: Run) -> None:
    client.runs.log(run.run_id, metrics={"loss": 0.5}, params={"depth": 3}, tags={"n": 1}, step=1, timestamp=10)
    client.runs.log(run.run_id, metrics=[ms.Metric("loss", 0.25, 20, 2), ms.Metric("other", math.nan, 20)])
    client.runs.set_tag(run.run_id, "a/b", "c")
    client.runs.delete_tag(run.run_id, "n")
    found = client.runs.get(run.run_id)
    assert found.params == {"depth": "3"}
    assert found.tags == {"a/b": "c", "mlflow.runName": run.name}
    assert {point.key: point.value for point in found.metrics} == {"loss": 0.25, "other": "NaN"}
    history = client.runs.metric_history(run.run_id, "loss", page_size=1)
    assert [(point.step, point.timestamp, point.value) for point in history] == [(1, 10, 0.5), (2, 20, 0.25)]
    ended = client.runs.finish(run.run_id)
    assert ended.status is RunStatus.FINISHED
    assert ended.ended_at
    client.runs.delete(run.run_id)
    assert client.runs.restore(run.run_id).lifecycle_stage is LifecycleStage.ACTIVE


def test_infinities_are_the_largest_doubles(client: ms.Client, run: Run) -> None:
    client.runs.log(run.run_id, metrics={"up": math.inf, "down": -math.inf})
    values = {point.key: point.value for point in client.runs.get(run.run_id).metrics}
    assert values == {"up": 1.7976931348623157e308, "down": -1.7976931348623157e308}


def test_a_refused_log_leaves_nothing(client: ms.Client, run: Run) -> None:
    with pytest.raises(InvalidArgument):
        client.runs.log(run.run_id, metrics={"good": 1}, params={"bad key!": 1})
    assert client.runs.get(run.run_id).metrics == []


def test_a_search_walks_all_pages(client: ms.Client) -> None:
    experiment = client.experiments.create(f"pages {uuid4()}").experiment_id
    made = {client.runs.create(experiment, name=f"run {number}").run_id for number in range(7)}
    found = client.runs.search([experiment], page_size=3)
    assert [len(found.page().items), found.page().next_page_token is None] == [3, False]
    assert len(found.page(found.page().next_page_token).items) == 3
    assert {each.run_id for each in found} == made
    assert [each.name for each in client.runs.search([experiment], "attributes.run_name = 'run 3'")] == ["run 3"]
    assert list(client.runs.search([experiment], view_type="DELETED_ONLY")) == []


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda client: client.runs.search(["0"], view_type="SOME"), "ACTIVE_ONLY, DELETED_ONLY, ALL"),
        (lambda client: client.runs.update("r", status="DONE"), "FINISHED"),
        (lambda client: list(client.runs.search(["0"], "metrics.loss <")), "column 15"),
        (lambda client: list(client.experiments.search(page_size=0)), "max_results"),
    ],
)
def test_wrong_values(client: ms.Client, call: object, message: str) -> None:
    assert callable(call)
    with pytest.raises(InvalidArgument, match=message):
        call(client)


def test_models(client: ms.Client, run: Run, tmp_path: pytest.TempPathFactory) -> None:
    name = f"model {uuid4()}"
    assert client.models.create(name, description="one", tags={"a": "b"}).tags == {"a": "b"}
    source = f"runs:/{run.run_id}/model"
    version = client.models.create_version(name, source, run_id=run.run_id, tags={"c": "d"})
    assert (version.version, version.source, version.run_id) == (1, source, run.run_id)
    client.models.set_alias(name, "champion", 1)
    client.models.set_tag(name, "x/y", "1")
    client.models.set_version_tag(name, 1, "x/y", "2")
    client.models.delete_version_tag(name, 1, "c")
    assert client.models.get_by_alias(name, "champion").tags == {"x/y": "2"}
    assert client.models.update_version(name, 1, stage="staging", description="first").stage == "Staging"
    assert client.models.get_version(name, 1).description == "first"
    assert [each.version for each in client.models.search_versions(name)] == [1]
    assert name in {each.name for each in client.models.search_versions(filter=f"run_id = '{run.run_id}'")}
    renamed = client.models.update(name, new_name=f"{name}!", description="two")
    assert (renamed.name, renamed.description, renamed.aliases) == (f"{name}!", "two", {"champion": 1})
    client.models.delete_alias(renamed.name, "champion")
    client.models.delete_tag(renamed.name, "a")
    assert client.models.get(renamed.name).tags == {"x/y": "1"}
    assert [each.name for each in client.models.search(f"name = '{renamed.name}'")] == [renamed.name]
    client.models.delete_version(renamed.name, 1)
    client.models.delete(renamed.name)
    with pytest.raises(NotFound):
        client.models.get(renamed.name)


def test_logged_models(client: ms.Client) -> None:
    assert list(client.logged_models.search(["0"])) == []
    with pytest.raises(NotFound):
        client.logged_models.get("m-nowhere")
