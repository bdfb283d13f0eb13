"""Deleted projects: restored within their time, and after it gone for good with all that they own."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from sqlalchemy import update

from mainspring.db.engine import check_url
from mainspring.kit.sql_engines import create_write_engine
from mainspring.modules.projects.tables import projects
from tests.components.server import MainspringServer

DAY_MS = 86_400_000


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database of the test's own."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/own.db"
    return check_url(request.getfixturevalue("postgres_database"))


def fill(client: httpx.Client, path: str) -> str:
    """Make a project with something of each kind, and return the folder of a run's files."""
    project = f"/p/{path}"

    def ask(method: str, url: str, **sent: object) -> httpx.Response:
        answer = client.request(method, url, **sent)  # type: ignore[arg-type]
        assert answer.status_code < 300, answer.text
        return answer

    ask("POST", "/api/v1/projects", json={"path": path})
    run = ask("POST", f"{project}/api/v1/runs", json={"experiment_id": "0"}).json()
    ask("PUT", f"{project}/api/v1/runs/{run['run_id']}/artifacts/f.txt", content=b"f")
    ask("PUT", f"{project}/api/v1/files/data/a.csv", content=path.encode())
    ask("POST", f"{project}/api/v1/releases", json={"tag": "v1"})
    ask("PUT", f"/api/store/{path}/files/md5/d4/1d8cd98f00b204e9800998ecf8427e", content=b"")
    ask("POST", f"{project}/api/v1/models", json={"name": "m"})
    ask("POST", f"{project}/api/v1/models/m/versions", json={"source": run["artifact_uri"], "run_id": run["run_id"]})
    ask("PUT", f"{project}/api/v1/config/app?environment=dev", json={"value": {"a": 1}})
    ask("PUT", f"{project}/api/v1/secrets/dev/token", json={"value": "very secret"})
    ask(
        "POST",
        f"{project}/api/v1/webhooks",
        json={"name": "w", "url": "https://example.org/x", "events": ["model_version.*"]},
    )
    return str(run["artifact_uri"]).removeprefix("mlflow-artifacts:/").lstrip("/")


def collect(client: httpx.Client) -> None:
    """Collect the garbage to its end."""
    token = None
    while True:
        answer = client.post("/api/v1/gc", json={"page_token": token} if token else {})
        assert answer.status_code == 200, answer.text
        token = answer.json()["next_page_token"]
        if token is None:
            return


def delete_long_ago(url: str, path: str, days: int) -> None:
    engine = create_write_engine(url)
    with engine.begin() as tx:
        name = projects.c.name == path.rpartition("/")[2]
        tx.execute(update(projects).where(name).values(deleted_at=projects.c.deleted_at - days * DAY_MS))
    engine.dispose()


def test_a_deleted_project_goes_when_its_time_is_over(url: str, tmp_path: Path) -> None:
    data = tmp_path / "data"
    with MainspringServer(data, database_url=url) as server, httpx.Client(base_url=server.url, timeout=30) as client:
        folders = {path: fill(client, path) for path in ("team/going", "team/staying")}
        for path in folders:
            assert client.delete(f"/p/{path}/api/v1/project").status_code == 204
        delete_long_ago(url, "team/going", 31)
        delete_long_ago(url, "team/staying", 29)
        assert client.post("/api/v1/projects/restore", json={"path": "team/going"}).status_code == 404
        collect(client)
        there = {path: (data / "artifacts" / folder / "f.txt").exists() for path, folder in folders.items()}
        assert there == {"team/going": False, "team/staying": True}
        kept = [each for name in ("_files", "_dvc") for each in (data / "artifacts").glob(f"_projects/*/{name}/**/*")]
        assert [each.read_bytes() for each in kept if each.is_file()] == [b"team/staying", b""]
        again = client.post("/api/v1/projects", json={"path": "team/going"})
        assert again.status_code == 201, again.text
        fresh = client.get("/p/team/going/api/v1/experiments").json()["items"]
        assert [each["name"] for each in fresh] == ["Default"]
        assert client.get("/p/team/going/api/v1/models").json()["items"] == []
        assert client.get("/p/team/going/api/v1/files").json()["items"] == []
        assert client.post("/api/v1/projects/restore", json={"path": "team/staying"}).status_code == 200
        assert len(client.get("/p/team/staying/api/v1/models").json()["items"]) == 1
        assert client.get("/p/team/staying/api/v1/files/data/a.csv?ref=v1").content == b"team/staying"
        actions = [each["action"] for each in client.get("/api/v1/audit?scope=instance").json()["items"]]
        assert actions.count("project.purge") == 1
