"""A server of its own for the properties, once on each database, with something of everything on it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.components.contents import Keeper
from tests.components.postgres import create_database
from tests.components.server import MainspringServer
from tests.properties.wire import Wire

_numbers = count()


@dataclass(frozen=True)
class Target:
    """A server, a connection to it, and what reads past it all that it keeps."""

    server: MainspringServer
    wire: Wire
    keeper: Keeper


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def target(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """Yield a running server with its connections."""
    url = None
    if request.param == "postgresql":
        postgres = request.getfixturevalue("postgres")
        url = postgres.database_url(create_database(postgres))
    # Whatever changes the database is to be the request's doing.
    with MainspringServer(
        tmp_path_factory.mktemp("properties") / "data", "--no-background", database_url=url
    ) as server:
        wire, keeper = Wire(server), Keeper(server, url)
        yield Target(server, wire, keeper)
        wire.close()
        keeper.close()


@pytest.fixture(scope="module")
def made() -> dict[object, dict[str, Any]]:
    """Hold what was made for whom."""
    return {}


@pytest.fixture
def known(request: pytest.FixtureRequest, target: Target, made: dict[object, dict[str, Any]]) -> dict[str, Any]:
    """Return a good value for every field of MLflow's messages, by its name.

    They are of things made for this endpoint, which may delete them; reading endpoints share theirs.
    """
    parameters = getattr(request.node, "callspec", None)
    called = parameters and parameters.params.get("called")
    owner = (target.server.port, called and called.method != "GET" and called.path)
    if owner not in made:
        made[owner] = make_one_of_everything(target)
    return made[owner] | ({"status": "ACTIVE"} if called and "webhooks" in called.path else {})


def make_one_of_everything(target: Target) -> dict[str, Any]:
    call, number = target.wire.call, next(_numbers)
    api = "/api/2.0/mlflow"
    experiment = call("POST", f"{api}/experiments/create", {"name": f"e{number}"})["experiment_id"]
    run = call("POST", f"{api}/runs/create", {"experiment_id": experiment})["run"]["info"]["run_id"]
    batch = {"metrics": [{"key": "m", "value": 1, "timestamp": 1, "step": 1}], "params": [{"key": "k", "value": "1"}]}
    call("POST", f"{api}/runs/log-batch", {"run_id": run, **batch, "tags": batch["params"]})
    model = call("POST", f"{api}/logged-models", {"experiment_id": experiment, "tags": batch["params"]})
    name = f"m{number}"
    call("POST", f"{api}/registered-models/create", {"name": name, "tags": batch["params"]})
    source = f"runs:/{run}/model"
    call("POST", f"{api}/model-versions/create", {"name": name, "source": source, "run_id": run})
    call("POST", f"{api}/registered-models/alias", {"name": name, "alias": "a", "version": "1"})
    call("POST", f"{api}/experiments/set-experiment-tag", {"experiment_id": experiment, "key": "k", "value": "1"})
    model_id = model["model"]["info"]["model_id"]
    folder = f"{experiment}/{run}/artifacts"
    upload, parts = begin_upload(target, folder)
    call("POST", f"{api}/workspaces", {"name": f"w{number}-of"})
    told = {"url": "https://receiver.invalid/hook", "events": [{"entity": "MODEL_VERSION", "action": "CREATED"}]}
    webhook = call("POST", f"{api}/webhooks", {"name": name, **told})["webhook"]["webhook_id"]
    described = '{"artifact_path": "model", "flavors": {}, "run_id": "r", "utc_time_created": "t"}'
    return {
        "experiment_id": experiment,
        "experiment_ids": [experiment],
        "experiment_name": f"e{number}",
        "new_name": f"n{number}",
        "run_id": run,
        "run_ids": [run],
        "model_id": model_id,
        "source_run_id": run,
        "name": name,
        "alias": "a",
        "version": "1",
        "stage": "Staging",
        "source": source,
        "key": "k",
        "tag_key": "k",
        "metric_key": "m",
        "value": "1",
        "timestamp": 1,
        "step": 1,
        "start_step": 0,
        "end_step": 10,
        "status": "FINISHED",
        "max_results": 10,
        "filter": "",
        "metrics": batch["metrics"],
        "params": batch["params"],
        "tags": batch["params"],
        "models": [{"model_id": model_id, "step": 1}],
        "datasets": [{"dataset": {"name": "d", "digest": "1", "source_type": "local", "source": "here"}}],
        "model_json": described,
        "artifact_path": folder,
        "path": "f.txt",
        "num_parts": 1,
        "upload_id": upload,
        "parts": parts,
        "expiration": 60,
        "webhook_id": webhook,
        "workspace_name": f"w{number}-of",
        "delivery_id": "none",
        "request_id": 1,
        "query": "query { __typename }",
        **told,
        "event": told["events"][0],
    }


def begin_upload(target: Target, folder: str) -> tuple[str, list[dict[str, Any]]]:
    """Store ``f.txt`` in a folder, and begin an upload that is to replace it; its one part has come."""
    proxy = "/api/2.0/mlflow-artifacts"
    assert target.wire.send("PUT", f"{proxy}/artifacts/{folder}/f.txt", b"old").status == 200
    begun = target.wire.call("POST", f"{proxy}/mpu/create/{folder}", {"path": "f.txt", "num_parts": 1})
    url = urlsplit(begun["credentials"][0]["url"])
    part = target.wire.send("PUT", f"{url.path}?{url.query}", b"new")
    assert part.status == 200, part
    return begun["upload_id"], [{"part_number": 1, "etag": part.headers["etag"]}]


OF_ACCOUNTS = "mainspring.api.mlflow.auth"
ON_ONE = {
    "test_a_bad_value_in_any_field": "postgresql",
    "test_random_messages": "postgresql",
    "test_requests_of_the_document": "postgresql",
    "test_a_deep_body": "sqlite",
    "test_a_damaged_body": "sqlite",
}
"""Tests that take long, and the database that they are always tried on: on the other they are slow ones."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as slow what is tried on one database always, and on the other by ``make test-all``.

    So are endpoints of accounts, to which a server without them has little to say: ``tests/mlflow/auth`` tries them.
    """
    for item in items:
        chosen = ON_ONE.get(getattr(item, "originalname", ""))
        parameters = getattr(item, "callspec", None)
        if not chosen or not parameters or "target" not in parameters.params:
            continue
        called = parameters.params.get("called")
        if parameters.params["target"] != chosen or (called and called.handler.__module__ == OF_ACCOUNTS):
            item.add_marker(pytest.mark.slow)
