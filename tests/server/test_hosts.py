"""Other web sites stay out: foreign names, foreign pages, and what they may still read."""

from pathlib import Path

import httpx
import pytest

from tests.components.server import MainspringServer

CREATE = "/api/2.0/mlflow/experiments/create"


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:5000", "10.0.0.1"])
@pytest.mark.parametrize("path", ["/", "/health", "/api/v1/experiments", "/api/2.0/mlflow/experiments/get"])
def test_foreign_names_are_refused(sqlite_server: MainspringServer, host: str, path: str) -> None:
    answer = httpx.get(f"{sqlite_server.url}{path}", headers={"Host": host})
    assert answer.status_code == 403
    said = answer.json()
    assert (said.get("error_code"), said.get("code")) in {("PERMISSION_DENIED", None), (None, "permission_denied")}
    assert host in said.get("message", said.get("detail"))
    assert answer.headers["x-request-id"] == answer.json()["request_id"]


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1", "127.9.9.9:80", "[::1]:5000", "a.localhost"])
def test_loopback_names_are_served(sqlite_server: MainspringServer, host: str) -> None:
    assert httpx.get(f"{sqlite_server.url}/health", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1", "http://["])
def test_a_foreign_page_changes_nothing(sqlite_server: MainspringServer, origin: str) -> None:
    name = f"by a page of {origin}"
    answer = httpx.post(f"{sqlite_server.url}{CREATE}", json={"name": name}, headers={"Origin": origin})
    assert answer.status_code == 403
    query = {"experiment_name": name}
    found = httpx.get(f"{sqlite_server.url}/api/2.0/mlflow/experiments/get-by-name", params=query)
    assert found.status_code == 404


def test_a_page_of_the_server_itself_may(sqlite_server: MainspringServer) -> None:
    headers = {"Origin": sqlite_server.url}
    answer = httpx.post(f"{sqlite_server.url}{CREATE}", json={"name": "by its own page"}, headers=headers)
    assert answer.status_code == 200


def test_names_that_are_allowed(tmp_path: Path) -> None:
    allowed = {"MAINSPRING_ALLOWED_HOSTS": "ml.example, other.example"}
    with MainspringServer(tmp_path / "data", environment=allowed) as server:
        for host, status in (("ml.example", 200), ("ML.example:443", 200), ("evil.example", 403), ("localhost", 200)):
            assert httpx.get(f"{server.url}/health", headers={"Host": host}).status_code == status
