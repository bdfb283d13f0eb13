"""Artifacts through the real client."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlflow
import pytest
import requests
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def run_id(fluent: str) -> str:
    """The id of a finished run of the fluent API."""
    with mlflow.start_run(experiment_id=fluent) as run:
        return str(run.info.run_id)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A folder with files in folders, one of them empty."""
    files = {"a.txt": "a", "sub/b.txt": "bb", "sub/deep/ü c.txt": "ccc", "empty": ""}
    for name, text in files.items():
        path = tmp_path / "tree" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "tree"


def listing(client: MlflowClient, run_id: str, path: str | None = None) -> list[tuple[str, bool, Any]]:
    return [(entry.path, entry.is_dir, entry.file_size) for entry in client.list_artifacts(run_id, path)]


def test_a_tree_goes_up_and_comes_down(client: MlflowClient, run_id: str, tree: Path, tmp_path: Path) -> None:
    client.log_artifacts(run_id, str(tree), "up/here")
    assert listing(client, run_id) == [("up", True, None)]
    assert listing(client, run_id, "up/here") == [
        ("up/here/a.txt", False, 1),
        ("up/here/empty", False, None),
        ("up/here/sub", True, None),
    ]
    local = Path(client.download_artifacts(run_id, "up", str(tmp_path)))
    down = {str(path.relative_to(local / "here")): path.read_text() for path in local.rglob("*") if path.is_file()}
    assert down == {"a.txt": "a", "sub/b.txt": "bb", "sub/deep/ü c.txt": "ccc", "empty": ""}
    one = client.download_artifacts(run_id, "up/here/sub/deep/ü c.txt", str(tmp_path))
    assert Path(one).read_text() == "ccc"


def test_single_files(client: MlflowClient, run_id: str, tree: Path) -> None:
    client.log_artifact(run_id, str(tree / "a.txt"))
    client.log_artifact(run_id, str(tree / "sub" / "b.txt"), "folder")
    assert listing(client, run_id) == [("a.txt", False, 1), ("folder", True, None)]
    assert listing(client, run_id, "folder") == [("folder/b.txt", False, 2)]
    assert listing(client, run_id, "a.txt") == []


def test_texts_dicts_and_tables(fluent: str, client: MlflowClient) -> None:
    with mlflow.start_run(experiment_id=fluent) as run:
        mlflow.log_text("héllo", "notes/hello.txt")
        mlflow.log_dict({"a": [1, 2]}, "config.json")
        mlflow.log_dict({"b": 1}, "config.yaml")
        mlflow.log_table({"x": [1, 2]}, "table.json")
        mlflow.log_table({"x": [3]}, "table.json")
    root = f"runs:/{run.info.run_id}"
    assert mlflow.artifacts.load_text(f"{root}/notes/hello.txt") == "héllo"
    assert mlflow.artifacts.load_dict(f"{root}/config.json") == {"a": [1, 2]}
    assert mlflow.artifacts.load_text(f"{root}/config.yaml") == "b: 1\n"
    assert list(mlflow.load_table("table.json", run_ids=[run.info.run_id])["x"]) == [1, 2, 3]
    assert [entry.path for entry in mlflow.artifacts.list_artifacts(run_id=run.info.run_id)] == [
        "config.json",
        "config.yaml",
        "notes",
        "table.json",
    ]


def test_delete_through_the_repository(client: MlflowClient, run_id: str, tree: Path) -> None:
    client.log_artifacts(run_id, str(tree))
    repository = get_artifact_repository(client.get_run(run_id).info.artifact_uri)
    repository.delete_artifacts("sub")
    repository.delete_artifacts("a.txt")
    assert listing(client, run_id) == [("empty", False, None)]


def test_what_is_not_there(client: MlflowClient, run_id: str, tmp_path: Path) -> None:
    assert listing(client, run_id) == []
    with pytest.raises(MlflowException):
        client.download_artifacts(run_id, "none.txt", str(tmp_path))
    with pytest.raises(MlflowException):
        mlflow.artifacts.load_text(f"runs:/{run_id}/none.txt")


def test_the_client_cannot_climb(client: MlflowClient, run_id: str) -> None:
    with pytest.raises(requests.HTTPError, match="Invalid path"):
        client.list_artifacts(run_id, "../..")


def test_many_small_files(client: MlflowClient, run_id: str, tmp_path: Path) -> None:
    for number in range(60):
        (tmp_path / f"{number:03}.txt").write_text(str(number))
    client.log_artifacts(run_id, str(tmp_path))
    assert [path for path, _, _ in listing(client, run_id)] == [f"{number:03}.txt" for number in range(60)]
