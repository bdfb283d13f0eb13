"""Signed URLs of this server: they allow what they say, as long as they say, and nothing else."""

import asyncio
import time
from collections.abc import AsyncIterator
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import update

from mainspring.kit.actors import LOCAL
from mainspring.kit.errors import InvalidArgument, PermissionDenied
from mainspring.modules.artifacts import service
from mainspring.modules.artifacts.schemas import SignedUrl
from mainspring.modules.artifacts.tables import signing_keys
from mainspring.modules.services import Services

RUN = "mlflow-artifacts:/7/r/artifacts"
ORIGIN = "http://here:5000"


async def chunks(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


def taken_apart(signed: SignedUrl) -> tuple[str, str, dict[str, str]]:
    """Return method, the store's path and the fields of a signed request."""
    url = urlsplit(signed.url)
    assert f"{url.scheme}://{url.netloc}" == ORIGIN
    return signed.method, unquote(url.path.removeprefix(f"{service.TRANSFERS}/")), dict(parse_qsl(url.query))


async def allows(services: Services, method: str, path: str, fields: dict[str, str]) -> bool:
    try:
        await service.check_capability(services, method, path, list(fields.items()))
    except PermissionDenied:
        return False
    return True


async def sign_all(services: Services) -> list[SignedUrl]:
    """Sign one of each: a download, an upload, two parts of each of two uploads of one path."""
    uploads = [await service.begin_multipart(services, LOCAL, RUN, "f") for _ in range(2)]
    parts = [await service.sign_parts(services, ORIGIN, upload, [1, 2], 60) for upload in uploads]
    whole = [
        await sign(services, ORIGIN, "7/r/artifacts/f", 60) for sign in (service.sign_download, service.sign_upload)
    ]
    return [*whole, *parts[0], *parts[1]]


def test_each_allows_itself_alone(services: Services) -> None:
    async def scenario() -> None:
        requests = [taken_apart(each) for each in await sign_all(services)]
        for number, (method, path, fields) in enumerate(requests):
            assert await allows(services, method, path, fields)
            assert await allows(services, "HEAD", path, fields) is (method == "GET")
            for other, (_, _, theirs) in enumerate(requests):
                mixed = theirs | {"signature": fields["signature"]}
                assert await allows(services, method, path, mixed) is (number == other or mixed == fields)
            for wrong in ("7/r/artifacts/f2", "7/r/artifacts", "8/r/artifacts/f", "7/r/artifacts/F", ""):
                assert not await allows(services, method, wrong, fields)
            for name in ("PUT", "GET", "POST", "DELETE", "put"):
                assert await allows(services, name, path, fields) is (name == method)

    asyncio.run(scenario())


CHANGES = st.sampled_from(["0", "1", "2", "-1", "99999999999", "", " 1", "1.0", "٣", "x" * 70, "é", "0" * 64])


@pytest.mark.parametrize("name", ["expires", "upload_id", "part_number", "signature", "more"])
def test_a_changed_field_is_noticed(services: Services, name: str) -> None:
    async def sign() -> SignedUrl:
        upload = await service.begin_multipart(services, LOCAL, RUN, "f")
        [signed] = await service.sign_parts(services, ORIGIN, upload, [7], 60)
        return signed

    method, path, fields = taken_apart(asyncio.run(sign()))
    text = fields.pop(name, "")

    @settings(max_examples=60, deadline=None)
    @given(CHANGES | st.text(max_size=5) | st.just(text.upper()) | st.just(text[:-1]))
    def test(value: str) -> None:
        if value != text:
            assert not asyncio.run(allows(services, method, path, fields | {name: value}))

    test()
    assert asyncio.run(allows(services, method, path, fields)) is (name == "more")


def test_time_ends(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        signed = await service.sign_download(services, ORIGIN, "7/r/artifacts/f", 60)
        assert 55_000 < signed.expires_at - time.time() * 1000 <= 60_000
        method, path, fields = taken_apart(signed)
        now = time.time()
        monkeypatch.setattr(time, "time", lambda: now + 58)
        assert await allows(services, method, path, fields)
        monkeypatch.setattr(time, "time", lambda: now + 61)
        with pytest.raises(PermissionDenied, match="ask for a new one"):
            await service.check_capability(services, method, path, list(fields.items()))

    asyncio.run(scenario())


def test_another_key_is_another_server(services: Services) -> None:
    async def scenario() -> None:
        method, path, fields = taken_apart(await service.sign_download(services, ORIGIN, "7/r/artifacts/f", 60))
        assert await allows(services, method, path, fields)
        with services.db.write_engine.begin() as tx:
            tx.execute(update(signing_keys).values(key=bytes(32)))
        assert not await allows(services, method, path, fields)

    asyncio.run(scenario())


def test_every_database_has_a_key_of_its_own(both: Services) -> None:
    with both.db.read_engine.connect() as tx:
        [key] = tx.execute(signing_keys.select()).all()
    assert len(key.key) == 32
    assert len(set(key.key)) > 10


@pytest.mark.parametrize("expires_s", [0, -1, 7 * 24 * 3600 + 1, 10**30])
def test_no_url_lives_for_ever(services: Services, expires_s: int) -> None:
    async def scenario() -> None:
        upload = await service.begin_multipart(services, LOCAL, RUN, "f")
        for call in (
            service.sign_download(services, ORIGIN, "7/f", expires_s),
            service.sign_upload(services, ORIGIN, "7/f", expires_s),
            service.sign_parts(services, ORIGIN, upload, [1], expires_s),
        ):
            with pytest.raises(InvalidArgument, match="1 to 604800 seconds"):
                await call

    asyncio.run(scenario())


@pytest.mark.parametrize("path", ["../x", "/etc/passwd", "a/../../x", "%2e%2e/x", "a\\b", "a\0b", "", "C:/x"])
def test_what_leads_out_is_not_signed(services: Services, path: str) -> None:
    async def scenario() -> None:
        for sign in (service.sign_download, service.sign_upload):
            with pytest.raises(InvalidArgument):
                await sign(services, ORIGIN, path, 60)

    asyncio.run(scenario())


def test_any_name_comes_through_the_url(services: Services) -> None:
    async def scenario() -> None:
        for name in ("a b", "a%20b", "100%", "ü/ß?&=;+", "~'()*!$,:@"):
            signed = await service.sign_download(services, ORIGIN, f"7/{name}", 60)
            assert signed.url.isascii()
            method, path, fields = taken_apart(signed)
            assert path == f"7/{name}"
            assert await allows(services, method, path, fields)

    asyncio.run(scenario())
