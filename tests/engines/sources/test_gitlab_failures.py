"""GitLab that fails, limits, hangs, drops, or answers what nobody should trust; and where tokens go, and do not."""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
import tracemalloc
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import httpx
import pytest

from mainspring.engines.sources.gitlab import GitlabSource
from mainspring.engines.sources.gitlab_http import Limits
from mainspring.kit.errors import MainspringError, NotFound, PermissionDenied, Unauthenticated, Unavailable
from tests.components.ports import free_port

TOPICS = ("sharinghub:aimodel", "sharinghub:dataset")
FAST = Limits(pause_s=0.001, patience_s=2.5, own_patience_s=2.5, away_s=0.3, attempt_s=0.4, whole_s=2.0, silence_s=0.4)
BOB = "double-bob"
Answers = Callable[[httpx.Request], httpx.Response]


@asynccontextmanager
async def opened(
    url: str, token: str = "", limits: Limits = FAST, answers: Answers | None = None
) -> AsyncIterator[GitlabSource]:
    """Yield a source that reads a GitLab at a URL, or one that is made of answers."""
    source = GitlabSource(url, token, TOPICS, limits=limits, transport=_Told(answers) if answers else None)
    try:
        yield source
    finally:
        await source.close()


class _Bytes(httpx.AsyncByteStream):
    def __init__(self, content: bytes) -> None:
        self._content = content

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self._content), 100):
            yield self._content[start : start + 100]


class _Told(httpx.AsyncBaseTransport):
    def __init__(self, answers: Answers) -> None:
        self._answers = answers

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return self._answers(request)


def told(body: Any, status: int = 200, **headers: str) -> httpx.Response:
    """Return an answer: bytes as they are, other things in JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(status, headers=named, stream=_Bytes(content))


def with_answers(question: Callable[[GitlabSource], Any], answers: Answers, **options: Any) -> list[httpx.Request]:
    """Ask a GitLab that is made of answers; return what it was asked."""
    asked: list[httpx.Request] = []

    def noting(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return answers(request)

    async def asking() -> None:
        async with opened(options.pop("url", "https://gitlab.test"), answers=noting, **options) as source:
            await question(source)

    asyncio.run(asking())
    return asked


async def listed(source: GitlabSource, since: int | None = None) -> list[str]:
    return [each.id async for page in source.list_changed(since) for each in page]


async def read(source: GitlabSource, path: str = "model.onnx", token: str | None = None) -> bytes:
    async with source.open("eo-lab/model", path, "main", token=token) as file:
        return b"".join([chunk async for chunk in file.chunks])


# ---- against the double, by real connections


@pytest.fixture
def double(gitlab: str) -> Iterator[str]:
    """Yield the address of a double that is as at its start."""
    httpx.post(f"{gitlab}/__double__/reset", json={}).raise_for_status()
    httpx.delete(f"{gitlab}/__double__/faults").raise_for_status()
    yield gitlab
    httpx.delete(f"{gitlab}/__double__/faults").raise_for_status()
    httpx.put(f"{gitlab}/__double__/settings", json={"rate_limit": 2000, "lfs_redirect": False}).raise_for_status()


def fail(double: str, **fault: Any) -> None:
    httpx.post(f"{double}/__double__/faults", json=fault).raise_for_status()


def requests(double: str, path: str = "*") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = httpx.get(f"{double}/__double__/requests", params={"path": path}).json()
    return found


FAULTS: dict[str, dict[str, Any]] = {
    "500": {"status": 500},
    "502": {"status": 502},
    "503": {"status": 503},
    "504": {"status": 504},
    "429": {"status": 429, "retry_after": 1},
    "bad_json": {"mode": "bad_json"},
    "drop": {"mode": "drop"},
    "hang": {"mode": "hang", "seconds": 3},
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_passes_is_not_seen(double: str, fault: str) -> None:
    fail(double, match="^/api/v4/projects", times=2 if fault != "hang" else 1, **FAULTS[fault])

    async def asking() -> None:
        async with opened(double) as source:
            assert (await source.get("101")).id == "101"

    asyncio.run(asking())


@pytest.mark.parametrize("fault", FAULTS)
def test_what_does_not_pass_is_unavailable(double: str, fault: str) -> None:
    fail(double, match="^/(api/v4/projects|api/v4/user|eo-lab/)", **FAULTS[fault])

    async def asking() -> None:
        questions: list[Callable[[GitlabSource], Any]] = [
            lambda source: source.get("101"),
            listed,
            lambda source: source.releases("101", BOB),
            lambda source: source.access(BOB),
            lambda source: source.star("101", BOB, True),
            lambda source: source.commit("101", "main"),
            lambda source: anext(source.tree("101", "main")),
        ]
        limits = replace(FAST, patience_s=0.5, own_patience_s=0.5)
        for question in questions if fault != "hang" else questions[:2]:
            async with opened(double, limits=limits) as source:
                with pytest.raises(Unavailable) as failed:
                    await question(source)
                assert failed.value.retry_after
                assert "double-" not in str(failed.value)

    began = time.monotonic()
    asyncio.run(asking())
    assert time.monotonic() - began < 30


@pytest.mark.parametrize("fault", ["drop", "502", "hang"])
@pytest.mark.parametrize("where", ["/raw$", "/info/lfs/", "/gitlab-lfs/objects/"], ids=["pointer", "batch", "object"])
def test_a_file_that_fails_is_never_cut_short(double: str, fault: str, where: str) -> None:
    fail(double, match=where, **FAULTS[fault])

    async def asking() -> None:
        async with opened(double) as source:
            with pytest.raises(Unavailable):
                async with source.open("101", "checkpoints/flood-unet.onnx", "main") as file:
                    _ = [chunk async for chunk in file.chunks]

    asyncio.run(asking())


def test_a_gitlab_that_was_away_is_not_waited_for_by_everyone(double: str) -> None:
    fail(double, match="^/api/v4/projects", status=503)

    async def asking() -> None:
        async with opened(double) as source:
            with pytest.raises(Unavailable):
                await source.get("101")
            before = len(requests(double, "/api/*"))
            for _ in range(20):
                with pytest.raises(Unavailable, match="a moment ago") as failed:
                    await source.get("101")
                assert 0 < (failed.value.retry_after or 0) <= FAST.away_s
            assert len(requests(double, "/api/*")) == before
            httpx.delete(f"{double}/__double__/faults")
            await asyncio.sleep(FAST.away_s)
            probes = await asyncio.gather(*(source.get("101") for _ in range(5)), return_exceptions=True)
            assert [isinstance(each, BaseException) for each in probes] == [False, True, True, True, True]
            assert (await source.get("101")).id == "101"

    asyncio.run(asking())


def test_one_project_that_fails_leaves_the_others(double: str) -> None:
    fail(double, match="/projects/101$", status=500)

    async def asking() -> None:
        async with opened(double) as source:
            with pytest.raises(Unavailable):
                await source.get("101")
            assert (await source.get("102")).id == "102"

    asyncio.run(asking())


def test_a_gitlab_that_is_not_there_is_unavailable() -> None:
    async def asking() -> None:
        async with opened(f"http://127.0.0.1:{free_port()}") as source:
            with pytest.raises(Unavailable):
                await source.get("101")
            with pytest.raises(Unavailable):
                await listed(source)

    asyncio.run(asking())


def test_the_rate_limit_is_waited_for_and_then_told(double: str) -> None:
    fail(double, match="/projects/101$", status=429, retry_after=1, times=1)
    fail(double, match="/projects/102$", status=429, retry_after=30)

    async def asking() -> None:
        async with opened(double, token="double-default-token") as source:
            began = time.monotonic()
            assert (await source.get("101")).id == "101"
            assert 0.9 < time.monotonic() - began < 2.5
            with pytest.raises(Unavailable, match="too often") as failed:
                await source.get("102")
            assert 25 < (failed.value.retry_after or 0) <= 30
            before = len(requests(double, "/api/*"))
            with pytest.raises(Unavailable, match="too often"):
                await source.get("101")
            assert len(requests(double, "/api/*")) == before
            # It is the account that must wait, not the others.
            assert (await source.get("101", BOB)).id == "101"

    asyncio.run(asking())


def test_the_limit_is_kept_before_it_is_broken(double: str) -> None:
    httpx.put(f"{double}/__double__/settings", json={"rate_limit": 3}).raise_for_status()

    async def asking() -> None:
        async with opened(double) as source:
            for _ in range(3):
                await source.get("101")
            with pytest.raises(Unavailable, match="too often"):
                await source.get("101")

    # A minute may begin in between, with calls of its own.
    if time.time() % 60 > 55:
        time.sleep(60 - time.time() % 60)
    asyncio.run(asking())
    assert 429 not in {each["status"] for each in requests(double)}


def test_no_more_is_asked_at_once_than_is_agreed(double: str) -> None:
    fail(double, match="^/api/v4/projects", latency_ms=100)

    async def asking() -> float:
        began = time.monotonic()
        async with opened(double, limits=Limits(calls=2)) as source:
            await asyncio.gather(*(source.get("101") for _ in range(8)))
        return time.monotonic() - began

    assert asyncio.run(asking()) > 0.35


# ---- against answers that nobody should trust


PROJECT = {"id": 7, "path_with_namespace": "eo-lab/model", "default_branch": "main", "topics": ["sharinghub:aimodel"]}
OID = "a" * 64
POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{OID}\nsize 5\n".encode()


def pointer() -> httpx.Response:
    return told(POINTER, X_Gitlab_Blob_Id="b" * 40, Content_Length=str(len(POINTER)))


def batch(href: str, header: dict[str, str] | None = None) -> httpx.Response:
    action = {"href": href, "header": header or {}}
    return told({"objects": [{"oid": OID, "size": 5, "actions": {"download": action}}]})


def lfs(place: httpx.Response, object_: Callable[[httpx.Request], httpx.Response]) -> Answers:
    """Return a GitLab with one large file."""

    def answers(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/batch"):
            return place
        if request.url.path.endswith("/raw") and "lfs" not in request.url.params:
            return pointer()
        return object_(request)

    return answers


def test_a_token_does_not_follow_to_another_place() -> None:
    place = batch(
        "https://store.test/object?signature=x",
        {"X-Signed": "yes", "Cookie": "a=b", "Host": "evil", "Authorization": f"Bearer {BOB}"},
    )

    async def reading(source: GitlabSource) -> None:
        with pytest.raises(Unavailable, match="SHA-256"):
            await read(source, token=BOB)

    asked = with_answers(reading, lfs(place, lambda _: told(b"12345", Content_Length="5")))
    assert [str(each.url.host) for each in asked] == ["gitlab.test", "gitlab.test", "store.test"]
    assert asked[0].headers["authorization"] == f"Bearer {BOB}"
    assert asked[1].headers["authorization"].startswith("Basic ")
    assert asked[2].headers["x-signed"] == "yes"
    assert asked[2].headers["host"] == "store.test"
    assert not {"authorization", "cookie", "private-token"} & set(asked[2].headers)


@pytest.mark.parametrize(
    "location",
    [
        "https://evil.test/x",
        "http://gitlab.test/x",
        "https://gitlab.test:444/x",
        "//evil.test/x",
        "/elsewhere",
    ],
)
def test_a_redirect_of_a_file_takes_no_token_along(location: str) -> None:
    def answers(request: httpx.Request) -> httpx.Response:
        if "lfs" in request.url.params:
            return told(b"", 302, Location=location)
        return told(b"12345", Content_Length="5")

    async def reading(source: GitlabSource) -> None:
        with pytest.raises(Unavailable, match="SHA-256"):
            await read(source, token=BOB)

    asked = with_answers(reading, lfs(told({}, 403), answers))
    assert len(asked) == 4
    assert [("authorization" in each.headers) for each in asked] == [True, True, True, False]


@pytest.mark.parametrize(
    "href",
    [
        "file:///etc/passwd",
        "ftp://store.test/x",
        "//[",
        "http://[::1",
        "javascript:1",
        "",
        "http://a b",
        "https://gitlab.test@evil.test/",
        "https://x:y@evil.test/",
    ],
)
def test_an_address_that_is_none_is_not_opened(href: str) -> None:
    async def reading(source: GitlabSource) -> None:
        with pytest.raises((Unavailable, NotFound)):
            await read(source)

    asked = with_answers(reading, lfs(batch(href), lambda _: told({}, 404)))
    assert {each.url.host for each in asked} <= {"gitlab.test"}


@pytest.mark.parametrize(
    ("location", "asks"),
    [
        ("https://evil.test/api/v4/projects/9", ["/api/v4/projects/eo-lab%2Fold", "/api/v4/projects/9"]),
        ("https://evil.test/api/v4/projects/..%2Fuser", ["/api/v4/projects/eo-lab%2Fold"]),
        ("https://evil.test/x", ["/api/v4/projects/eo-lab%2Fold"]),
        ("https://gitlab.test/users/sign_in", ["/api/v4/projects/eo-lab%2Fold"]),
        ("http://[", ["/api/v4/projects/eo-lab%2Fold"]),
        ("", ["/api/v4/projects/eo-lab%2Fold"]),
    ],
)
def test_a_project_that_moved_is_followed_within_gitlab_alone(location: str, asks: list[str]) -> None:
    def answers(request: httpx.Request) -> httpx.Response:
        return told({}, 301, Location=location) if b"old" in request.url.raw_path else told(PROJECT)

    async def getting(source: GitlabSource) -> None:
        if len(asks) == 2:
            assert (await source.get("eo-lab/old", BOB)).id == "7"
        else:
            with pytest.raises(Unavailable):
                await source.get("eo-lab/old", BOB)

    asked = with_answers(getting, answers)
    assert [each.url.raw_path.decode().partition("?")[0] for each in asked] == asks
    assert {each.url.host for each in asked} == {"gitlab.test"}


def test_redirects_in_a_circle_end() -> None:
    places = iter(range(100, 200))

    async def getting(source: GitlabSource) -> None:
        with pytest.raises(Unavailable, match="circle"):
            await source.get("1")

    def answers(_request: httpx.Request) -> httpx.Response:
        return told({}, 301, Location=f"/api/v4/projects/{next(places)}")

    assert len(with_answers(getting, answers)) == 4


def test_pages_lead_on_within_gitlab_and_end() -> None:
    """The next page's address is another's: its host, path and token are not taken, and a circle is seen."""
    link = '<https://evil.test/steal?private_token=x&id_after=7>; rel="next"'

    async def listing(source: GitlabSource) -> None:
        with pytest.raises(Unavailable, match="circle"):
            await listed(source)

    asked = with_answers(listing, lambda _: told([PROJECT], Link=link))
    assert {each.url.host for each in asked} == {"gitlab.test"}
    assert asked[1].url.params["id_after"] == "7"
    assert asked[1].url.params["topic"] == TOPICS[0]
    assert "private_token" not in asked[1].url.params
    assert len(asked) == 2


HOSTILE: dict[str, httpx.Response | Callable[[], httpx.Response]] = {
    "HTML": lambda: told(b"<html>maintenance</html>"),
    "empty": lambda: told(b""),
    "a list": lambda: told([]),
    "deep": lambda: told(b"[" * 100_000),
    "deep within": lambda: told(b'{"id": 1, "path_with_namespace": "a/b", "x": ' + b"[" * 100_000),
    "id is a text": lambda: told({**PROJECT, "id": "../user"}),
    "no UTF-8": lambda: told(b'{"id": 1, "path_with_namespace": "\xff"}'),
    "compressed": lambda: told(PROJECT, Content_Encoding="gzip"),
    "large": lambda: told(b'{"id": 1, "path_with_namespace": "' + b"a" * 20_000 + b'"}'),
    "teapot": lambda: told({}, 418),
    "continued": lambda: told({}, 305, Location="https://evil.test"),
}


@pytest.mark.parametrize("hostile", HOSTILE)
def test_answers_that_are_none_are_unavailable(hostile: str) -> None:
    async def getting(source: GitlabSource) -> None:
        with pytest.raises(Unavailable):
            await source.get("1")

    limits = Limits(pause_s=0.001, answer_bytes=10_000)
    with_answers(getting, lambda _: HOSTILE[hostile](), limits=limits)  # type: ignore[operator]


@pytest.mark.parametrize(
    ("value", "after"),
    [
        ("7", 7),
        ("0", 1),
        ("-3", 5),
        ("x" * 9000, 5),
        ("9" * 400, 5),
        ("", 5),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 1),
        ("٣", 5),
    ],
)
def test_any_retry_after_is_understood(value: str, after: float) -> None:
    async def getting(source: GitlabSource) -> None:
        with pytest.raises(Unavailable) as failed:
            await source.get("1")
        assert after - 0.5 < (failed.value.retry_after or 0) <= after

    header = {b"Retry-After": value.encode()}
    limits = Limits(own_patience_s=0)
    with_answers(
        getting, lambda _: httpx.Response(429, headers=list(header.items()), stream=_Bytes(b"")), limits=limits
    )


@pytest.mark.parametrize("reset", ["0", "9" * 12, "-1", "soon", "9" * 400])
def test_no_reset_keeps_one_waiting_for_long(reset: str) -> None:
    async def getting(source: GitlabSource) -> None:
        assert (await source.get("1")).id == "7"
        [second] = await asyncio.gather(source.get("1"), return_exceptions=True)
        assert not isinstance(second, Unavailable) or 0 < (second.retry_after or 0) <= 60

    with_answers(getting, lambda _: told(PROJECT, RateLimit_Remaining="0", RateLimit_Reset=reset))


@pytest.mark.parametrize(
    ("status", "body", "token", "own", "kind", "says"),
    [
        (401, {}, BOB, "", Unauthenticated, "does not take this token"),
        (401, {}, None, "double-own", Unavailable, "gitlab_token"),
        (401, {}, None, "", Unavailable, "set gitlab_token"),
        (403, {"error": "insufficient_scope"}, BOB, "", PermissionDenied, "read_api"),
        (403, {"error": "insufficient_scope"}, None, "double-own", Unavailable, "gitlab_token"),
        (403, {"message": "403 Forbidden - Your account has been blocked."}, BOB, "", Unauthenticated, "token"),
        (403, {"message": "Your account is pending approval"}, None, "double-own", Unavailable, "gitlab_token"),
        (403, {"message": "403 Forbidden"}, None, "double-own", PermissionDenied, "project '1'"),
        (404, {}, None, "", NotFound, "project '1'"),
        (410, {}, BOB, "", NotFound, "project '1'"),
    ],
)
def test_what_a_status_means(
    status: int, body: Any, token: str | None, own: str, kind: type[MainspringError], says: str
) -> None:
    async def getting(source: GitlabSource) -> None:
        with pytest.raises(kind, match=says) as refused:
            await source.get("1", token)
        assert "double-" not in str(refused.value)

    with_answers(getting, lambda _: told(body, status), token=own)


def test_a_tree_has_files_alone() -> None:
    kinds = {"a.txt": ("blob", "100644"), "run.sh": ("blob", "100755"), "link": ("blob", "120000")}
    kinds |= {"folder": ("tree", "040000"), "submodule": ("commit", "160000")}
    rows = [{"path": path, "type": kind, "mode": mode, "id": "0"} for path, (kind, mode) in kinds.items()]

    async def asking(source: GitlabSource) -> None:
        assert [[entry.path for entry in page] async for page in source.tree("1", "main")] == [["a.txt", "run.sh"]]

    with_answers(asking, lambda _: told(rows))


def test_what_fails_while_gitlab_answers_others_does_not_close_it() -> None:
    async def asking(source: GitlabSource) -> None:
        failing = asyncio.ensure_future(source.get("1"))
        await asyncio.sleep(0.03)
        assert (await source.get("2")).id == "7"
        with pytest.raises(Unavailable):
            await failing
        assert (await source.get("2")).id == "7"

    def answers(request: httpx.Request) -> httpx.Response:
        return told({}, 503) if request.url.path.endswith("/1") else told(PROJECT)

    with_answers(asking, answers, limits=Limits(pause_s=0.05))


@pytest.mark.parametrize("state", ["blocked", "deactivated", "banned", ""])
def test_an_account_that_is_not_active_is_nobodys(state: str) -> None:
    async def asking(source: GitlabSource) -> None:
        with pytest.raises(Unauthenticated, match="let 'bob' in"):
            await source.access(BOB)

    with_answers(asking, lambda _: told({"id": 3, "username": "bob", "state": state, "scopes": ["api"]}))


def test_those_who_ask_are_not_mixed_up_by_cookies() -> None:
    async def asking(source: GitlabSource) -> None:
        for token in (BOB, "double-eve"):
            await source.get("1", token)

    asked = with_answers(asking, lambda _: told(PROJECT, Set_Cookie="_gitlab_session=bob; Path=/"))
    assert len(asked) == 2
    assert not any("cookie" in request.headers for request in asked)


def test_a_gitlab_below_a_path_keeps_its_token_there() -> None:
    """What else is at that host is not GitLab."""
    place = batch("https://host.test/other/object")

    async def reading(source: GitlabSource) -> None:
        with pytest.raises(Unavailable):
            await read(source, token=BOB)

    asked = with_answers(
        reading, lfs(place, lambda _: told(b"12345", Content_Length="5")), url="https://host.test/gitlab"
    )
    assert [each.url.path.split("/")[1] for each in asked] == ["gitlab", "gitlab", "other"]
    assert "authorization" not in asked[2].headers


@pytest.mark.parametrize("total", ["5", "*"])
def test_a_part_of_a_large_file_is_asked_for(total: str) -> None:
    async def reading(source: GitlabSource) -> None:
        async with source.open("eo-lab/model", "model.onnx", "main", 1, 3) as file:
            assert (file.size, file.start, file.end) == (5, 1, 3)
            assert b"".join([chunk async for chunk in file.chunks]) == b"23"

    part = told(b"23", 206, Content_Range=f"bytes 1-2/{total}")
    asked = with_answers(reading, lfs(batch("https://store.test/x"), lambda _: part))
    assert [each.headers.get("range") for each in asked] == [None, None, "bytes=1-2"]


def test_a_file_of_another_size_is_refused() -> None:
    async def reading(source: GitlabSource) -> None:
        with pytest.raises(Unavailable, match="pointer says 5"):
            async with source.open("eo-lab/model", "model.onnx", "main", 1, 3) as file:
                assert file

    part = told(b"23", 206, Content_Range="bytes 1-2/6")
    with_answers(reading, lfs(batch("https://store.test/x"), lambda _: part))


def test_a_large_file_is_never_held_whole() -> None:
    size, piece = 64 * 1024 * 1024, bytes(64 * 1024)
    oid = hashlib.sha256(bytes(size)).hexdigest()
    content = f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {size}\n".encode()

    class Zeros(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            for _ in range(size // len(piece)):
                yield piece

    def answers(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/batch"):
            return told({}, 404)
        if "lfs" in request.url.params:
            return httpx.Response(200, stream=Zeros())
        return told(content, Content_Length=str(len(content)))

    async def reading(source: GitlabSource) -> None:
        async with source.open("eo-lab/model", "model.onnx", "main") as file:
            tracemalloc.start()
            read = sum([len(chunk) async for chunk in file.chunks])
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        assert read == size
        assert peak < 2 * 1024 * 1024

    with_answers(reading, answers)


def test_parts_that_were_not_asked_for_are_refused() -> None:
    def another(_request: httpx.Request) -> httpx.Response:
        return told(b"45", 206, Content_Range="bytes 3-4/5")

    async def reading(source: GitlabSource) -> None:
        async with source.open("eo-lab/model", "model.onnx", "main", 1, 3) as file:
            with pytest.raises(Unavailable):
                _ = [chunk async for chunk in file.chunks]

    asked = with_answers(reading, lfs(batch("https://gitlab.test/x"), another))
    assert asked[2].headers["range"] == "bytes=1-2"


def test_a_file_that_ends_early_raises() -> None:
    async def reading(source: GitlabSource) -> None:
        with pytest.raises(Unavailable, match="2000 bytes before its end"):
            await read(source)

    with_answers(reading, lambda _: told(b"x" * 3000, Content_Length="5000"))


def test_a_file_of_no_size_is_refused() -> None:
    async def reading(source: GitlabSource) -> None:
        with pytest.raises(Unavailable, match="how large"):
            await read(source)

    with_answers(reading, lambda _: told(b"x" * 3000))


def test_who_reads_a_file_for_long_keeps_no_other_from_asking() -> None:
    async def reading(source: GitlabSource) -> None:
        async with source.open("eo-lab/model", "data.csv", "main"):
            assert (await source.get("7")).id == "7"
            with pytest.raises(Unavailable, match="at once"):
                await read(source)

    def answers(request: httpx.Request) -> httpx.Response:
        return told(b"x" * 3000, Content_Length="3000") if request.url.path.endswith("/raw") else told(PROJECT)

    with_answers(reading, answers, limits=Limits(transfers=1, whole_s=0.2))
