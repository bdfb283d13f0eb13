"""Signed URLs: requests that need no credentials, at the store itself or, where it has no such thing, at this server.

A URL of this server is a capability: it carries what it allows (one method, one path, one part of one upload)
until when, and an HMAC-SHA256 of that under a key that all processes share through the database. Such a URL
is a secret as long as it is valid: the query, which holds the signature, is never logged.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlencode

import msgspec
from sqlalchemy import Connection

from mainspring.engines.blobs import SignedRequest
from mainspring.kit.errors import InvalidArgument, PermissionDenied
from mainspring.kit.paths import artifact_path
from mainspring.modules.artifacts import store as records
from mainspring.modules.artifacts.schemas import SignedUrl
from mainspring.modules.artifacts.store import UploadRecord
from mainspring.modules.services import Services

TRANSFERS = "/api/v1/transfers"
MAX_EXPIRES_S = 7 * 24 * 3600
"""As long as Amazon S3 lets a signed URL live."""

SAME_S = 300
"""For so long URLs of a list are the same: what holds them is known by whoever has it."""


@dataclass(frozen=True, slots=True)
class Capability:
    """What a signed URL allows: GET (HEAD too) or PUT of the store's ``path`` before ``expires`` (s since the epoch).

    With ``upload_id`` it is a part of that upload, or the file of one without parts.
    """

    method: str
    path: str
    expires: int
    upload_id: str = ""
    part_number: int = 0


def goes_direct(services: Services) -> bool:
    """Return whether clients are sent to the store itself."""
    return services.blobs.direct and services.settings.direct_transfers


async def sign_download(services: Services, origin: str, path: str, expires_s: int) -> SignedUrl:
    """Return a request that reads the file at the store's ``path``.

    ``origin`` is the scheme and host by which the client calls this server.
    """
    expires = _expires(expires_s)
    if goes_direct(services):
        return _at_store(await services.blobs.sign_get(path, expires_s), expires)
    [signed] = await _at_server(services, origin, [Capability("GET", path, expires)])
    return signed


def download_signer(tx: Connection, expires_s: int) -> Callable[[str], str]:
    """Return what signs reads of the store's paths at this server: path and query of a URL that needs its origin.

    It is for lists of many files, which are signed without another question to the database or the store. URLs are
    good for a while longer, so that for as long they stay the same.
    """
    key, expires = records.select_signing_key(tx), -(-_expires(expires_s) // SAME_S) * SAME_S

    def sign(path: str) -> str:
        return _path_and_query(key, Capability("GET", artifact_path(path), expires))

    return sign


def signing_key(tx: Connection) -> bytes:
    """Return the key that all processes of this database sign with, for others that sign what they say."""
    return records.select_signing_key(tx)


async def sign_upload(services: Services, origin: str, path: str, expires_s: int) -> SignedUrl:
    """Return a request whose body becomes the file at the store's ``path``."""
    expires = _expires(expires_s)
    if goes_direct(services):
        return _at_store(await services.blobs.sign_put(path, expires_s), expires)
    [signed] = await _at_server(services, origin, [Capability("PUT", path, expires)])
    return signed


async def sign_parts(
    services: Services, origin: str, upload: UploadRecord, numbers: Sequence[int], expires_s: int
) -> list[SignedUrl]:
    """Return the requests that put these parts of an upload, or the whole file where it has no parts."""
    expires = _expires(expires_s)
    path, multipart_id, blobs = upload.path, upload.multipart_id, services.blobs
    if not goes_direct(services):
        return await _at_server(services, origin, [Capability("PUT", path, expires, upload.id, n) for n in numbers])
    if multipart_id is None:
        return [_at_store(await blobs.sign_put(path, expires_s), expires) for _ in numbers]
    return [_at_store(await blobs.sign_part(path, multipart_id, number, expires_s), expires) for number in numbers]


async def check_capability(services: Services, method: str, path: str, fields: Sequence[tuple[str, str]]) -> Capability:
    """Return what a signed URL of this server allows. PermissionDenied if it was not signed so, or its time is over.

    ``fields`` are those of its query.
    """
    given = dict(fields)
    signature = given.pop("signature", "")
    key = await services.db.read(records.select_signing_key)
    claimed = _claimed("GET" if method == "HEAD" else method, path, given)
    if claimed is None or not hmac.compare_digest(_signature(key, claimed).encode(), signature.encode()):
        raise PermissionDenied("This signed URL does not allow this request: its signature does not fit.")
    if claimed.expires <= time.time():
        raise PermissionDenied("The time of this signed URL is over: ask for a new one.")
    return claimed


async def _at_server(services: Services, origin: str, allowed: Sequence[Capability]) -> list[SignedUrl]:
    for each in allowed:
        artifact_path(each.path)
    key = await services.db.read(records.select_signing_key)
    return [
        SignedUrl(each.method, f"{origin}{_path_and_query(key, each)}", {}, each.expires * 1000, direct=False)
        for each in allowed
    ]


def _at_store(request: SignedRequest, expires: int) -> SignedUrl:
    return SignedUrl(request.method, request.url, request.headers, expires * 1000, direct=True)


def _path_and_query(key: bytes, allowed: Capability) -> str:
    fields = {"expires": allowed.expires, "upload_id": allowed.upload_id, "part_number": allowed.part_number}
    given = {name: value for name, value in fields.items() if value}
    query = urlencode(given | {"signature": _signature(key, allowed)})
    return f"{TRANSFERS}/{quote(allowed.path, safe='/')}?{query}"


def _claimed(method: str, path: str, fields: dict[str, str]) -> Capability | None:
    """Return what a URL claims to allow, or None where it is not of our making."""
    expires, part = fields.pop("expires", ""), fields.pop("part_number", "0")
    upload_id = fields.pop("upload_id", "")
    if fields or not all(re.fullmatch(r"\d{1,12}", number, re.ASCII) for number in (expires, part)):
        return None
    return Capability(method, path, int(expires), upload_id, int(part))


def _signature(key: bytes, allowed: Capability) -> str:
    message = [allowed.method, allowed.path, allowed.expires, allowed.upload_id, allowed.part_number]
    return hmac.digest(key, msgspec.json.encode(message), hashlib.sha256).hex()


def _expires(expires_s: int) -> int:
    """Return when what is signed now for so long ends, in s since the epoch."""
    if not 1 <= expires_s <= MAX_EXPIRES_S:
        raise InvalidArgument(
            f"The expiration is {expires_s}; it must be 1 to {MAX_EXPIRES_S} seconds.", field="expiration"
        )
    return int(time.time()) + expires_s
