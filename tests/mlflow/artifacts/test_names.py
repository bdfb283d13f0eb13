"""Names of artifacts that are hard to get right: spaces, percent signs, other scripts, punctuation."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from tests.mlflow.artifacts.conftest import PROXY, Raw, attached
from tests.mlflow.conftest import differs
from tests.mlflow.rest import Rest

NAMES = [
    "sp ace.txt",
    "ünï.txt",
    "日本.txt",
    "日本",
    "em😀.txt",
    "plus+.txt",
    "q?x.txt",
    "a&b=c.txt",
    "semi;colon.txt",
    'quo"te.txt',
    "single'.txt",
    "..dots",
    "...",
    "dot.",
    "~tilde",
    "co:lon",
    "star*",
    "．．",
    "x" * 200,
]


@pytest.mark.parametrize("name", NAMES, ids=lambda name: name[:12])
def test_names_come_back(rest: Rest, run: Any, root: str, name: str) -> None:
    path = f"{root}/folder {name[:100]}/{quote(name, safe='')}".replace("?", "%3F")
    if name in ("...", "．．"):
        path = f"{root}/folder/{quote(name, safe='')}"
    assert rest.send("PUT", path, content=b"z").status == 200
    reply = rest.get(path)
    assert (reply.status, reply.content) == (200, b"z")
    assert attached(reply) == name
    folder = path.removeprefix(f"{root}/").split("/")[0].replace("%3F", "?")
    (listed,) = rest.get("artifacts/list", {"run_id": run["run_id"], "path": folder}).ok()["files"]
    assert listed == {"path": f"{folder}/{name}", "is_dir": False, "file_size": 1}
    by_run = rest.get("/get-artifact", {"run_id": run["run_id"], "path": f"{folder}/{name}"})
    assert (by_run.status, by_run.content) == (200, b"z")
    assert rest.send("DELETE", path).ok() == {}
    rest.get(path).error(404, "RESOURCE_DOES_NOT_EXIST")


@pytest.mark.parametrize("name", ["100%.txt", "per%cent.txt", "a%20b.txt", "%41"])
@differs("the original decodes a name again and again, and so changes or loses it")
def test_percent_signs_are_kept(rest: Rest, run: Any, root: str, name: str) -> None:
    path = f"{root}/{quote(name, safe='')}"
    assert rest.send("PUT", path, content=b"z").status == 200
    assert rest.get(path).content == b"z"
    (listed,) = rest.get("artifacts/list", {"run_id": run["run_id"]}).ok()["files"]
    assert listed["path"] == name
    assert rest.get("/get-artifact", {"run_id": run["run_id"], "path": name}).content == b"z"


@pytest.mark.parametrize("name", ["hash%23.txt", "a%23b/c"])
def test_a_hash_is_refused(raw: Raw, root: str, name: str) -> None:
    for method in ("PUT", "GET", "DELETE"):
        answer = raw(method, f"{root}/{name}", b"x" if method == "PUT" else None)
        assert answer.status == 400
        assert "Invalid path" in answer.json["message"]


def test_a_long_path(rest: Rest, root: str) -> None:
    path = f"{root}/" + "/".join(["folder"] * 40) + "/file"
    assert rest.send("PUT", path, content=b"z").status == 200
    assert rest.get(path).content == b"z"


@differs("the original answers 500, and clients retry a 500")
def test_a_name_that_no_store_takes(rest: Rest, root: str) -> None:
    rest.send("PUT", f"{root}/{'x' * 2000}", content=b"z").error(400, "INVALID_PARAMETER_VALUE")


def test_the_proxy_lists_plain_names(rest: Rest, root: str) -> None:
    rest.send("PUT", f"{root}/a b/ü.txt", content=b"z")
    answer = rest.get(PROXY, {"path": root.removeprefix(f"{PROXY}/") + "/a b"}).ok()
    assert answer == {"files": [{"path": "ü.txt", "is_dir": False, "file_size": 1}]}
