"""Two projects side by side: what is in one is not found from the other, by any id in a path, body, query or filter.

Everything in the project ``theirs`` carries a word that no answer to a member of ``mine`` may hold.
"""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.components.accounts import Guarded

WORD = "cinnabar"
API, V1, PROXY = "/api/2.0/mlflow", "/api/v1", "/api/2.0/mlflow-artifacts"
MINE, THEIRS = "/p/apart/mine", "/p/apart/theirs"
GONE = (400, 404)


class Side:
    """One of the projects, with one of each kind of thing in it."""

    def __init__(self, client: httpx.Client, project: str, word: str) -> None:
        self.client, self.project = client, project
        self.experiment = self.post(f"{API}/experiments/create", name=f"e-{word}")["experiment_id"]
        tags = [{"key": "word", "value": word}]
        run = self.post(f"{API}/runs/create", experiment_id=self.experiment, run_name=f"r-{word}", tags=tags)["run"]
        self.run, self.location = run["info"]["run_id"], run["info"]["artifact_uri"]
        self.folder = self.location.removeprefix("mlflow-artifacts:/").lstrip("/")
        points = [{"key": f"m-{word}", "value": 7, "timestamp": step, "step": step} for step in range(3)]
        self.post(f"{API}/runs/log-batch", run_id=self.run, metrics=points, params=[{"key": "p", "value": word}])
        assert client.put(f"{project}{PROXY}/artifacts/{self.folder}/f.txt", content=word.encode()).status_code == 200
        model = self.post(
            f"{API}/logged-models", experiment_id=self.experiment, name=f"lm-{word}", source_run_id=self.run
        )
        self.model = model["model"]["info"]["model_id"]
        self.post(f"{API}/registered-models/create", name="shared-name", description=word)
        self.post(f"{API}/registered-models/create", name=f"rm-{word}", description=word)
        source = f"{self.location}/f.txt"
        self.post(f"{API}/model-versions/create", name=f"rm-{word}", source=source, run_id=self.run, description=word)

    def post(self, path: str, **body: Any) -> Any:
        answer = self.client.post(self.project + path, json=body)
        assert answer.status_code < 300, answer.text
        return answer.json()


@pytest.fixture(scope="module")
def sides(guarded: Guarded) -> tuple[Side, Side]:
    """Two projects: a client of ann in hers, and what is in bob's."""
    for name, path in (("apart-ann", "apart/mine"), ("apart-bob", "apart/theirs")):
        guarded.add_user(name)
        guarded.add_project(path, **{name: "owner"})
    ann, bob = guarded.client("apart-ann"), guarded.client("apart-bob")
    return Side(ann, MINE, "plain"), Side(bob, THEIRS, WORD)


def reads(theirs: Side) -> list[tuple[str, str, dict[str, Any] | None]]:
    """Return (method, path, body) of requests that ask for what is theirs."""
    run, model, experiment = theirs.run, theirs.model, theirs.experiment
    folder = theirs.folder
    return [
        ("GET", f"{API}/experiments/get?experiment_id={experiment}", None),
        ("GET", f"{API}/experiments/get-by-name?experiment_name=e-{WORD}", None),
        ("GET", f"{API}/runs/get?run_id={run}", None),
        ("GET", f"{API}/metrics/get-history?run_id={run}&metric_key=m-{WORD}", None),
        ("GET", f"/ajax-api/2.0/mlflow/metrics/get-history-bulk?run_id={run}&metric_key=m-{WORD}", None),
        ("GET", f"/ajax-api/2.0/mlflow/metrics/get-history-bulk-interval?run_ids={run}&metric_key=m-{WORD}", None),
        ("POST", f"{API}/runs/search", {"experiment_ids": [experiment]}),
        ("POST", f"{API}/runs/search", {"experiment_ids": [experiment], "filter": f"tags.word = '{WORD}'"}),
        ("POST", f"{API}/runs/search", {"experiment_ids": ["{mine}"], "filter": f"attributes.run_id = '{run}'"}),
        ("POST", f"{API}/runs/search", {"experiment_ids": ["{mine}"], "filter": f"params.p = '{WORD}'"}),
        ("POST", "/api/3.0/mlflow/logged-models/search", {"experiment_ids": [experiment]}),
        ("GET", f"/api/2.0/mlflow/logged-models/{model}", None),
        ("GET", f"/ajax-api/2.0/mlflow/logged-models/{model}/artifacts/files?artifact_file_path=MLmodel", None),
        ("GET", f"{API}/logged-models/{model}/artifacts/directories", None),
        ("GET", f"{API}/artifacts/list?run_id={run}", None),
        ("GET", f"/get-artifact?run_id={run}&path=f.txt", None),
        ("GET", f"{PROXY}/artifacts?path={folder}", None),
        ("GET", f"{PROXY}/artifacts?path=_projects", None),
        ("GET", f"{PROXY}/artifacts?path=", None),
        ("GET", f"{PROXY}/artifacts/{folder}/f.txt", None),
        ("GET", f"{PROXY}/artifacts/{folder.replace('/', '%2F')}%2Ff.txt", None),
        ("GET", f"{PROXY}/presigned/{folder}/f.txt", None),
        ("POST", f"{API}/artifacts/presigned-download-url", {"run_id": run, "path": "f.txt"}),
        ("GET", f"{API}/registered-models/get?name=rm-{WORD}", None),
        ("GET", f"{API}/registered-models/search?filter=name%20LIKE%20'rm-%25'", None),
        ("GET", f"{API}/model-versions/get?name=rm-{WORD}&version=1", None),
        ("GET", f"{API}/model-versions/search?filter=run_id%3D'{run}'", None),
        ("GET", f"{API}/model-versions/get-download-uri?name=rm-{WORD}&version=1", None),
        ("GET", f"/model-versions/get-artifact?name=rm-{WORD}&version=1&path=f.txt", None),
        ("GET", f"{API}/registered-models/alias?name=rm-{WORD}&alias=latest", None),
        ("POST", "/ajax-api/2.0/mlflow/experiments/search-datasets", {"experiment_ids": [experiment]}),
        ("GET", f"{V1}/experiments/{experiment}", None),
        ("GET", f"{V1}/experiments/{experiment}/runs", None),
        ("GET", f"{V1}/experiments?filter=name%20LIKE%20'e-%25'", None),
        ("GET", f"{V1}/runs/{run}", None),
        ("POST", f"{V1}/runs/search", {"experiment_ids": [experiment], "count": True}),
        ("POST", f"{V1}/runs/metrics:series", {"keys": [f"m-{WORD}"], "run_ids": [run]}),
        ("POST", f"{V1}/runs/metrics:series", {"keys": [f"m-{WORD}"], "groups": {"g": [run]}}),
        ("GET", f"{V1}/runs/{run}/artifacts/f.txt", None),
        ("GET", f"{V1}/runs/{run}/metrics/m-{WORD}", None),
        ("GET", f"{V1}/logged-models/{model}", None),
        ("POST", f"{V1}/logged-models/search", {"experiment_ids": [experiment]}),
        ("GET", f"{V1}/models/rm-{WORD}", None),
        ("GET", f"{V1}/models/rm-{WORD}/versions/1", None),
        ("GET", f"{V1}/model-versions?filter=run_id%3D'{run}'", None),
        ("GET", f"{V1}/audit", None),
        ("GET", f"{V1}/projects?text={WORD}", None),
    ]


def writes(theirs: Side) -> list[tuple[str, str, dict[str, Any] | None]]:
    """Return requests that would change what is theirs."""
    run, model, experiment = theirs.run, theirs.model, theirs.experiment
    point = {"key": "m", "value": 1, "timestamp": 1}
    return [
        ("POST", f"{API}/runs/create", {"experiment_id": experiment}),
        ("POST", f"{API}/runs/log-metric", {"run_id": run, **point}),
        ("POST", f"{API}/runs/log-batch", {"run_id": run, "metrics": [point]}),
        ("POST", f"{API}/runs/log-parameter", {"run_id": run, "key": "k", "value": "v"}),
        ("POST", f"{API}/runs/set-tag", {"run_id": run, "key": "k", "value": "v"}),
        ("POST", f"{API}/runs/delete-tag", {"run_id": run, "key": "word"}),
        ("POST", f"{API}/runs/update", {"run_id": run, "status": "FAILED"}),
        ("POST", f"{API}/runs/delete", {"run_id": run}),
        ("POST", f"{API}/runs/restore", {"run_id": run}),
        ("POST", f"{API}/runs/log-inputs", {"run_id": run, "datasets": []}),
        ("POST", f"{API}/experiments/update", {"experiment_id": experiment, "new_name": "x"}),
        ("POST", f"{API}/experiments/delete", {"experiment_id": experiment}),
        ("POST", f"{API}/experiments/set-experiment-tag", {"experiment_id": experiment, "key": "k", "value": "v"}),
        ("POST", f"{API}/experiments/create", {"name": "stolen", "artifact_location": theirs.location}),
        ("POST", f"{API}/logged-models", {"experiment_id": experiment, "name": "x"}),
        ("PATCH", f"{API}/logged-models/{model}", {"status": "LOGGED_MODEL_READY"}),
        ("PATCH", f"{API}/logged-models/{model}/tags", {"tags": [{"key": "k", "value": "v"}]}),
        ("DELETE", f"{API}/logged-models/{model}", None),
        ("PATCH", f"{API}/registered-models/update", {"name": f"rm-{WORD}", "description": "x"}),
        ("POST", f"{API}/registered-models/rename", {"name": f"rm-{WORD}", "new_name": "x"}),
        ("DELETE", f"{API}/registered-models/delete", {"name": f"rm-{WORD}"}),
        ("POST", f"{API}/registered-models/alias", {"name": f"rm-{WORD}", "alias": "a", "version": "1"}),
        ("POST", f"{API}/model-versions/create", {"name": f"rm-{WORD}", "source": "s3://b/x"}),
        ("POST", f"{API}/model-versions/create", {"name": "shared-name", "source": theirs.location, "run_id": run}),
        ("POST", f"{API}/model-versions/create", {"name": "shared-name", "source": f"models:/{model}"}),
        ("POST", f"{API}/model-versions/create", {"name": "shared-name", "source": f"models:/rm-{WORD}/1"}),
        ("DELETE", f"{API}/model-versions/delete", {"name": f"rm-{WORD}", "version": "1"}),
        ("POST", f"{PROXY}/mpu/create/{theirs.folder}", {"path": "g", "num_parts": 1}),
        ("POST", f"{API}/artifacts/presigned-upload-url", {"run_id": run, "path": "g"}),
        ("DELETE", f"{PROXY}/artifacts/{theirs.folder}/f.txt", None),
        ("DELETE", f"{PROXY}/artifacts/_projects", None),
        ("POST", f"{V1}/runs", {"experiment_id": experiment}),
        ("PATCH", f"{V1}/runs/{run}", {"name": "x"}),
        ("DELETE", f"{V1}/runs/{run}", None),
        ("PATCH", f"{V1}/experiments/{experiment}", {"name": "x"}),
        ("DELETE", f"{V1}/experiments/{experiment}", None),
        ("POST", f"{V1}/runs/{run}/uploads", {"path": "g", "size": 1, "sha256": "0" * 64}),
        ("DELETE", f"{V1}/models/rm-{WORD}", None),
    ]


def ask(mine: Side, method: str, path: str, body: dict[str, Any] | None, project: str = MINE) -> httpx.Response:
    sent = None if body is None else json.dumps(body).replace("{mine}", mine.experiment)
    headers = {} if sent is None else {"content-type": "application/json"}
    return mine.client.request(method, project + path, content=sent, headers=headers)


def state(side: Side) -> list[str]:
    """Return what there is on a side, as its owner sees it."""
    paths = (
        f"{API}/runs/get?run_id={side.run}",
        f"{API}/experiments/get?experiment_id={side.experiment}",
        f"{API}/logged-models/{side.model}",
        f"{API}/registered-models/search",
        f"{API}/model-versions/search",
        f"{API}/experiments/search?max_results=100",
        f"{PROXY}/artifacts?path={side.folder}",
    )
    answers = [side.client.get(side.project + path) for path in paths]
    assert all(answer.status_code == 200 for answer in answers), [answer.text for answer in answers]
    return [answer.text for answer in answers]


def test_the_requests_find_what_is_there(sides: tuple[Side, Side]) -> None:
    """The same requests in the project itself do find it, but for few: the test below is no empty one."""
    _, theirs = sides
    found = [ask(theirs, *each, project=THEIRS) for each in reads(theirs)]
    assert [answer.text for answer in found if answer.status_code >= 500] == []
    assert sum(WORD in answer.text or answer.status_code == 200 for answer in found) > 0.8 * len(found)


def test_nothing_of_theirs_is_read(sides: tuple[Side, Side]) -> None:
    mine, theirs = sides
    leaks = {}
    for method, path, body in reads(theirs):
        answer = ask(mine, method, path, body)
        asked = WORD in path or WORD in json.dumps(body)
        told = (
            answer.text.replace(f"m-{WORD}", "").replace(f"rm-{WORD}", "").replace(f"e-{WORD}", "")
            if asked
            else answer.text
        )
        if answer.status_code >= 500 or WORD in told or (answer.status_code == 200 and theirs.run in answer.text):
            leaks[f"{method} {path}"] = (answer.status_code, answer.text)
    assert leaks == {}


def test_nothing_of_theirs_is_counted(sides: tuple[Side, Side]) -> None:
    mine, theirs = sides
    query = {"experiment_ids": [theirs.experiment, mine.experiment], "count": True}
    answer = mine.client.post(f"{MINE}{V1}/runs/search", json=query).json()
    assert (answer["total"], [run["run_id"] for run in answer["items"]]) == (1, [mine.run])


def test_nothing_of_theirs_is_changed(sides: tuple[Side, Side]) -> None:
    mine, theirs = sides
    before, own = state(theirs), state(mine)
    wrong = {}
    for method, path, body in writes(theirs):
        answer = ask(mine, method, path, body)
        if answer.status_code not in GONE:
            wrong[f"{method} {path} {body}"] = (answer.status_code, answer.text)
    assert wrong == {}
    assert state(theirs) == before
    assert state(mine) == own


def test_a_version_that_names_their_run_has_nothing_of_it(sides: tuple[Side, Side]) -> None:
    """Runs of other servers may be named too: it is a text."""
    mine, theirs = sides
    new = {"name": "rm-plain", "source": f"runs:/{theirs.run}/f.txt", "run_id": theirs.run}
    version = mine.post(f"{API}/model-versions/create", **new)["model_version"]["version"]
    details = mine.client.get(f"{MINE}{V1}/models/rm-plain/versions/{version}").json()
    assert (details["params"], details["metrics"]) == ({}, {})
    for path in (
        f"/model-versions/get-artifact?name=rm-plain&version={version}&path=f.txt",
        f"{V1}/models/rm-plain/versions/{version}/artifacts/f.txt",
    ):
        answer = mine.client.get(MINE + path)
        assert answer.status_code in (*GONE, 501)
        assert WORD not in answer.text


def test_a_token_for_their_run_leads_nowhere(sides: tuple[Side, Side], guarded: Guarded) -> None:
    """It is for one project, where no such run is."""
    mine, theirs = sides
    token = mine.post(f"{V1}/auth/run-tokens", run_id=theirs.run)["token"]
    with guarded.client(token=token) as job:
        point = {"run_id": theirs.run, "key": "m", "value": 1, "timestamp": 1}
        for project in (MINE, THEIRS):
            assert job.post(f"{project}{API}/runs/log-metric", json=point).status_code == 404
            assert job.put(f"{project}{PROXY}/artifacts/{theirs.folder}/g", content=b"g").status_code == 404


def test_a_path_does_not_climb_into_their_folder(sides: tuple[Side, Side]) -> None:
    mine, theirs = sides
    up = "../" * 4
    for path in (
        f"{mine.folder}/{up}{theirs.folder}/f.txt",
        f"{mine.folder}/..%2f..%2f..%2f..%2f{theirs.folder}/f.txt",
    ):
        answer = mine.client.get(f"{MINE}{PROXY}/artifacts/{path}")
        assert answer.status_code in GONE
        assert WORD not in answer.text


def test_the_same_name_is_two_models(sides: tuple[Side, Side]) -> None:
    mine, theirs = sides
    for side, word in ((mine, "plain"), (theirs, WORD)):
        found = side.client.get(f"{side.project}{API}/registered-models/get?name=shared-name").json()
        assert found["registered_model"]["description"] == word
