"""GraphQL as MLflow's page speaks it: the queries are those that its 3.17 sends, and nothing larger is taken."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.data.code_dataset_source import CodeDatasetSource
from mlflow.data.meta_dataset import MetaDataset
from mlflow.entities import DatasetInput, InputTag, LoggedModelInput, LoggedModelOutput

from tests.mlflow.conftest import differs
from tests.mlflow.rest import Rest

GET_EXPERIMENT = """
query MlflowGetExperimentQuery($input: MlflowGetExperimentInput!) @component(name: "MLflow.ExperimentRunTracking") {
  mlflowGetExperiment(input: $input) {
    apiError { code message __typename }
    experiment { artifactLocation creationTime effectiveTraceArchivalRetention experimentId lastUpdateTime
      lifecycleStage name tags { key value __typename } __typename }
    __typename
  }
}"""
RUN = """
  info { runName status runUuid experimentId artifactUri endTime lifecycleStage startTime userId }
  experiment { experimentId name tags { key value } artifactLocation lifecycleStage lastUpdateTime }
  data { metrics { key value step timestamp } params { key value } tags { key value } }
  inputs { datasetInputs { dataset { digest name profile schema source sourceType } tags { key value } }
    modelInputs { modelId } }
  outputs { modelOutputs { modelId step } }
"""
GET_RUN = f"""
query GetRun($data: MlflowGetRunInput!) @component(name: "MLflow.ExperimentRunTracking") {{
  mlflowGetRun(input: $data) {{
    apiError {{ helpUrl code message }}
    run {{ {RUN} modelVersions {{ status version name source }} }}
  }}
}}"""
SEARCH_RUNS = f"""
query SearchRuns($data: MlflowSearchRunsInput!) {{
  mlflowSearchRuns(input: $data) {{ apiError {{ helpUrl code message }} runs {{ {RUN} }} }}
}}"""
HISTORY = """
query GetMetricHistoryBulkInterval($data: MlflowGetMetricHistoryBulkIntervalInput!)
  @component(name: "MLflow.ExperimentRunTracking") {
  mlflowGetMetricHistoryBulkInterval(input: $data) {
    __typename metrics { timestamp step runId key value } apiError { code message }
  }
}"""
NEVER = "0123456789abcdef0123456789abcdef"


def ask(rest: Rest, query: str, **variables: Any) -> Any:
    """Return the data of a query that is right."""
    answer = rest.post("/graphql", {"query": query, "variables": variables}).ok()
    assert answer["errors"] is None, answer
    return answer["data"]


def wrong(rest: Rest, query: Any, **more: Any) -> str:
    """Return what is told of a query that is wrong."""
    answer = rest.post("/graphql", {"query": query, **more}).ok()
    assert answer["data"] is None
    assert answer["errors"]
    return "\n".join(answer["errors"])


@pytest.fixture
def run_id(client: MlflowClient, experiment: str) -> str:
    """Return a run with something of everything."""
    run_id = str(client.create_run(experiment, run_name="first").info.run_id)
    client.log_param(run_id, "lr", "0.1")
    for step, value in enumerate((0.5, 0.25)):
        client.log_metric(run_id, "loss", value, timestamp=2**40 + step, step=step)
    client.log_metric(run_id, "undefined", math.nan, timestamp=1, step=2**40)
    client.log_dict(run_id, {"a": 1}, "notes/x.json")
    return run_id


def log_data_and_models(client: MlflowClient, experiment: str, run_id: str) -> str:
    """Log a dataset, and a model that went in and came out; return the model's id."""
    model_id = str(client.create_logged_model(experiment, name="m").model_id)
    dataset = MetaDataset(CodeDatasetSource({}), name="grapes", digest="d1")
    told = DatasetInput(dataset._to_mlflow_entity(), [InputTag("mlflow.data.context", "train")])
    client.log_inputs(run_id, [told], [LoggedModelInput(model_id)])
    client.log_outputs(run_id, [LoggedModelOutput(model_id, step=3)])
    return model_id


def test_an_experiment(client: MlflowClient, rest: Rest, experiment: str, unique: str) -> None:
    client.set_experiment_tag(experiment, "team", "a")
    found = ask(rest, GET_EXPERIMENT, input={"experimentId": experiment})["mlflowGetExperiment"]
    assert (found["apiError"], found["__typename"]) == (None, "MlflowGetExperimentResponse")
    told = found["experiment"]
    assert (told["experimentId"], told["name"], told["lifecycleStage"]) == (experiment, unique, "active")
    assert told["tags"] == [{"key": "team", "value": "a", "__typename": "MlflowExperimentTag"}]
    assert isinstance(told["creationTime"], str)
    assert int(told["lastUpdateTime"]) >= int(told["creationTime"]) > 1_600_000_000_000
    assert told["artifactLocation"].endswith(experiment)


def test_a_run(client: MlflowClient, rest: Rest, experiment: str, run_id: str, unique: str) -> None:
    model_id = log_data_and_models(client, experiment, run_id)
    client.create_registered_model(unique)
    client.create_model_version(unique, f"runs:/{run_id}/notes", run_id)
    run = ask(rest, GET_RUN, data={"runId": run_id})["mlflowGetRun"]["run"]
    assert (run["info"]["runUuid"], run["info"]["runName"], run["info"]["status"]) == (run_id, "first", "RUNNING")
    assert isinstance(run["info"]["startTime"], str)
    assert run["experiment"]["experimentId"] == experiment
    assert run["data"]["params"] == [{"key": "lr", "value": "0.1"}]
    metrics = {each["key"]: each for each in run["data"]["metrics"]}
    assert metrics["loss"] == {"key": "loss", "value": 0.25, "step": "1", "timestamp": str(2**40 + 1)}
    assert (metrics["undefined"]["value"], metrics["undefined"]["step"]) == (None, str(2**40))
    [data] = run["inputs"]["datasetInputs"]
    assert (data["dataset"]["name"], data["dataset"]["digest"]) == ("grapes", "d1")
    assert data["tags"] == [{"key": "mlflow.data.context", "value": "train"}]
    assert run["inputs"]["modelInputs"] == [{"modelId": model_id}]
    assert run["outputs"]["modelOutputs"] == [{"modelId": model_id, "step": "3"}]
    [version] = run["modelVersions"]
    assert (version["name"], version["version"], version["status"]) == (unique, "1", "READY")


def test_a_run_with_nothing_has_empty_lists(client: MlflowClient, rest: Rest, experiment: str) -> None:
    run_id = client.create_run(experiment).info.run_id
    run = ask(rest, GET_RUN, data={"runId": run_id})["mlflowGetRun"]["run"]
    assert (run["data"]["metrics"], run["data"]["params"], run["modelVersions"]) == ([], [], [])


@differs("it tells such errors under errors, while its page looks for apiError")
def test_what_is_not_there_is_told_as_the_page_reads_it(rest: Rest) -> None:
    found = ask(rest, GET_RUN, data={"runId": NEVER})["mlflowGetRun"]
    assert found["run"] is None
    assert found["apiError"]["code"] == "RESOURCE_DOES_NOT_EXIST"
    assert NEVER in found["apiError"]["message"]
    found = ask(rest, GET_EXPERIMENT, input={"experimentId": "987654321"})["mlflowGetExperiment"]
    assert (found["experiment"], found["apiError"]["code"]) == (None, "RESOURCE_DOES_NOT_EXIST")
    found = ask(rest, GET_EXPERIMENT, input={})["mlflowGetExperiment"]
    assert (found["experiment"], found["apiError"]["code"]) == (None, "INVALID_PARAMETER_VALUE")


@pytest.mark.parametrize("kind", ["query", "mutation"])
def test_a_search_of_runs(client: MlflowClient, rest: Rest, experiment: str, run_id: str, kind: str) -> None:
    gone = client.create_run(experiment).info.run_id
    client.delete_run(gone)
    query = SEARCH_RUNS.replace("query SearchRuns", f"{kind} SearchRuns")
    wanted = {"experimentIds": [experiment], "runViewType": "ALL", "maxResults": 5, "filter": ""}
    found = ask(rest, query, data=wanted)["mlflowSearchRuns"]["runs"]
    assert {each["info"]["runUuid"] for each in found} == {run_id, gone}
    found = ask(rest, query, data={"experimentIds": [experiment]})["mlflowSearchRuns"]["runs"]
    assert [each["info"]["runUuid"] for each in found] == [run_id]


@differs("it takes any number, and each run asks the database twice")
def test_a_search_finds_so_many_runs_at_most(rest: Rest, experiment: str) -> None:
    wanted = {"experimentIds": [experiment], "maxResults": 1001}
    found = ask(rest, SEARCH_RUNS, data=wanted)["mlflowSearchRuns"]
    assert "it may be 1000 at most" in found["apiError"]["message"]


def test_versions_of_many_runs_are_found_together(
    client: MlflowClient, rest: Rest, experiment: str, unique: str
) -> None:
    client.create_registered_model(unique)
    run_ids = [client.create_run(experiment).info.run_id for _ in range(3)]
    for run_id in run_ids[:2]:
        client.create_model_version(unique, f"runs:/{run_id}/m", run_id)
    query = (
        "query Q($i: MlflowSearchRunsInput) {mlflowSearchRuns(input: $i) {runs {info {runId} modelVersions {version}}}}"
    )
    found = ask(rest, query, i={"experimentIds": [experiment]})["mlflowSearchRuns"]["runs"]
    versions = {each["info"]["runId"]: each["modelVersions"] for each in found}
    assert [versions[run_id] for run_id in run_ids] == [[{"version": "1"}], [{"version": "2"}], []]


def test_a_history(rest: Rest, run_id: str) -> None:
    found = ask(rest, HISTORY, data={"runIds": [run_id], "metricKey": "loss", "startStep": None, "maxResults": 320})
    points = found["mlflowGetMetricHistoryBulkInterval"]["metrics"]
    assert [(each["step"], each["value"], each["runId"]) for each in points] == [
        ("0", 0.5, run_id),
        ("1", 0.25, run_id),
    ]


def test_files_versions_and_datasets(client: MlflowClient, rest: Rest, experiment: str, run_id: str) -> None:
    log_data_and_models(client, experiment, run_id)
    query = (
        "query F($i: MlflowListArtifactsInput) {mlflowListArtifacts(input: $i) {rootUri files {path isDir fileSize}}}"
    )
    found = ask(rest, query, i={"runId": run_id, "path": "notes"})["mlflowListArtifacts"]
    assert [(each["path"], each["isDir"]) for each in found["files"]] == [("notes/x.json", False)]
    assert int(found["files"][0]["fileSize"]) > 0
    query = (
        "query {mlflowSearchModelVersions(input: {filter: \"name = 'never'\", maxResults: 10}) {modelVersions {name}}}"
    )
    assert ask(rest, query) == {"mlflowSearchModelVersions": {"modelVersions": []}}
    query = (
        "mutation D($i: MlflowSearchDatasetsInput) {mlflowSearchDatasets(input: $i) {datasetSummaries {name context}}}"
    )
    found = ask(rest, query, i={"experimentIds": [experiment]})["mlflowSearchDatasets"]
    assert found == {"datasetSummaries": [{"name": "grapes", "context": "train"}]}


def test_one_of_several_operations_is_named(rest: Rest, experiment: str) -> None:
    both = GET_EXPERIMENT + "query Other { __typename }"
    asked = {"query": both, "operationName": "Other", "variables": None}
    assert rest.post("/graphql", asked).ok() == {"data": {"__typename": "Query"}, "errors": None}
    assert "operation name" in wrong(rest, both)


def test_fragments_and_introspection(rest: Rest, experiment: str) -> None:
    query = "query Q($i: MlflowGetExperimentInput) {mlflowGetExperiment(input: $i) {experiment {...F}}} %s"
    found = ask(rest, query % "fragment F on MlflowExperiment {id: experimentId}", i={"experimentId": experiment})
    assert found == {"mlflowGetExperiment": {"experiment": {"id": experiment}}}
    named = ask(rest, '{__type(name: "LongString") {kind}}')
    assert named == {"__type": {"kind": "SCALAR"}}


FIELD = "mlflowGetExperiment{apiError{code}}"


@differs("it answers some of these with 500")
@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("{", "Syntax Error"),
        ("{nothing}", "Cannot query field 'nothing'"),
        ("query Q($x: Int!) {__typename @include(if: true) mlflowGetExperiment(input: $x) {apiError {code}}}", "$x"),
        ('{mlflowSearchModelVersions(input: {maxResults: "many"}) {nextPageToken}}', "'many' is no integer"),
        ("{mlflowSearchRuns(input: {runViewType: SOME}) {nextPageToken}}", "SOME"),
        ("{" + "a {" * 11 + "b" + "}" * 12, "maximum depth: at most 10"),
        ("{" + "a " * 11 + "}", "root fields: at most 10"),
        ("{a {" + "".join(f"x{each}: b " for each in range(11)) + "}}", "aliases: at most 10"),
        ("{a {" + "b " * 1000 + "}}", "selections: at most 1000"),
        ("{...A} fragment A on Query {...A}", "selections: at most 1000"),
        ("{...A} fragment A on Query {...B ...B} fragment B on Query {...A ...A}", "selections: at most 1000"),
        ("{...Missing}", "Missing"),
        ("{a" * 3000, "nested too deeply"),
        ("{a(b: " + "[" * 4000, "nested too deeply"),
        ("{" + "a " * 20_000 + "}", "10000 tokens"),
        ("# " * 100 + "{__typename(" + "x: 1 " * 9000 + ")}", ""),
    ],
    ids=lambda each: each[:40],
)
def test_a_query_that_is_wrong_or_too_large(rest: Rest, query: str, says: str) -> None:
    assert says in wrong(rest, query)


@differs("it answers these with 500")
@pytest.mark.parametrize("body", [{}, {"query": ""}, {"query": 5}, {"query": "{__typename}", "variables": []}], ids=str)
def test_a_body_that_is_no_query(rest: Rest, body: Any) -> None:
    rest.post("/graphql", body).invalid()


def test_variables_that_are_wrong(rest: Rest) -> None:
    for value in (5, "x", [1], {"experimentId": {"a": 1}}, {"other": 1}, None):
        assert "$input" in wrong(rest, GET_EXPERIMENT, variables={"input": value})
    wrong(rest, GET_EXPERIMENT)


@pytest.mark.parametrize("value", ["\x00", "\ud800"])
def test_text_that_no_database_keeps(rest: Rest, value: str) -> None:
    sent = {"query": GET_EXPERIMENT, "variables": {"input": {"experimentId": value}}}
    told = rest.send("POST", "/graphql", content=json.dumps(sent), headers={"content-type": "application/json"})
    assert told.status in (200, 400), told.text
    if told.status == 200:
        assert told.json["data"]["mlflowGetExperiment"]["apiError"]["code"] == "INVALID_PARAMETER_VALUE"
