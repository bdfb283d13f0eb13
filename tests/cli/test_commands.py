"""Commands on a real server: their JSON is the API's own, their tables show it, files go there and back."""

from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from tests.cli.conftest import Typed
from tests.components.server import MainspringServer


@pytest.fixture
def experiment(on_server: Typed) -> str:
    return on_server("experiments", "create", f"of a test {uuid4()}", "--tag", "a=b=c", "--quiet").out.strip()


@pytest.fixture
def run_id(on_server: Typed, experiment: str) -> str:
    return on_server("runs", "create", "--experiment", experiment, "--name", "first", "--quiet").out.strip()


def test_json_is_that_of_the_api(
    on_server: Typed, sqlite_server: MainspringServer, experiment: str, run_id: str, tmp_path: Path
) -> None:
    api = f"{sqlite_server.url}/api/v1"
    (tmp_path / "MLmodel").write_text("flavors: {}\n")
    name = f"model-{uuid4()}"
    on_server("runs", "log", run_id, "--metric", "loss=0.5", "--metric", "bad=nan", "--param", "a=1")
    on_server("artifacts", "upload", run_id, tmp_path, "model")
    on_server("models", "create", name, "--description", "text")
    on_server("models", "versions", "create", name, f"runs:/{run_id}/model", "--run-id", run_id)
    on_server("models", "set-alias", name, "best", 1)
    reads = {
        f"experiments get {experiment}": f"/experiments/{experiment}",
        "experiments search": "/experiments",
        "experiments search --view ALL --order-by name": "/experiments?view_type=ALL&order_by=name",
        "experiments search --limit 1": "/experiments?max_results=1",
        f"runs get {run_id}": f"/runs/{run_id}",
        f"runs search {experiment}": f"/experiments/{experiment}/runs",
        f"runs metric-history {run_id} bad": f"/runs/{run_id}/metrics/bad",
        f"artifacts list {run_id} model": f"/runs/{run_id}/artifacts?path=model",
        "models search": "/models",
        f"models get {name}": f"/models/{name}",
        f"models get-alias {name} best": f"/models/{name}/aliases/best",
        "models versions search": "/model-versions",
        f"models versions search {name}": f"/models/{name}/versions",
        f"models versions get {name} 1": f"/models/{name}/versions/1",
        f"models versions files {name} 1": f"/models/{name}/versions/1/artifacts",
    }
    for words, path in reads.items():
        answer = httpx.get(api + path)
        assert answer.status_code == 200, answer.text
        assert on_server(*words.split(), "--json").json == answer.json(), words


def test_tables(on_server: Typed, experiment: str, run_id: str) -> None:
    on_server("runs", "log", run_id, "--metric", "loss=0.5", "--param", "depth=3", "--tag", "x/y=z", "--step", 7)
    table = on_server("runs", "search", experiment).out
    assert table.splitlines()[0].split() == ["ID", "NAME", "STATUS", "STARTED", "(UTC)", "METRICS"]
    assert [run_id, "first", "RUNNING"] == table.splitlines()[1].split()[:3]
    assert "loss=0.5" in table
    lines = {line.split("  ")[0]: line.split("  ")[-1] for line in on_server("runs", "get", run_id).out.splitlines()}
    assert lines.keys() >= {"run_id", "params.depth", "tags.x/y", "metrics.loss", "started_at"}
    assert "0.5 (step 7)" in on_server("runs", "get", run_id).out
    assert "a=b=c" in on_server("experiments", "search").out


def test_the_next_page(on_server: Typed, experiment: str) -> None:
    for number in range(3):
        on_server("runs", "create", "--experiment", experiment, "--name", f"run-{number}")
    said = on_server("runs", "search", experiment, "--limit", 2)
    token = said.err.partition("--page-token ")[2].strip()
    first = on_server("runs", "search", experiment, "--limit", 2, "--json").json
    second = on_server("runs", "search", experiment, "--limit", 2, "--page-token", token, "--json").json
    assert first["next_page_token"] == token
    assert [len(first["items"]), len(second["items"]), second["next_page_token"]] == [2, 1, None]


def test_files_there_and_back(on_server: Typed, run_id: str, tmp_path: Path) -> None:
    (tmp_path / "in" / "sub").mkdir(parents=True)
    (tmp_path / "in" / "sub" / "f.txt").write_text("hello")
    assert on_server("artifacts", "upload", run_id, tmp_path / "in", "model").out == "model/sub/f.txt\n"
    assert "5 B   model/sub/f.txt" in on_server("artifacts", "list", run_id, "model/sub").out
    target = on_server("artifacts", "download", run_id, "model", "--to", tmp_path / "out").out.strip()
    assert (Path(target) / "sub" / "f.txt").read_text() == "hello"
    on_server("artifacts", "delete", run_id, "model", "--yes")
    assert on_server("artifacts", "list", run_id).out == ""
    on_server("artifacts", "download", run_id, "model", code=5)


def test_a_run_from_its_start_to_its_end(on_server: Typed, run_id: str) -> None:
    changed = on_server("runs", "update", run_id, "--status", "FINISHED", "--name", "second", "--json").json
    assert (changed["status"], changed["name"]) == ("FINISHED", "second")
    on_server("runs", "set-tag", run_id, "k", "v")
    assert on_server("runs", "get", run_id, "--json").json["tags"]["k"] == "v"
    on_server("runs", "delete-tag", run_id, "k")
    assert f"mainspring runs restore {run_id}" in on_server("runs", "delete", run_id).out
    assert on_server("runs", "get", run_id, "--json").json["lifecycle_stage"] == "deleted"
    assert on_server("runs", "restore", run_id, "--json").json["lifecycle_stage"] == "active"
