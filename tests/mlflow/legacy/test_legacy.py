"""Clients of MLflow 2.22 and 1.30, each in an environment of its own, against the server under test."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from tests.mlflow.conftest import differs
from tests.mlflow.legacy.environments import client_python, run_script

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]


@pytest.fixture(scope="session")
def python_2() -> Path:
    """The interpreter that has mlflow 2.22."""
    return client_python("2.22", ["3.11", "3.12", "3.10"])


@pytest.fixture(scope="session")
def python_1() -> Path:
    """The interpreter that has mlflow 1.30."""
    return client_python("1.30", ["3.9", "3.10", "3.8"])


def last_line(output: str) -> Any:
    return json.loads(output.strip().splitlines()[-1])


def check_tracking(report: Any, client: MlflowClient, unique: str) -> None:
    run = report["run"]
    assert report["by_name"] == report["experiment"]
    assert report["experiment_tags"].items() >= {"kind": "legacy", "more": "1"}.items()
    assert report["status"] == "FINISHED"
    assert report["params"] == {"rate": "0.1", "depth": "3"}
    assert report["loss"] == pytest.approx(1 / 3)
    assert (report["nan"], report["team"], report["nobody"]) == ("nan", "red", None)
    assert (report["run_name"], report["parent"]) == ("first", run)
    assert report["history"] == [[0, 1.0], [1, 0.5], [2, pytest.approx(1 / 3)]]
    assert report["found"] == [run]
    assert report["everything"] == ["child", "first"]
    assert report["artifacts"] == [["config.json", False], ["notes", True]]
    assert report["text"] == "héllo"
    today = client.get_run(run)
    assert today.info.run_name == "first"
    assert today.data.params == {"rate": "0.1", "depth": "3"}
    assert [entry.path for entry in client.list_artifacts(run, "notes")] == ["notes/hello.txt"]
    assert client.get_experiment(report["experiment"]).name == unique


def check_registry(report: Any, client: MlflowClient, unique: str) -> None:
    assert report["answer"] == [2.0, 4.0]
    assert (report["description"], report["tags"]) == ("of old", {"team": "red"})
    assert report["stages"] == {"1": "Archived", "2": "Production"}
    assert report["run_ids"] == [report["run"]]
    assert report["latest"] == ["2"]
    assert report["searched"] == [f"{unique}-new"]
    assert report["history"] == "model"
    today = client.search_model_versions(f"name = '{unique}-new'")
    assert [(str(version.version), version.current_stage) for version in today] == [("2", "Production")]


def test_tracking_by_2_22(python_2: Path, tracking_uri: str, client: MlflowClient, unique: str) -> None:
    check_tracking(last_line(run_script(python_2, "tracking_flow.py", tracking_uri, unique)), client, unique)


def test_registry_by_2_22(python_2: Path, tracking_uri: str, client: MlflowClient, unique: str) -> None:
    report = last_line(run_script(python_2, "registry_flow.py", tracking_uri, unique))
    check_registry(report, client, unique)
    assert (report["alias"], report["by_alias"]) == ("2", [2.0, 4.0])


def test_tracking_by_1_30(python_1: Path, tracking_uri: str, client: MlflowClient, unique: str) -> None:
    check_tracking(last_line(run_script(python_1, "tracking_flow.py", tracking_uri, unique)), client, unique)


@differs("a 1.30 client asks for its registry under /api/2.0/preview, which left MLflow with 2.0")
def test_registry_by_1_30(python_1: Path, tracking_uri: str, client: MlflowClient, unique: str) -> None:
    report = last_line(run_script(python_1, "registry_flow.py", tracking_uri, unique))
    check_registry(report, client, unique)
    assert (report["listed"], report["experiments"]) == (True, True)
