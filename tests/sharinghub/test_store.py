"""``/api/store``: the requests that DVC sends, and those that it would not."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import httpx
import pytest

from tests.components.accounts import Guarded

PATH, SLUG = "dvc/remote", "dvc-remote"


def named(content: bytes, suffix: str = "") -> str:
    digest = hashlib.md5(content).hexdigest()
    return f"files/md5/{digest[:2]}/{digest[2:]}{suffix}"


@pytest.fixture(scope="module")
def server(sqlite_guarded: Guarded) -> Guarded:
    server = sqlite_guarded
    answer = server.admin.post("/api/v1/projects", json={"path": PATH, "workspace": SLUG})
    assert answer.status_code == 201, answer.text
    for name, role in {"st-dev": "developer", "st-reader": "reporter", "st-guest": "guest", "st-stranger": ""}.items():
        server.add_user(name)
        if role:
            server.set_member(PATH, name, role)
    return server


@pytest.fixture
def developer(server: Guarded) -> Iterator[httpx.Client]:
    with server.client("st-dev") as client:
        yield client


@pytest.mark.parametrize("method", ["PUT", "POST"])
@pytest.mark.parametrize("project", [SLUG, PATH])
@pytest.mark.parametrize("suffix", ["", ".dir"])
def test_what_is_pushed_is_pulled(developer: httpx.Client, method: str, project: str, suffix: str) -> None:
    content = f"{method} {project} {suffix}".encode()
    url = f"/api/store/{project}/{named(content, suffix)}"
    assert developer.head(url).status_code == 404
    # In chunks, as DVC sends what it reads from a file.
    assert developer.request(method, url, content=iter([content[:5], content[5:]])).status_code == 200
    assert developer.head(url).headers["content-length"] == str(len(content))
    assert developer.get(url).content == content
    assert developer.get(url, headers={"range": "bytes=2-3"}).content == content[2:4]
    assert developer.request(method, url, content=content).status_code == 200


def test_one_project_has_one_store(developer: httpx.Client) -> None:
    content = b"shared by names"
    developer.put(f"/api/store/{SLUG}/{named(content)}", content=content)
    assert developer.get(f"/api/store/{PATH}/{named(content)}").content == content


def test_bytes_must_be_what_they_are_called(developer: httpx.Client) -> None:
    content = b"the content"
    url = f"/api/store/{SLUG}/{named(content)}"
    answer = developer.put(url, content=b"another content")
    assert answer.status_code == 400
    assert "MD5" in answer.json()["detail"]
    assert developer.head(url).status_code == 404
    developer.put(url, content=content)
    assert developer.post(url, content=b"evil").status_code == 400
    assert developer.get(url).content == content


@pytest.mark.parametrize(
    "path",
    [
        "files/md5/ab/../../../x",
        "files/md5/AB/" + "0" * 30,
        "files/md5/ab/" + "0" * 29,
        "files/md5/ab/" + "0" * 30 + ".exe",
        "ab/" + "0" * 30,
        "files/sha256/ab/" + "0" * 62,
        "files/md5/ab/%2e%2e%2f" + "0" * 28,
        "",
    ],
)
def test_other_names(developer: httpx.Client, path: str) -> None:
    url = developer.base_url.copy_with(raw_path=f"/api/store/{SLUG}/{path}".encode())
    assert developer.send(developer.build_request("GET", url)).status_code == 404
    assert developer.send(developer.build_request("PUT", url, content=b"x")).status_code in (400, 404)


def test_nothing_is_deleted(developer: httpx.Client) -> None:
    content = b"stays"
    url = f"/api/store/{SLUG}/{named(content)}"
    developer.put(url, content=content)
    assert developer.delete(url).status_code == 405
    assert developer.get(url).content == content


WHO = [
    ("st-dev", 200, 200),
    ("st-reader", 403, 200),
    ("st-guest", 403, 403),
    ("st-stranger", 404, 404),
    (None, 401, 401),
]


@pytest.mark.parametrize(("name", "put", "get"), WHO, ids=[str(name) for name, *_ in WHO])
def test_who_may(server: Guarded, developer: httpx.Client, name: str | None, put: int, get: int) -> None:
    content = b"for some"
    url = f"/api/store/{SLUG}/{named(content)}"
    developer.put(url, content=content)
    with server.client(name) as client:
        assert client.put(url, content=content).status_code == put
        assert client.head(url).status_code == get


def test_a_name_and_a_password_of_dvc(server: Guarded) -> None:
    """DVC's ``auth basic``: an API key is the password of whatever name."""
    content = b"basic"
    url = f"{server.url}/api/store/{SLUG}/{named(content)}"
    auth = ("st-dev", server.tokens["st-dev"])
    assert httpx.put(url, content=content, auth=auth).status_code == 200
    assert httpx.get(url, auth=auth).content == content


def test_bytes_count_for_the_quota(server: Guarded, developer: httpx.Client) -> None:
    def used() -> int:
        items = server.admin.get(f"/p/{PATH}/api/v1/quotas").json()["items"]
        return int(next(each["used"] for each in items if each["resource"] == "artifact_bytes"))

    before, content = used(), b"x" * 1000
    for _ in range(2):
        developer.put(f"/api/store/{SLUG}/{named(content)}", content=content)
    assert used() == before + 1000
