"""Nothing of one project is found from another: whatever is asked, the answer is that of a thing that never was.

The table of requests is complete: an endpoint or an operation that names a thing, and is not here, fails.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

import mainspring as ms
from mainspring.api.mlflow.routes import ENDPOINTS
from mainspring.server.v1 import describe
from tests.mlflow.artifacts.conftest import PROXY, Raw
from tests.mlflow.projects.conftest import Place, make_place
from tests.mlflow.rest import Reply

RUN, EXPERIMENT, MODEL, LOGGED = {"run_id": "RUN"}, {"experiment_id": "EXPERIMENT"}, {"name": "MODEL"}, "LOGGED"
VERSION, KEY, PAIR = MODEL | {"version": "1"}, {"key": "k"}, {"key": "k", "value": "v"}
POINT = {"key": "loss", "value": 1, "timestamp": 1}
FOLDER, FILE = "FOLDER", "FOLDER/model/weights.bin"
PART = {"part_number": 1, "etag": "e"}
AJAX = PROXY.replace("/api/", "/ajax-api/")
GRAPHQL = [
    '{mlflowGetExperiment(input: {experimentId: "EXPERIMENT"}) {experiment {name} apiError {code message}}}',
    '{mlflowGetRun(input: {runId: "RUN"}) {run {info {runName} modelVersions {name}} apiError {code message}}}',
    '{mlflowSearchRuns(input: {experimentIds: ["EXPERIMENT"]}) {runs {info {runId}} apiError {message}}}',
    '{mlflowListArtifacts(input: {runId: "RUN"}) {rootUri files {path} apiError {code message}}}',
    "{mlflowSearchModelVersions(input: {filter: \"name = 'MODEL'\"}) {modelVersions {name} apiError {message}}}",
    '{mlflowGetMetricHistoryBulkInterval(input: {runIds: ["RUN"], metricKey: "loss"}) {metrics {value}}}',
    'mutation {mlflowSearchDatasets(input: {experimentIds: ["EXPERIMENT"]}) {datasetSummaries {name}}}',
]
MLFLOW: list[tuple[str, str, dict[str, Any]]] = [
    ("GET", "experiments/get", EXPERIMENT),
    ("GET", "experiments/get-by-name", {"experiment_name": "MODEL"}),
    ("POST", "experiments/delete", EXPERIMENT),
    ("POST", "experiments/restore", EXPERIMENT),
    ("POST", "experiments/update", EXPERIMENT | {"new_name": "x"}),
    ("POST", "experiments/set-experiment-tag", EXPERIMENT | PAIR),
    ("POST", "experiments/delete-experiment-tag", EXPERIMENT | KEY),
    ("POST", "experiments/search-datasets", {"experiment_ids": ["EXPERIMENT"]}),
    ("POST", "experiments/create", {"name": "x", "artifact_location": "mlflow-artifacts:/FOLDER"}),
    ("POST", "experiments/search", {"filter": "name = 'MODEL'", "max_results": 10}),
    ("GET", "experiments/search", {"filter": "name = 'MODEL'", "max_results": 10}),
    ("GET", "experiments/list", {}),
    ("POST", "runs/create", EXPERIMENT),
    ("GET", "runs/get", RUN),
    ("POST", "runs/update", RUN | {"status": "FINISHED"}),
    ("POST", "runs/delete", RUN),
    ("POST", "runs/restore", RUN),
    ("POST", "runs/log-metric", RUN | POINT),
    ("POST", "runs/log-parameter", RUN | PAIR),
    ("POST", "runs/log-batch", RUN | {"metrics": [POINT]}),
    ("POST", "runs/set-tag", RUN | PAIR),
    ("POST", "runs/delete-tag", RUN | KEY),
    ("POST", "runs/log-inputs", RUN | {"models": [{"model_id": LOGGED}]}),
    ("POST", "runs/outputs", RUN | {"models": [{"model_id": LOGGED}]}),
    ("POST", "runs/log-model", RUN | {"model_json": '{"run_id": "RUN", "artifact_path": "m", "flavors": {}}'}),
    ("POST", "runs/search", {"experiment_ids": ["EXPERIMENT"]}),
    ("POST", "runs/search", {"experiment_ids": ["0"], "filter": "attributes.run_id = 'RUN'"}),
    ("GET", "metrics/get-history", RUN | {"metric_key": "loss"}),
    ("GET", "metrics/get-history-bulk", RUN | {"metric_key": "loss"}),
    ("GET", "metrics/get-history-bulk-interval", {"run_ids": ["RUN"], "metric_key": "loss"}),
    ("GET", "artifacts/list", RUN),
    ("GET", "artifacts/download", RUN | {"path": "model/weights.bin"}),
    ("GET", "/get-artifact", RUN | {"path": "model/weights.bin"}),
    ("POST", "/ajax-api/2.0/mlflow/upload-artifact?run_uuid=RUN&path=x.txt", {"a": 1}),
    ("POST", "artifacts/presigned-download-url", RUN | {"path": "model/weights.bin"}),
    ("POST", "artifacts/presigned-upload-url", RUN | {"path": "x.txt"}),
    ("POST", "artifacts/presigned-upload-url", {"model_id": LOGGED, "path": "x.txt"}),
    ("POST", "logged-models", EXPERIMENT),
    ("POST", "logged-models/search", {"experiment_ids": ["EXPERIMENT"]}),
    ("GET", "logged-models/LOGGED", {}),
    ("PATCH", "logged-models/LOGGED", {"status": "LOGGED_MODEL_READY"}),
    ("DELETE", "logged-models/LOGGED", {}),
    ("POST", "logged-models/LOGGED/params", {"params": [PAIR]}),
    ("PATCH", "logged-models/LOGGED/tags", {"tags": [PAIR]}),
    ("DELETE", "logged-models/LOGGED/tags/k", {}),
    ("GET", "logged-models/LOGGED/artifacts/directories", {}),
    ("GET", "logged-models/LOGGED/artifacts/files", {"artifact_file_path": "MLmodel"}),
    ("GET", "registered-models/get", MODEL),
    ("POST", "registered-models/rename", MODEL | {"new_name": "x"}),
    ("PATCH", "registered-models/update", MODEL | {"description": "x"}),
    ("DELETE", "registered-models/delete", MODEL),
    ("GET", "registered-models/get-latest-versions", MODEL),
    ("POST", "registered-models/get-latest-versions", MODEL),
    ("POST", "registered-models/set-tag", MODEL | PAIR),
    ("DELETE", "registered-models/delete-tag", MODEL | KEY),
    ("GET", "registered-models/alias", MODEL | {"alias": "champion"}),
    ("POST", "registered-models/alias", VERSION | {"alias": "x"}),
    ("DELETE", "registered-models/alias", MODEL | {"alias": "champion"}),
    ("GET", "registered-models/search", {"filter": "name = 'MODEL'"}),
    ("GET", "registered-models/list", {}),
    ("POST", "model-versions/create", MODEL | {"source": "s3://bucket/x"}),
    ("POST", "model-versions/create", {"name": "mine", "source": "mlflow-artifacts:/FOLDER", "run_id": "RUN"}),
    ("POST", "model-versions/create", {"name": "mine", "source": "models:/LOGGED", "model_id": LOGGED}),
    ("POST", "model-versions/create", {"name": "mine", "source": "models:/MODEL/1"}),
    ("POST", "model-versions/create", {"name": "mine", "source": "models:/MODEL@champion"}),
    ("GET", "model-versions/get", VERSION),
    ("PATCH", "model-versions/update", VERSION | {"description": "x"}),
    ("DELETE", "model-versions/delete", VERSION),
    ("POST", "model-versions/transition-stage", VERSION | {"stage": "Production"}),
    ("GET", "model-versions/get-download-uri", VERSION),
    ("POST", "model-versions/set-tag", VERSION | PAIR),
    ("DELETE", "model-versions/delete-tag", VERSION | KEY),
    ("GET", "model-versions/search", {"filter": "name = 'MODEL'"}),
    ("GET", "model-versions/search", {"filter": "run_id = 'RUN'"}),
    ("GET", "/model-versions/get-artifact", VERSION | {"path": "weights.bin"}),
    ("GET", "webhooks/WEBHOOK", {}),
    ("PATCH", "webhooks/WEBHOOK", {"description": "x"}),
    ("DELETE", "webhooks/WEBHOOK", {}),
    ("POST", "webhooks/WEBHOOK/test", {}),
    ("GET", "webhooks", {}),
    *(("POST", "/graphql", {"query": query}) for query in GRAPHQL),
    ("POST", "traces/search", {"locations": [{"mlflow_experiment": EXPERIMENT}]}),
    ("POST", "traces/metrics", {"experiment_ids": ["EXPERIMENT"]}),
    ("POST", "datasets/search", {"experiment_ids": ["EXPERIMENT"]}),
    ("POST", "issues/search", EXPERIMENT),
    *(
        ("GET", things, EXPERIMENT)
        for things in (
            "datasets/search",
            "scorers/list",
            "scorers/online-configs",
            "review-queues/list",
            "label-schemas/list",
            "mcp-servers",
        )
    ),
    *(
        case
        for proxy in (PROXY, AJAX)
        for case in (
            ("GET", proxy, {"path": FOLDER}),
            ("GET", proxy, {"path": f"{FOLDER}/model"}),
            ("GET", f"{proxy}/{FILE}", {}),
            ("PUT", f"{proxy}/{FOLDER}/x.txt", {"a": 1}),
            ("DELETE", f"{proxy}/{FILE}", {}),
            (
                "POST",
                proxy.replace("artifacts/artifacts", f"artifacts/mpu/create/{FOLDER}"),
                {"path": "x", "num_parts": 1},
            ),
            (
                "POST",
                proxy.replace("artifacts/artifacts", f"artifacts/mpu/complete/{FOLDER}"),
                {"path": "x", "upload_id": "u", "parts": [PART]},
            ),
            (
                "POST",
                proxy.replace("artifacts/artifacts", f"artifacts/mpu/abort/{FOLDER}"),
                {"path": "x", "upload_id": "u"},
            ),
            ("GET", proxy.replace("artifacts/artifacts", f"artifacts/presigned/{FILE}"), {}),
        )
    ),
]
FOR_NO_PROJECT = re.compile(
    "/health|/version|server-info|workspaces.*|((.+/)?permissions|users|roles)/.*|(registered-models|webhooks)(/create)?"
    "|ui-telemetry|assistant/.*|gateway-proxy"
)
"""Endpoints that name nothing of a project."""

V1: list[tuple[str, str, dict[str, Any]]] = [
    ("GET", "experiments/EXPERIMENT", {}),
    ("PATCH", "experiments/EXPERIMENT", {"name": "x"}),
    ("DELETE", "experiments/EXPERIMENT", {}),
    ("POST", "experiments/EXPERIMENT/restore", {}),
    ("PUT", "experiments/EXPERIMENT/tags/k", {"value": "v"}),
    ("DELETE", "experiments/EXPERIMENT/tags/k", {}),
    ("GET", "experiments/EXPERIMENT/runs", {}),
    ("GET", "experiments", {"filter": "name = 'MODEL'"}),
    ("POST", "runs", EXPERIMENT),
    ("POST", "runs/search", {"experiment_ids": ["EXPERIMENT"]}),
    ("POST", "runs/columns", {"experiment_ids": ["EXPERIMENT"]}),
    ("POST", "runs/groups", {"experiment_ids": ["EXPERIMENT"], "by": ["params.a"]}),
    ("GET", "runs/RUN/previews/model/weights.bin", {}),
    ("GET", "logged-models/LOGGED/previews/MLmodel", {}),
    ("GET", "models/MODEL/measured?version=1", {}),
    ("GET", "models/MODEL/versions/1/previews/weights.bin", {}),
    ("POST", "models/MODEL/versions/1/requests", {"stage": "Staging"}),
    ("POST", "runs/metrics:series", {"run_ids": ["RUN"], "keys": ["loss"]}),
    ("GET", "runs/RUN", {}),
    ("PATCH", "runs/RUN", {"name": "x"}),
    ("DELETE", "runs/RUN", {}),
    ("POST", "runs/RUN/restore", {}),
    ("POST", "runs/RUN/log", {"params": {"a": "b"}}),
    ("PUT", "runs/RUN/tags/k", {"value": "v"}),
    ("DELETE", "runs/RUN/tags/k", {}),
    ("GET", "runs/RUN/metrics/loss", {}),
    ("GET", "runs/RUN/artifacts", {}),
    ("GET", "runs/RUN/artifacts/model/weights.bin", {}),
    ("HEAD", "runs/RUN/artifacts/model/weights.bin", {}),
    ("PUT", "runs/RUN/artifacts/x.txt", {"a": 1}),
    ("DELETE", "runs/RUN/artifacts/model/weights.bin", {}),
    ("GET", "runs/RUN/downloads/model/weights.bin", {}),
    ("POST", "runs/RUN/uploads", {"path": "x.bin", "size": 10}),
    ("GET", "runs/RUN/uploads/u", {}),
    ("DELETE", "runs/RUN/uploads/u", {}),
    ("POST", "runs/RUN/uploads/u/parts", {"part_numbers": [1]}),
    ("POST", "runs/RUN/uploads/u/complete", {}),
    ("POST", "logged-models/search", {"experiment_ids": ["EXPERIMENT"]}),
    ("GET", "logged-models/LOGGED", {}),
    ("GET", "logged-models/LOGGED/artifacts", {}),
    ("GET", "logged-models/LOGGED/artifacts/MLmodel", {}),
    ("HEAD", "logged-models/LOGGED/artifacts/MLmodel", {}),
    ("GET", "logged-models/LOGGED/downloads/MLmodel", {}),
    ("GET", "models", {"filter": "name = 'MODEL'"}),
    ("GET", "models/MODEL", {}),
    ("PATCH", "models/MODEL", {"description": "x"}),
    ("DELETE", "models/MODEL", {}),
    ("PUT", "models/MODEL/tags/k", {"value": "v"}),
    ("DELETE", "models/MODEL/tags/k", {}),
    ("GET", "models/MODEL/aliases/champion", {}),
    ("PUT", "models/MODEL/aliases/champion", {"version": 1}),
    ("DELETE", "models/MODEL/aliases/champion", {}),
    ("GET", "model-versions", {"filter": "name = 'MODEL'"}),
    ("GET", "models/MODEL/versions", {}),
    ("POST", "models/MODEL/versions", {"source": "s3://bucket/x"}),
    ("GET", "models/MODEL/versions/1", {}),
    ("PATCH", "models/MODEL/versions/1", {"description": "x"}),
    ("DELETE", "models/MODEL/versions/1", {}),
    ("PUT", "models/MODEL/versions/1/tags/k", {"value": "v"}),
    ("DELETE", "models/MODEL/versions/1/tags/k", {}),
    ("GET", "models/MODEL/versions/1/artifacts", {}),
    ("GET", "models/MODEL/versions/1/artifacts/weights.bin", {}),
    ("HEAD", "models/MODEL/versions/1/artifacts/weights.bin", {}),
    ("GET", "models/MODEL/versions/1/downloads/weights.bin", {}),
    ("GET", "webhooks/WEBHOOK", {}),
    ("PATCH", "webhooks/WEBHOOK", {"description": "x"}),
    ("DELETE", "webhooks/WEBHOOK", {}),
    ("POST", "webhooks/WEBHOOK/test", {}),
    ("GET", "webhooks/WEBHOOK/deliveries", {}),
    ("POST", "webhooks/WEBHOOK/deliveries/d/redeliver", {}),
    ("GET", "config/MODEL?environment=dev", {}),
    ("GET", "config/MODEL/effective?environment=dev", {}),
    ("GET", "config/MODEL/versions?environment=dev", {}),
    ("GET", "config/MODEL/versions/1?environment=dev", {}),
    ("GET", "secrets/dev/MODEL", {}),
    ("GET", "secrets/dev/MODEL/versions", {}),
    ("POST", "secrets/dev/MODEL/reveal", {}),
    ("PATCH", "secrets/dev/MODEL", {"description": "x"}),
    ("DELETE", "secrets/dev/MODEL", {}),
]
OF_TRACKING = re.compile(r"/api/v1/(experiments|runs|logged-models|models|model-versions|webhooks)\b.*")
IDS = re.compile(r'"(request_id|instance)": ?"[^"]*"')
MAKING = {("POST", "/api/v1/experiments"), ("POST", "/api/v1/models"), ("POST", "/api/v1/webhooks")}
MAKING |= {("GET", "/api/v1/webhooks")}
"""Operations that name nothing of a project; the list of webhooks is MLflow's above."""

Names = dict[str, str]


@dataclass(frozen=True)
class Apart:
    """Two projects; ``theirs`` are the names of things in the other one, ``never`` such of no things."""

    mine: Place
    other: Place
    theirs: Names
    never: Names

    def ask(self, method: str, path: str, fields: dict[str, Any], names: Names) -> Reply:
        """Ask from the one project, and write its names of things as they stand in the table."""
        text = json.dumps([path, fields])
        for name, value in names.items():
            text = text.replace(name, value)
        path, fields = json.loads(text)
        sent = {"params": fields} if method in ("GET", "HEAD") and fields else {"json": fields} if fields else {}
        return self.mine.rest.send(method, path, **sent)


def check_alike(asked: Reply, missing: Reply, apart: Apart) -> None:
    """Check that two answers differ in nothing but the names that were asked for."""
    told = missing.text
    for name, value in sorted(apart.never.items(), key=lambda each: len(each[1]), reverse=True):
        told = told.replace(value, apart.theirs[name])
    assert asked.status < 500
    assert (asked.status, IDS.sub("", asked.text)) == (missing.status, IDS.sub("", told))
    assert b"very private" not in asked.content


@pytest.fixture(scope="module")
def apart(platform: ms.Client) -> Iterator[Apart]:
    """Yield two projects with things of all kinds in the other one, and a model ``mine`` in the one."""
    mine_made, other_made = make_place(platform, "here"), make_place(platform, "there")
    mine, other = next(mine_made), next(other_made)
    mine.rest.post("registered-models/create", {"name": "mine"}).ok()
    yield Apart(mine, other, things_of(other), NEVER)
    for made in (mine_made, other_made):
        next(made, None)


NEVER = {
    "RUN": "0123456789abcdef0123456789abcdef",
    "EXPERIMENT": "987654321",
    "MODEL": "never-was",
    "LOGGED": "m-0123456789abcdef0123456789abcdef",
    "FOLDER": "_projects/987654321/987654321/0123456789abcdef0123456789abcdef/artifacts",
    "WEBHOOK": "01234567-89ab-cdef-0123-456789abcdef",
}


def things_of(place: Place) -> Names:
    """Make things in a project, each by the name ``theirs`` where it has one, and return what they are called."""
    rest = place.rest
    experiment = rest.post("experiments/create", {"name": "theirs"}).ok()["experiment_id"]
    run = rest.post("runs/create", {"experiment_id": experiment}).ok()["run"]["info"]
    rest.post("runs/log-metric", {"run_id": run["run_id"]} | POINT).ok()
    rest.post("registered-models/create", {"name": "theirs"}).ok()
    source = f"runs:/{run['run_id']}/model"
    rest.post("model-versions/create", {"name": "theirs", "source": source, "run_id": run["run_id"]}).ok()
    rest.post("registered-models/alias", {"name": "theirs", "alias": "champion", "version": "1"}).ok()
    logged = rest.post("logged-models", {"experiment_id": experiment, "name": "classifier"}).ok()["model"]["info"]
    webhook = rest.post(
        "webhooks",
        {"name": "w", "url": "https://example.org/", "events": [{"entity": "REGISTERED_MODEL", "action": "CREATED"}]},
    ).ok()["webhook"]["webhook_id"]
    folder = run["artifact_uri"].removeprefix("mlflow-artifacts:/").lstrip("/")
    rest.send("PUT", f"{PROXY}/{folder}/model/weights.bin", content=b"very private").ok()
    rest.send("PUT", "/api/v1/config/theirs?environment=dev", json={"value": {"a": 1}}).ok()
    rest.send("PUT", "/api/v1/secrets/dev/theirs", json={"value": "very private"})
    return {
        "RUN": run["run_id"],
        "EXPERIMENT": experiment,
        "MODEL": "theirs",
        "LOGGED": logged["model_id"],
        "FOLDER": folder,
        "WEBHOOK": webhook,
    }


def case_name(case: tuple[str, str, dict[str, Any]]) -> str:
    method, path, fields = case
    return f"{method} {path} {json.dumps(fields)[:60]}"


@pytest.mark.parametrize("case", MLFLOW, ids=case_name)
def test_it_is_as_if_it_never_was(apart: Apart, case: tuple[str, str, dict[str, Any]]) -> None:
    asked, missing = (apart.ask(*case, names) for names in (apart.theirs, apart.never))
    check_alike(asked, missing, apart)


@pytest.mark.parametrize("case", V1, ids=case_name)
def test_it_is_as_if_it_never_was_on_v1(apart: Apart, case: tuple[str, str, dict[str, Any]]) -> None:
    method, path, fields = case
    asked, missing = (apart.ask(method, f"/api/v1/{path}", fields, names) for names in (apart.theirs, apart.never))
    check_alike(asked, missing, apart)


def test_a_reference_to_its_run_leads_nowhere(apart: Apart) -> None:
    """Runs that are not here may be named as the origin of a version, as those of another server may."""
    rest, run = apart.mine.rest, apart.theirs["RUN"]
    version = {"name": "mine", "source": f"runs:/{run}/model", "run_id": run}
    made = rest.post("model-versions/create", version).ok()["model_version"]
    named = {"name": "mine", "version": made["version"]}
    rest.get("/model-versions/get-artifact", named | {"path": "weights.bin"}).absent()
    for asked in ("artifacts", "artifacts/weights.bin", "downloads/weights.bin"):
        assert rest.get(f"/api/v1/models/mine/versions/{made['version']}/{asked}").status == 404
    body = {"experiment_id": "0", "source_run_id": run}
    logged = rest.post("logged-models", body).ok()["model"]["info"]["model_id"]
    assert rest.get(f"logged-models/{logged}").ok()["model"]["info"]["source_run_id"] == run
    assert logged not in apart.other.rest.get("runs/get", {"run_id": run}).text


def test_every_endpoint_was_asked() -> None:
    asked = {(method, path.partition("?")[0]) for method, path, _ in MLFLOW}
    missing = []
    for endpoint in ENDPOINTS:
        pattern = re.compile(re.sub(r"\\\{\w+(:path)?\\\}", ".+", re.escape(endpoint.path)))
        if not any(method == endpoint.method and pattern.fullmatch(path) for method, path in asked):
            missing.append((endpoint.method, endpoint.path))
    assert [path for _, path in missing if not FOR_NO_PROJECT.fullmatch(path)] == []


def test_every_operation_was_asked() -> None:
    declared = {
        (method.upper(), path)
        for path, methods in describe()["paths"].items()
        for method in methods
        if OF_TRACKING.fullmatch(path)
    }
    asked = {
        (method, path)
        for method, path in declared
        if any(
            own == method and re.fullmatch(re.sub(r"\{(path|\w+)\}", ".+", path), f"/api/v1/{each.partition('?')[0]}")
            for own, each, _ in V1
        )
    }
    assert declared - asked == MAKING


def test_nothing_of_it_has_changed(apart: Apart) -> None:
    """Asked last, when all has been tried."""
    rest, names = apart.other.rest, apart.theirs
    run = rest.get("runs/get", {"run_id": names["RUN"]}).ok()["run"]
    assert (run["info"]["status"], run["info"]["lifecycle_stage"]) == ("RUNNING", "active")
    assert [(each["key"], each["value"]) for each in run["data"]["metrics"]] == [("loss", 1.0)]
    assert "params" not in run["data"] or run["data"]["params"] == []
    model = rest.get("registered-models/get", {"name": "theirs"}).ok()["registered_model"]
    assert [each["current_stage"] for each in model["latest_versions"]] == ["None"]
    assert model["aliases"] == [{"alias": "champion", "version": "1"}]
    assert rest.get(f"{PROXY}/{names['FOLDER']}/model/weights.bin").content == b"very private"
    files = rest.get("artifacts/list", {"run_id": names["RUN"]}).ok()["files"]
    assert [file["path"] for file in files] == ["model"]


@pytest.mark.parametrize(
    "way",
    [
        "{own}/../{key}/{rest}",
        "{own}/%2e%2e/{key}/{rest}",
        "{own}/..%2f{key}/{rest}",
        "{own}%2f..%2f{key}/{rest}",
        "{own}/%252e%252e/{key}/{rest}",
        "{own}/./../{key}/{rest}",
        "{own}//../{key}/{rest}",
        "0/../_projects/{key}/{rest}",
        "_projects/0{key}/{rest}",
        "_projects/+{key}/{rest}",
        "_projects/{key}%20/{rest}",
        "%5fprojects/{key}/{rest}",
        "_projects%2f{key}%2f{rest}",
        "_projects//{key}/{rest}",
        "./_projects/{key}/{rest}",
        "_projects/{key}/{rest}",
    ],
)
def test_no_way_leads_to_its_files(apart: Apart, raw: Raw, way: str) -> None:
    """Not from another project, nor from the default one."""
    _, key, rest = f"{apart.theirs['FOLDER']}/model/weights.bin".split("/", 2)
    [default] = apart.mine.rest.get("experiments/search", {"max_results": 1}).ok()["experiments"]
    own = default["artifact_location"].removeprefix("mlflow-artifacts:/").lstrip("/").rpartition("/")[0]
    path = way.format(own=own, key=key, rest=rest)
    for place in (f"/p/{apart.mine.path}", f"/{apart.mine.path}/tracking", ""):
        for method, root in itertools.product(("GET", "PUT", "DELETE"), (PROXY, AJAX)):
            answer = raw(method, f"{place}{root}/{path}", b"changed" if method == "PUT" else None)
            assert answer.status in (400, 404), (method, answer.content)
            assert b"very private" not in answer.content
    assert apart.other.rest.get(f"{PROXY}/{apart.theirs['FOLDER']}/model/weights.bin").content == b"very private"


def test_the_default_project_lists_no_others(apart: Apart, tracking_uri: str, raw: Raw) -> None:
    for query in ("", "?path=_projects", f"?path={apart.theirs['FOLDER']}", "?path=_projects%2F"):
        answer = raw("GET", PROXY + query)
        assert b"_projects" not in answer.content or answer.status == 404, answer.content


def test_the_same_names_do_not_meet(here: Place, there: Place) -> None:
    made = [things_of(place) for place in (here, there)]
    for place, names in zip((here, there), made, strict=True):
        found = place.client.search_experiments(filter_string="name = 'theirs'")
        assert [each.experiment_id for each in found] == [names["EXPERIMENT"]]
        assert [each.run_id for each in place.client.search_model_versions("name = 'theirs'")] == [names["RUN"]]
        assert place.client.get_model_version_by_alias("theirs", "champion").run_id == names["RUN"]
    here.client.delete_registered_model("theirs")
    assert there.client.get_registered_model("theirs").name == "theirs"
