"""Lineage through the real clients: what MLflow's logs is one chain, and strangers see none of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import mlflow
import pytest
from mlflow.data.http_dataset_source import HTTPDatasetSource
from mlflow.data.meta_dataset import MetaDataset

import mainspring as ms
from mainspring.kit.errors import InvalidArgument, NotFound
from tests.components.accounts import Guarded

PATH, OTHER = "winery/reds", "winery/whites"


class Portable(mlflow.pyfunc.PythonModel):  # type: ignore[name-defined,misc]
    """A model that says what it is given."""

    def predict(self, model_input: list[str]) -> list[str]:
        """Return the input."""
        return model_input


@dataclass(frozen=True)
class Made:
    """What nina has made in her project, by ids of nodes."""

    server: Guarded
    run_id: str
    dataset: str
    model: str

    @property
    def chain(self) -> set[str]:
        """All of it."""
        return {self.dataset, f"run:{self.run_id}", self.model, "model_version:reds/1", "item:winery-reds"}

    def client(self, name: str = "winery-nina", project: str | None = PATH) -> ms.Client:
        """Return somebody's client."""
        return ms.connect(self.server.url, token=self.server.tokens[name], project=project)


@pytest.fixture(scope="module")
def made(guarded: Guarded) -> Made:
    """A dataset, a run, a model, its version, and the item of the project; stan has no part in it."""
    for name in ("nina", "stan"):
        guarded.add_user(f"winery-{name}")
    for path in (PATH, OTHER):
        guarded.add_project(path, **{"winery-nina": "developer"})
    guarded.set_member(OTHER, "winery-stan", "developer")
    topics = {"topics": ["sharinghub:aimodel"]}
    assert guarded.admin.patch(f"/p/{PATH}/api/v1/project", json=topics).status_code == 200
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_TOKEN", guarded.tokens["winery-nina"])
        before = mlflow.get_tracking_uri()
        mlflow.set_tracking_uri(f"{guarded.url}/p/{PATH}")
        source = HTTPDatasetSource("https://data.example/reds.csv")  # type: ignore[no-untyped-call]
        data = MetaDataset(source, "reds")  # type: ignore[abstract]
        with mlflow.start_run(experiment_id="0") as run:  # another test may have set one for the process
            mlflow.log_input(data, "training")
            info = mlflow.pyfunc.log_model(name="model", python_model=Portable(), pip_requirements=["mlflow"])
        mlflow.register_model(info.model_uri, "reds")
        mlflow.set_tracking_uri(before)
    return Made(guarded, run.info.run_id, f"dataset:reds@{data.digest}", f"logged_model:{info.model_id}")


def test_one_call_returns_the_chain(made: Made) -> None:
    with made.client() as client:
        for of in ("model_version:reds/1", f"run:{made.run_id}", made.model):
            found = client.lineage.get(of, hops=2)
            assert {node.id for node in found.nodes} == made.chain
        assert {edge.kind for edge in found.edges} == {"input", "output", "registered", "published"}
        for node in found.nodes:
            if node.url:
                token = made.server.tokens["winery-nina"]
                answer = httpx.get(made.server.url + node.url, headers={"authorization": f"Bearer {token}"})
                assert answer.status_code == 200, node.url


def test_the_chain_is_found_from_elsewhere_by_those_who_may_see_it(made: Made) -> None:
    with made.client(project=OTHER) as nina, made.client("winery-stan", OTHER) as stan:
        found = nina.lineage.get("item:winery/reds", hops=3, direction="up")
        assert {node.id for node in found.nodes} == {
            made.dataset,
            f"run:{made.run_id}",
            made.model,
            "model_version:winery/reds/reds/1",
            "item:winery-reds",
        }
        for of in [*made.chain, "model_version:winery/reds/reds/1"]:
            with pytest.raises(NotFound):
                stan.lineage.get(of)
        with pytest.raises(NotFound):
            stan.lineage.events(made.run_id)


def test_strangers_are_told_apart_from_nobody(made: Made) -> None:
    query = {"of": "model_version:reds/1"}
    with made.server.client("winery-stan") as stan, made.server.client() as nobody:
        assert stan.get(f"/p/{PATH}/api/v1/lineage", params=query).status_code == 404
        assert nobody.get(f"/p/{PATH}/api/v1/lineage", params=query).status_code == 401
        assert nobody.post(f"/p/{PATH}/api/v1/lineage", json=[]).status_code == 401


def event(**more: Any) -> dict[str, Any]:
    """Return what a scheduler's client sends when a run has ended."""
    told = {
        "eventType": "COMPLETE",
        "eventTime": "2026-05-01T12:00:00.000000+00:00",
        "producer": "https://airflow.example",
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
        "run": {"runId": "0198c0de-0000-7000-8000-00000000000b", "facets": {}},
        "job": {"namespace": "airflow", "name": "scoring", "facets": {}},
        "inputs": [{"namespace": f"mainspring://{PATH}", "name": "model_version:reds/1", "facets": {}}],
        "outputs": [{"namespace": "s3://scores", "name": "reds", "facets": {}}],
    }
    return told | more


def test_events_come_in_where_openlineage_sends_them(made: Made) -> None:
    with made.server.client("winery-nina") as nina:
        answer = nina.post(f"/p/{PATH}/api/v1/lineage", json=event())
        assert (answer.status_code, answer.json()) == (201, {"events": 1, "left_out": []})
        assert nina.post(f"/p/{PATH}/api/v1/lineage/events", json=[event(), event()]).status_code == 201
        found = nina.get(f"/p/{PATH}/api/v1/lineage", params={"of": "model_version:reds/1", "direction": "down"}).json()
        assert "dataset:s3://scores/reds" in {node["id"] for node in found["nodes"]}
        for wrong, field in (
            (event(eventType="DONE"), "eventType"),
            (event(eventTime="yesterday"), "eventTime"),
            (event(run={"runId": "seven"}), "runId"),
            ({name: value for name, value in event().items() if name != "producer"}, "producer"),
            ("COMPLETE", ""),
        ):
            refused = nina.post(f"/p/{PATH}/api/v1/lineage", json=wrong)
            assert refused.status_code == 400, refused.text
            assert field in refused.text


def test_events_go_out(made: Made) -> None:
    with made.client() as client:
        start, end = client.lineage.events(made.run_id)
        assert [start.event_type, end.event_type] == ["START", "COMPLETE"]
        assert end.run is not None
        assert end.run.run_id == UUID(made.run_id)
        assert [dataset.name for dataset in end.inputs] == [made.dataset]
        assert {dataset.name for dataset in end.outputs} == {made.model, "model_version:reds/1"}
        assert client.lineage.events(of="item:winery-reds") == [start, end]
        assert client.lineage.emit([start, end]).events == 2
        with pytest.raises(InvalidArgument):
            client.lineage.get("reds")
