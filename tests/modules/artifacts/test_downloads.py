"""Answers to requests for a file, as RFC 9110 has them: ranges (14), preconditions (13), and one with the other."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from mainspring.kit.actors import LOCAL
from mainspring.modules.artifacts import service
from mainspring.modules.services import Services

RUN = "mlflow-artifacts:/7/r/artifacts"
DIGITS = b"0123456789"


async def chunks(data: bytes) -> AsyncIterator[bytes]:
    if data:
        yield data


def ask(services: Services, data: bytes, **headers: str | bool) -> tuple[int, dict[str, str], bytes, str]:
    """Return status, headers and bytes of the answer, and the file's ETag, which ``TAG`` in the request stands for."""

    async def scenario() -> tuple[int, dict[str, str], bytes, str]:
        await service.put_artifact(services, LOCAL, RUN, "f", chunks(data))
        etag = (await service.head_artifact(services.blobs, LOCAL, RUN, "f")).etag
        asked = {name: text.replace("TAG", etag) if isinstance(text, str) else text for name, text in headers.items()}
        answer = await service.download_artifact(services.blobs, LOCAL, RUN, "f", **asked)  # type: ignore[arg-type]
        body = b"".join([chunk async for chunk in answer.chunks])
        return answer.status, answer.headers, body, etag

    return asyncio.run(scenario())


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("bytes=0-0", b"0"),
        ("bytes=2-4", b"234"),
        ("bytes=7-", b"789"),
        ("bytes=-3", b"789"),
        ("bytes=-99", DIGITS),
        ("bytes=8-99", b"89"),
        ("BYTES=0-9", DIGITS),
    ],
)
def test_one_range_is_served(services: Services, asked: str, expected: bytes) -> None:
    status, headers, body, etag = ask(services, DIGITS, asked=asked)
    first = DIGITS.index(expected)
    assert (status, body) == (206, expected)
    assert headers["Content-Range"] == f"bytes {first}-{first + len(expected) - 1}/10"
    assert (headers["Content-Length"], headers["ETag"]) == (str(len(expected)), etag)


@pytest.mark.parametrize("asked", ["bytes=10-", "bytes=99-100", "bytes=-0"])
def test_what_cannot_be_served_is_told(services: Services, asked: str) -> None:
    status, headers, body, _ = ask(services, DIGITS, asked=asked)
    assert (status, headers["Content-Range"], body) == (416, "bytes */10", b"")


@pytest.mark.parametrize(
    "asked", ["bytes=4-2", "bytes=-", "bytes=", "lines=0-1", "bytes=0-1,4-5", "bytes=a-b", "bytes=+1-2", "0-1", ""]
)
def test_other_ranges_are_passed_over(services: Services, asked: str) -> None:
    status, headers, body, _ = ask(services, DIGITS, asked=asked)
    assert (status, body) == (200, DIGITS)
    assert "Content-Range" not in headers


def test_an_empty_file_has_no_first_byte_and_an_empty_end(services: Services) -> None:
    assert ask(services, b"", asked="bytes=0-")[0] == 416
    assert ask(services, b"", asked="bytes=-0")[0] == 416
    assert ask(services, b"", asked="bytes=-5")[0] == 200


@pytest.mark.parametrize("head", [False, True])
@pytest.mark.parametrize(
    ("known", "status"),
    [
        ("TAG", 304),
        ("W/TAG", 304),
        ('"other", TAG', 304),
        ('"other",W/TAG , "more"', 304),
        ("*", 304),
        ('"other"', 200),
        ('W/"other"', 200),
        ('"a, b"', 200),
        ("nonsense", 200),
    ],
)
def test_who_has_the_file_is_told_so(services: Services, known: str, status: int, head: bool) -> None:
    answered, headers, body, etag = ask(services, DIGITS, known=known, head=head)
    assert (answered, headers["ETag"]) == (status, etag)
    assert body == (DIGITS if status == 200 and not head else b"")


def test_a_precondition_goes_before_the_range(services: Services) -> None:
    assert ask(services, DIGITS, known="TAG", asked="bytes=0-1")[0] == 304
    assert ask(services, DIGITS, known='"other"', asked="bytes=0-1")[0] == 206
    assert ask(services, DIGITS, known="TAG", asked="bytes=99-")[0] == 304


@pytest.mark.parametrize(
    ("same", "status"),
    [
        ("TAG", 206),
        ("W/TAG", 200),
        ('"other"', 200),
        ("Sat, 21 Nov 2026 03:00:00 GMT", 200),
        ("nonsense", 200),
    ],
)
def test_a_range_of_another_file_is_answered_with_the_whole(services: Services, same: str, status: int) -> None:
    answered, headers, body, _ = ask(services, DIGITS, same=same, asked="bytes=2-3")
    assert (answered, body) == (status, b"23" if status == 206 else DIGITS)
    assert headers["Content-Length"] == str(len(body))
    assert ask(services, DIGITS, same=same, asked="bytes=99-")[0] == (416 if status == 206 else 200)
    assert ask(services, DIGITS, same=same)[0] == 200


def test_a_head_is_a_get_without_the_bytes_and_without_ranges(services: Services) -> None:
    status, headers, body, _ = ask(services, DIGITS, head=True, asked="bytes=0-1")
    assert (status, body, headers["Content-Length"], headers["Accept-Ranges"]) == (200, b"", "10", "bytes")
    whole = ask(services, DIGITS)
    assert set(whole[1]) == set(headers)
