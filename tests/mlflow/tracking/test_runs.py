"""Runs: create, get, update, names, and what deletion changes."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.mlflow.conftest import differs
from tests.mlflow.rest import Rest, missing, wrong_type
from tests.mlflow.tracking.conftest import Runs

INACTIVE = "The run {} must be in the 'active' state. Current state is deleted."


def test_create_body(rest: Rest, experiment: str) -> None:
    body = {
        "experiment_id": experiment,
        "user_id": "ann",
        "start_time": 1700000000000,
        "run_name": "my run",
        "tags": [{"key": "k", "value": "v"}, {"key": "mlflow.user", "value": "bob"}, {"key": "bare"}],
    }
    answer = rest.post("runs/create", body).ok()
    assert set(answer) == {"run"}
    run = answer["run"]
    run_id = run["info"]["run_id"]
    assert re.fullmatch("[0-9a-f]{32}", run_id)
    tags = {tag["key"]: tag["value"] for tag in run["data"].pop("tags")}
    assert tags == {"k": "v", "mlflow.user": "bob", "bare": "", "mlflow.runName": "my run"}
    assert run == {
        "info": {
            "run_uuid": run_id,
            "run_id": run_id,
            "experiment_id": experiment,
            "run_name": "my run",
            "user_id": "ann",
            "status": "RUNNING",
            "start_time": 1700000000000,
            "artifact_uri": f"mlflow-artifacts:/{experiment}/{run_id}/artifacts",
            "lifecycle_stage": "active",
        },
        "data": {},
        "inputs": {},
    }


def test_get_body(rest: Rest, runs: Runs) -> None:
    run_id = runs.create("read me", user_id="ann")
    answer = rest.get("runs/get", {"run_id": run_id}).ok()
    assert answer == {
        "run": {
            "info": {
                "run_uuid": run_id,
                "run_id": run_id,
                "experiment_id": runs.experiment,
                "run_name": "read me",
                "user_id": "ann",
                "status": "RUNNING",
                "start_time": 1,
                "artifact_uri": f"mlflow-artifacts:/{runs.experiment}/{run_id}/artifacts",
                "lifecycle_stage": "active",
            },
            "data": {"tags": [{"key": "mlflow.runName", "value": "read me"}]},
            "inputs": {},
            "outputs": {},
        }
    }
    found = rest.post("runs/search", {"experiment_ids": [runs.experiment]}).ok()
    assert found == {"runs": [answer["run"]]}


def test_nothing_given(rest: Rest, experiment: str) -> None:
    run = rest.post("runs/create", {"experiment_id": experiment}).ok()["run"]
    assert run["info"]["start_time"] == 0
    assert run["info"]["user_id"] == ""
    assert re.fullmatch("[a-z]+-[a-z]+-[0-9]+", run["info"]["run_name"])
    assert run["data"] == {"tags": [{"key": "mlflow.runName", "value": run["info"]["run_name"]}]}
    assert "end_time" not in run["info"]


@pytest.mark.parametrize(("given", "kept"), [("12", 12), (12.0, 12), (-5, -5), (0, 0), (2**62, 2**62)])
def test_start_time(runs: Runs, given: Any, kept: int) -> None:
    assert runs.get(runs.create(start_time=given))["info"]["start_time"] == kept


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"experiment_id": "abc"}, "Invalid experiment ID 'abc'. Experiment ID must be a valid integer."),
        ({"experiment_id": 9}, wrong_type("experiment_id", "9")),
        ({"start_time": "abc"}, wrong_type("start_time", '"abc"')),
        ({"run_name": 5}, wrong_type("run_name", "5")),
        (
            {"run_name": "a", "tags": [{"key": "mlflow.runName", "value": "b"}]},
            "mlflow.runName",
        ),
    ],
)
def test_create_refuses(rest: Rest, experiment: str, body: dict[str, Any], message: str) -> None:
    rest.post("runs/create", {"experiment_id": experiment, **body}).invalid(message)
    assert rest.post("runs/search", {"experiment_ids": [experiment]}).ok() == {}


def test_create_in_an_unknown_experiment(rest: Rest) -> None:
    answer = rest.post("runs/create", {"experiment_id": "99999999"})
    answer.absent("No Experiment with id=99999999 exists")
    assert rest.post("runs/create", {}).status == 400
    assert rest.post("runs/create", {"experiment_id": ""}).status == 400


def test_create_with_a_tag_twice(rest: Rest, experiment: str) -> None:
    tags = [{"key": "a", "value": "1"}, {"key": "a", "value": "2"}]
    assert rest.post("runs/create", {"experiment_id": experiment, "tags": tags}).status == 400
    assert rest.post("runs/search", {"experiment_ids": [experiment]}).ok() == {}


@differs("the original keeps what it understood before the error, here a start of 0")
@pytest.mark.parametrize("fields", [{"start_time": 1.5}, {"start_time": 2**63}, {"tags": "x"}, {"tags": [5]}])
def test_create_refuses_wrong_types(rest: Rest, experiment: str, fields: dict[str, Any]) -> None:
    rest.post("runs/create", {"experiment_id": experiment, **fields}).invalid()
    assert rest.post("runs/search", {"experiment_ids": [experiment]}).ok() == {}


def test_tags_of_create_are_not_judged(runs: Runs) -> None:
    tags = [{"key": "../x", "value": "x" * 9000}, {"key": "a!", "value": "1"}]
    kept = runs.data(runs.create(tags=tags), "tags")
    assert kept["a!"] == "1"
    assert kept["../x"].startswith("x" * 8000)


class TestNames:
    def test_by_argument_and_by_tag(self, runs: Runs) -> None:
        by_tag = runs.create("", tags=[{"key": "mlflow.runName", "value": "from tag"}])
        assert runs.get(by_tag)["info"]["run_name"] == "from tag"
        both = runs.create("same", tags=[{"key": "mlflow.runName", "value": "same"}])
        assert runs.data(both, "tags") == {"mlflow.runName": "same"}

    def test_names_need_not_be_unique(self, runs: Runs) -> None:
        assert runs.create("twin") != runs.create("twin")
        assert runs.names() == ["twin", "twin"]

    def test_long_name(self, runs: Runs) -> None:
        assert runs.get(runs.create("x" * 250))["info"]["run_name"] == "x" * 250

    def test_update_renames_the_tag_too(self, rest: Rest, runs: Runs, run: str) -> None:
        info = rest.post("runs/update", {"run_id": run, "run_name": "second"}).ok()["run_info"]
        assert info["run_name"] == "second"
        assert runs.data(run, "tags") == {"mlflow.runName": "second"}

    def test_empty_name_changes_nothing(self, rest: Rest, runs: Runs, run: str) -> None:
        assert rest.post("runs/update", {"run_id": run, "run_name": ""}).ok()["run_info"]["run_name"] == "a run"
        tag = {"run_id": run, "key": "mlflow.runName", "value": ""}
        assert rest.post("runs/set-tag", tag).ok() == {}
        assert runs.get(run)["info"]["run_name"] == "a run"
        assert runs.data(run, "tags") == {"mlflow.runName": "a run"}

    def test_tag_renames_the_run(self, rest: Rest, runs: Runs, run: str) -> None:
        rest.post("runs/set-tag", {"run_id": run, "key": "mlflow.runName", "value": "by tag"}).ok()
        assert runs.get(run)["info"]["run_name"] == "by tag"
        batch = {"run_id": run, "tags": [{"key": "mlflow.runName", "value": "by batch"}, {"key": "b", "value": "1"}]}
        rest.post("runs/log-batch", batch).ok()
        assert runs.get(run)["info"]["run_name"] == "by batch"
        assert runs.data(run, "tags") == {"mlflow.runName": "by batch", "b": "1"}

    def test_rename_by_tag_keeps_status_and_end(self, rest: Rest, runs: Runs, run: str) -> None:
        rest.post("runs/update", {"run_id": run, "status": "FINISHED", "end_time": 9}).ok()
        rest.post("runs/set-tag", {"run_id": run, "key": "mlflow.runName", "value": "later"}).ok()
        info = runs.get(run)["info"]
        assert (info["run_name"], info["status"], info["end_time"]) == ("later", "FINISHED", 9)

    def test_deleting_the_tag_keeps_the_name(self, rest: Rest, runs: Runs, run: str) -> None:
        assert rest.post("runs/delete-tag", {"run_id": run, "key": "mlflow.runName"}).ok() == {}
        assert runs.get(run)["info"]["run_name"] == "a run"
        assert runs.get(run)["data"] == {}
        rest.post("runs/update", {"run_id": run, "run_name": "again"}).ok()
        assert runs.data(run, "tags") == {"mlflow.runName": "again"}


class TestUpdate:
    def test_body(self, rest: Rest, runs: Runs, run: str) -> None:
        answer = rest.post("runs/update", {"run_id": run, "status": "FINISHED", "end_time": 99}).ok()
        assert set(answer) == {"run_info"}
        info = answer["run_info"]
        assert (info["status"], info["end_time"]) == ("FINISHED", 99)
        assert info == runs.get(run)["info"]

    @pytest.mark.parametrize(
        ("given", "kept"),
        [
            ("RUNNING", "RUNNING"),
            ("SCHEDULED", "SCHEDULED"),
            ("FINISHED", "FINISHED"),
            ("FAILED", "FAILED"),
            ("KILLED", "KILLED"),
            (4, "FAILED"),
        ],
    )
    def test_status(self, rest: Rest, run: str, given: Any, kept: str) -> None:
        assert rest.post("runs/update", {"run_id": run, "status": given}).ok()["run_info"]["status"] == kept

    @differs("the original ignores an unknown name without a word")
    @pytest.mark.parametrize("given", ["NO_SUCH", "finished"])
    def test_unknown_status(self, rest: Rest, run: str, given: str) -> None:
        rest.post("runs/update", {"run_id": run, "status": given}).invalid(given)

    def test_status_may_go_back(self, rest: Rest, run: str) -> None:
        rest.post("runs/update", {"run_id": run, "status": "FINISHED", "end_time": 99}).ok()
        info = rest.post("runs/update", {"run_id": run, "status": "RUNNING"}).ok()["run_info"]
        assert (info["status"], info["end_time"]) == ("RUNNING", 99)

    def test_end_time_alone(self, rest: Rest, run: str) -> None:
        info = rest.post("runs/update", {"run_id": run, "end_time": "77"}).ok()["run_info"]
        assert (info["status"], info["end_time"]) == ("RUNNING", 77)
        assert rest.post("runs/update", {"run_id": run}).ok()["run_info"] == info

    def test_refuses(self, rest: Rest, run: str) -> None:
        answer = rest.post("runs/update", {"run_id": run, "status": 99})
        answer.invalid(wrong_type("status", "99"))
        answer = rest.post("runs/update", {"run_id": run, "end_time": "x"})
        answer.invalid(wrong_type("end_time", '"x"'))
        rest.post("runs/update", {}).invalid(missing("run_id"))
        answer = rest.post("runs/update", {"run_id": "nope", "status": "FAILED"})
        answer.absent("Run with id=nope not found")


class TestDeleted:
    def test_can_be_read(self, rest: Rest, runs: Runs, run: str) -> None:
        runs.log(run, (1, 1, 0))
        before = runs.get(run)
        assert rest.post("runs/delete", {"run_id": run}).ok() == {}
        after = runs.get(run)
        assert after["info"].pop("lifecycle_stage") == "deleted"
        assert before["info"].pop("lifecycle_stage") == "active"
        assert after == before
        history = rest.get("metrics/get-history", {"run_id": run, "metric_key": "m"}).ok()
        assert len(history["metrics"]) == 1

    def test_delete_and_restore_may_be_repeated(self, rest: Rest, runs: Runs, run: str) -> None:
        for _ in range(2):
            assert rest.post("runs/delete", {"run_id": run}).ok() == {}
        for _ in range(2):
            assert rest.post("runs/restore", {"run_id": run}).ok() == {}
        assert runs.get(run)["info"]["lifecycle_stage"] == "active"
        runs.log(run, (1, 1, 0))

    @pytest.mark.parametrize(
        ("path", "body"),
        [
            ("log-metric", {"key": "m", "value": 1, "timestamp": 9}),
            ("log-parameter", {"key": "p", "value": "1"}),
            ("set-tag", {"key": "t", "value": "1"}),
            ("set-tag", {"key": "mlflow.runName", "value": "1"}),
            ("delete-tag", {"key": "mlflow.runName"}),
            ("update", {"status": "FAILED"}),
            ("log-batch", {}),
            ("log-inputs", {}),
            ("outputs", {"models": []}),
            (
                "log-model",
                {"model_json": '{"artifact_path": "m", "flavors": {}, "utc_time_created": "x", "run_id": "x"}'},
            ),
        ],
    )
    def test_cannot_be_written(self, rest: Rest, runs: Runs, run: str, path: str, body: dict[str, Any]) -> None:
        rest.post("runs/delete", {"run_id": run}).ok()
        before = runs.get(run)
        rest.post(f"runs/{path}", {"run_id": run, **body}).invalid(INACTIVE.format(run))
        assert runs.get(run) == before

    def test_experiment_takes_its_runs_along(self, rest: Rest, runs: Runs) -> None:
        first, second, third = (runs.create(name) for name in ("first", "second", "third"))
        rest.post("runs/delete", {"run_id": first}).ok()
        rest.post("experiments/delete", {"experiment_id": runs.experiment}).ok()
        assert runs.names() == []
        assert sorted(runs.names(run_view_type="DELETED_ONLY")) == ["first", "second", "third"]
        rest.post("runs/restore", {"run_id": second}).ok()
        runs.log(second, (1, 1, 0))
        metric = {"run_id": third, "key": "m", "value": 1, "timestamp": 1}
        rest.post("runs/log-metric", metric).invalid(INACTIVE.format(third))
        rest.post("experiments/restore", {"experiment_id": runs.experiment}).ok()
        assert sorted(runs.names()) == ["first", "second", "third"]


class TestIds:
    @pytest.mark.parametrize(
        ("path", "body"),
        [
            ("update", {}),
            ("delete", {}),
            ("restore", {}),
            ("log-metric", {"key": "m", "value": 1, "timestamp": 1}),
            ("log-parameter", {"key": "p", "value": "1"}),
            ("set-tag", {"key": "t", "value": "1"}),
            ("delete-tag", {"key": "t"}),
            ("log-batch", {}),
            ("log-inputs", {}),
            ("outputs", {"models": [{"model_id": "m-1", "step": 0}]}),
        ],
    )
    def test_unknown_and_missing(self, rest: Rest, path: str, body: dict[str, Any]) -> None:
        answer = rest.post(f"runs/{path}", {"run_id": "nope", **body})
        answer.absent("Run with id=nope not found")
        rest.post(f"runs/{path}", body).invalid(missing("run_id"))
        rest.post(f"runs/{path}", {"run_id": "", **body}).invalid(missing("run_id"))

    def test_get(self, rest: Rest) -> None:
        rest.get("runs/get", {"run_id": "nope"}).absent("Run with id=nope not found")
        rest.get("runs/get", {"run_id": "a/../b"}).absent("Run with id=a/../b not found")
        rest.get("runs/get").invalid(missing("run_id"))
        rest.get("runs/get", {"run_id": ""}).invalid(missing("run_id"))

    @pytest.mark.parametrize("path", ["log-batch", "log-inputs"])
    def test_form(self, rest: Rest, path: str) -> None:
        for run_id in ("no/pe", "-x", "x" * 257, "a b"):
            assert rest.post(f"runs/{path}", {"run_id": run_id}).status in (400, 404)

    def test_run_uuid_of_older_clients(self, rest: Rest, runs: Runs, run: str) -> None:
        old = {"run_uuid": run}
        assert rest.get("runs/get", old).ok()["run"]["info"]["run_id"] == run
        assert rest.post("runs/update", {**old, "end_time": 5}).ok()["run_info"]["end_time"] == 5
        for path, body in (
            ("log-metric", {"key": "m", "value": 1, "timestamp": 1}),
            ("log-parameter", {"key": "p", "value": "1"}),
            ("set-tag", {"key": "t", "value": "1"}),
        ):
            assert rest.post(f"runs/{path}", {**old, **body}).ok() == {}
        history = rest.get("metrics/get-history", {**old, "metric_key": "m"}).ok()
        assert len(history["metrics"]) == 1
        assert runs.data(run, "params") == {"p": "1"}

    def test_both_ids_as_older_clients_send_them(self, rest: Rest, runs: Runs, run: str) -> None:
        both = {"run_id": run, "run_uuid": run}
        assert rest.get("runs/get", both).ok()["run"]["info"]["run_id"] == run
        assert rest.post("runs/set-tag", {**both, "key": "t", "value": "1"}).ok() == {}
        assert runs.data(run, "tags")["t"] == "1"
