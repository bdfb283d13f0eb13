"""The examples run as they stand, against a real server."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from mlflow import MlflowClient

from tests.components.environment import fresh_environment

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the server that MAINSPRING_TEST_TRACKING_URI names, or of one started here."""
    given = os.environ.get("MAINSPRING_TEST_TRACKING_URI")
    if given:
        yield given.rstrip("/")
        return
    from tests.components.server import MainspringServer

    with MainspringServer(tmp_path_factory.mktemp("examples")) as server:
        yield server.url


def run_example(name: str, uri: str, folder: Path) -> str:
    """Run an example in an empty folder and return what it prints; its failure fails the test."""
    environment = fresh_environment() | {"MLFLOW_TRACKING_URI": uri, "MLFLOW_DISABLE_TELEMETRY": "true"}
    environment |= {"GIT_PYTHON_REFRESH": "quiet", "PYTHONWARNINGS": "ignore"}
    # The client looks in a child process, for up to two minutes, for what the model imports: not our subject.
    environment |= {"MLFLOW_REQUIREMENTS_INFERENCE_TIMEOUT": "1"}
    done = subprocess.run(
        [sys.executable, EXAMPLES / name],
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
        env=environment,
        cwd=folder,
    )
    assert done.returncode == 0, f"{name} failed:\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_train_wine(uri: str, tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    output = run_example("train_wine.py", uri, tmp_path)
    summary = dict(re.findall(r"^(\w+)\s{2,}(.+)$", output, flags=re.MULTILINE))
    assert summary["server"] == uri
    run_id, status = re.search(r"\(([0-9a-f]{32})\), (\w+)", summary["run"]).groups()  # type: ignore[union-attr]
    assert status == "FINISHED"
    assert float(summary["accuracy"].split()[0]) > 0.9
    client = MlflowClient(uri, uri)
    run = client.get_run(run_id)
    assert run.data.params["logisticregression__C"] == "0.5"
    assert run.data.metrics["test_accuracy"] == pytest.approx(float(summary["accuracy"].split()[0]), abs=0.001)
    assert "evaluation" in summary["artifacts"].split(", ")
    champion = client.get_model_version_by_alias("wine-classifier", "champion")
    assert f"is version {champion.version}," in summary["model"]
    assert champion.run_id == run_id
    assert list(tmp_path.iterdir()) == []


def test_publish_and_find(uri: str, tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    for version in (1, 2):
        output = run_example("publish_and_find.py", uri, tmp_path)
        summary = dict(re.findall(r"^(\w+)\s{2,}(.+)$", output, flags=re.MULTILINE))
        address = f"{uri}/api/download/cellar-wine-data/wines.csv?ref=main&account="
        assert summary["browse"].startswith(f"cellar-wine-data: {address}"), summary
        assert summary["publish"] == f"version {version} of wine-classifier"
        assert summary["find"] == "Who made this wine, made of Wines of three growers"
        assert f"model.skops of wine-classifier, version {version}:" in summary["download"]
        assert float(summary["accuracy"].split()[0]) > 0.9
    assert list(tmp_path.iterdir()) == []


def test_an_example_knows_nothing_of_mainspring_but_the_address() -> None:
    assert "mainspring" not in (EXAMPLES / "train_wine.py").read_text().lower()
