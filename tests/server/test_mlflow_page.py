"""MLflow's own page: the files of the installed package, and what leads people to it."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import urljoin

import httpx
import pytest

from tests.components.accounts import Guarded
from tests.components.server import MainspringServer

HTTP = httpx.Client(timeout=60)
BROWSER = {"accept": "text/html,*/*;q=0.8"}
PLACES = ["", "/p/default/default", "/default/default/tracking"]


@pytest.fixture
def url(sqlite_server: MainspringServer) -> str:
    """The address of a server without accounts."""
    return sqlite_server.url


@pytest.mark.parametrize("place", PLACES)
def test_the_page_and_its_files(url: str, place: str) -> None:
    page = HTTP.get(f"{url}{place}/mlflow", headers=BROWSER, follow_redirects=True)
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert str(page.url) == f"{url}{place}/mlflow/"
    assert page.headers["cache-control"] == "no-store"
    linked = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(linked) >= 4
    for link in linked:
        assert HTTP.head(urljoin(str(page.url), link)).status_code == 200, link


@pytest.mark.parametrize("place", PLACES)
def test_what_the_page_asks_is_answered(url: str, place: str) -> None:
    base = f"{url}{place}/mlflow"
    query = {"max_results": 5, "filter": "name = 'Default'"}
    found = HTTP.get(f"{base}/ajax-api/2.0/mlflow/experiments/search", params=query).json()
    assert [each["name"] for each in found["experiments"]] == ["Default"]
    assert HTTP.get(f"{base}/get-artifact?path=x&run_uuid={'0' * 32}").json()["error_code"] == "RESOURCE_DOES_NOT_EXIST"
    told = HTTP.post(f"{base}/graphql", json={"query": "{__typename}"}).json()
    assert told == {"data": {"__typename": "Query"}, "errors": None}
    assert HTTP.get(f"{base}/version").text == HTTP.get(f"{url}/version").text


def test_headers_keep_others_out(url: str) -> None:
    headers = HTTP.get(f"{url}/mlflow/").headers
    assert headers["x-frame-options"] == "DENY"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert "inline" not in policy["script-src"]
    assert not re.search(r"https?:|\*", headers["content-security-policy"])


def test_files_are_kept_as_long_as_they_last(url: str) -> None:
    script = re.search(r'src="(static-files/[^"]+\.js)"', HTTP.get(f"{url}/mlflow/").text)
    assert script
    answer = HTTP.get(f"{url}/mlflow/{script[1]}")
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert "immutable" in answer.headers["cache-control"]
    again = HTTP.get(f"{url}/mlflow/{script[1]}", headers={"if-none-match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert HTTP.get(f"{url}/mlflow/static-files/manifest.json").headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    "path",
    [
        "",
        "static",
        "index.html",
        "../index.html",
        "../../../handlers.py",
        "..%2f..%2f..%2fhandlers.py",
        "%2e%2e/%2e%2e/%2e%2e/handlers.py",
        "static/../../../../handlers.py",
        "/etc/passwd",
        "%2fetc%2fpasswd",
        "static\\..\\index.html",
        "static/js/%00",
        "lib/notebook-trace-renderer/index.html",
    ],
)
def test_nothing_else_is_served(url: str, path: str) -> None:
    request = HTTP.build_request("GET", url)
    request.url = request.url.copy_with(raw_path=f"/mlflow/static-files/{path}".encode())
    answer = HTTP.send(request)
    assert answer.status_code in (400, 404), answer.text


def test_only_reading_is_answered(url: str) -> None:
    for path in ("", "static-files/favicon.ico"):
        assert HTTP.post(f"{url}/mlflow/{path}").status_code == 405


def test_who_is_not_signed_in_is_led_to_do_so(sqlite_guarded: Guarded) -> None:
    server = sqlite_guarded
    for place in ("", "/p/page/hidden"):
        answer = HTTP.get(f"{server.url}{place}/mlflow/", headers=BROWSER)
        target = f"{place}/mlflow/".replace("/", "%2F")
        assert (answer.status_code, answer.headers["location"]) == (303, f"/login?next={target}")
        assert 'data-next="' + f"{place}/mlflow/" in HTTP.get(server.url + answer.headers["location"]).text
        assert HTTP.get(f"{server.url}{place}/mlflow/").status_code == 401
    expired = HTTP.get(f"{server.url}/mlflow/", headers=BROWSER | {"cookie": "mainspring_session=ended"})
    assert expired.status_code == 303


def test_who_has_no_role_in_a_project_is_told_that_it_is_not_there(sqlite_guarded: Guarded) -> None:
    server = sqlite_guarded
    server.add_user("page-stranger")
    server.add_project("page/hidden")
    with server.browser("page-stranger") as stranger:
        assert stranger.get("/mlflow/", headers=BROWSER).status_code == 200
        for project in ("page/hidden", "page/never<b>"):
            answer = stranger.get(f"/p/{project}/mlflow/", headers=BROWSER)
            assert (answer.status_code, answer.headers["content-type"]) == (404, "text/html; charset=utf-8")
            assert "<b>" not in answer.text
            assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_the_page_of_a_server_with_accounts_begins_with_projects(sqlite_guarded: Guarded, url: str) -> None:
    info = "ajax-api/3.0/mlflow/server-info"
    told = {
        base: HTTP.get(f"{base}/mlflow/{info}").json()["workspaces_enabled"]
        for base in (sqlite_guarded.url, f"{sqlite_guarded.url}/p/page/hidden", url)
    }
    assert list(told.values()) == [True, False, False]


def test_another_sites_page_changes_nothing(sqlite_guarded: Guarded) -> None:
    with sqlite_guarded.browser("root") as browser:
        sent = {"json": {"query": "{__typename}"}, "headers": {"origin": "https://evil.example"}}
        for place in ("/graphql", "/mlflow/graphql", "/mlflow/ajax-api/2.0/mlflow/runs/create"):
            assert browser.post(place, **sent).status_code == 403


@pytest.mark.parametrize("installed", ["nothing", "without its page"])
def test_where_the_package_is_missing_the_page_says_how_to_get_it(tmp_path: Path, installed: str) -> None:
    """``mlflow-skinny`` has the package without its page; a file of that name hides the package altogether."""
    (tmp_path / "path" / "mlflow").mkdir(parents=True)
    if installed == "nothing":
        (tmp_path / "path" / "mlflow").rmdir()
        (tmp_path / "path" / "mlflow.py").write_text("raise ImportError")
    else:
        (tmp_path / "path" / "mlflow" / "__init__.py").write_text("raise ImportError")
    environment = {"PYTHONPATH": os.pathsep.join([str(tmp_path / "path"), os.environ.get("PYTHONPATH", "")])}
    with MainspringServer(tmp_path / "data", environment=environment) as server:
        answer = HTTP.get(f"{server.url}/mlflow/", headers=BROWSER)
        assert (answer.status_code, answer.headers["content-type"]) == (404, "text/html; charset=utf-8")
        assert "pip install mlflow" in answer.text
        assert HTTP.get(f"{server.url}/mlflow/static-files/favicon.ico").status_code == 404
        assert "pip install mlflow" in HTTP.get(f"{server.url}/mlflow/").json()["detail"]
        assert HTTP.get(f"{server.url}/mlflow/ajax-api/2.0/mlflow/experiments/search?max_results=1").status_code == 200
