"""Blobs in S3: bytes by obstore; uploads of parts, pages of listings and signatures with headers by botocore.

Both get the endpoint, region and keys of the environment: ``AWS_ENDPOINT_URL``, ``AWS_REGION``,
``AWS_ACCESS_KEY_ID``, ``AWS_SECRET_ACCESS_KEY``, ``AWS_SESSION_TOKEN``, …, or the role of the pod or machine.
botocore blocks, so it has threads of its own, and is loaded by the first call that needs it.
"""

import asyncio
import hashlib
import os
import posixpath
import ssl
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, partial
from typing import IO, Any, NamedTuple, TypeVar
from urllib.parse import SplitResult, urlsplit

from mainspring.engines.blobs.port import (
    BlobEntry,
    BlobMeta,
    ListPage,
    Part,
    PendingUpload,
    SignedRequest,
    check_part_number,
    check_parts,
)
from mainspring.engines.blobs.remote import RemoteBlobStore
from mainspring.engines.blobs.remote_errors import unavailable
from mainspring.kit.errors import InvalidArgument, MainspringError, NotFound, Unavailable
from mainspring.kit.paths import artifact_path


class _Option(NamedTuple):
    """What an option of the URL is called elsewhere: by obstore, in the environment, by botocore, as a header."""

    config: str
    variable: str
    parameter: str
    header: str


_SSE = "x-amz-server-side-encryption"
_OPTIONS = {
    "sse": _Option("server_side_encryption", "AWS_SERVER_SIDE_ENCRYPTION", "ServerSideEncryption", _SSE),
    "kms_key_id": _Option("sse_kms_key_id", "AWS_SSE_KMS_KEY_ID", "SSEKMSKeyId", f"{_SSE}-aws-kms-key-id"),
    "bucket_key": _Option(
        "sse_bucket_key_enabled", "AWS_SSE_BUCKET_KEY_ENABLED", "BucketKeyEnabled", f"{_SSE}-bucket-key-enabled"
    ),
    "storage_class": _Option("", "", "StorageClass", "x-amz-storage-class"),
}
_ENCRYPTIONS = ("AES256", "aws:kms", "aws:kms:dsse")
_ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
_REGIONS = ("AWS_REGION", "AWS_DEFAULT_REGION")
_TRUE = ("1", "true", "yes", "on", "y", "t")
_THREADS = 16
_PAGE = 1000
_NO_UPLOAD = {"NoSuchUpload", "NoSuchKey"}
_BAD_PARTS = {"InvalidPart", "InvalidPartOrder", "EntityTooSmall"}

T = TypeVar("T")


class S3BlobStore(RemoteBlobStore):
    """The store at ``s3://bucket/prefix?option=value``; see ``BlobStore`` for what its methods promise.

    Options: ``sse`` (AES256, aws:kms or aws:kms:dsse), ``kms_key_id``, ``bucket_key`` (true or false),
    ``storage_class``.
    """

    OPTIONS = tuple(_OPTIONS)

    def _configure(self, parts: SplitResult, options: dict[str, str]) -> dict[str, Any]:
        self._bucket, self._folder = parts.netloc, parts.path.strip("/")
        self._endpoint, self._region = _first_of(_ENDPOINTS), _first_of(_REGIONS) or "us-east-1"
        self._given = _checked(_inherited() | options)
        self._threads = ThreadPoolExecutor(_THREADS, "s3")
        if "storage_class" in self._given:
            self._attributes = {"Storage-Class": self._given["storage_class"]}
        config = {_OPTIONS[name].config: value for name, value in self._given.items() if _OPTIONS[name].config}
        config["region"] = self._region
        if self._endpoint:
            config["endpoint"] = self._endpoint
        if not (self._endpoint or "").startswith("http://"):
            # TLS vouches for the bytes already; over plain HTTP their hash in the signature does.
            config["unsigned_payload"] = os.environ.get("AWS_UNSIGNED_PAYLOAD", "true")
        return config

    async def sign_put(self, path: str, expires_s: int) -> SignedRequest:
        url = await self._presigned("put_object", path, expires_s, **self._parameters())
        headers = {_OPTIONS[name].header: value for name, value in self._given.items()}
        return SignedRequest("PUT", url, headers)

    async def create_multipart(self, path: str) -> str:
        created = await self._call("create_multipart_upload", Key=self._key(path), **self._parameters())
        return str(created["UploadId"])

    async def sign_part(self, path: str, upload_id: str, number: int, expires_s: int) -> SignedRequest:
        check_part_number(number)
        url = await self._presigned("upload_part", path, expires_s, UploadId=upload_id, PartNumber=number)
        return SignedRequest("PUT", url, {})

    async def put_part(self, path: str, upload_id: str, number: int, chunks: AsyncIterator[bytes]) -> Part:
        check_part_number(number)
        key = self._key(path)
        # S3 wants to know the length first, and a part may be larger than memory.
        with tempfile.TemporaryFile() as spool:
            size = await self._spool(chunks, spool)
            spool.seek(0)
            stored = await self._call("upload_part", Key=key, UploadId=upload_id, PartNumber=number, Body=spool)
        return Part(number, stored["ETag"], size)

    async def list_parts(self, path: str, upload_id: str) -> list[Part]:
        pages = self._pages("list_parts", Key=self._key(path), UploadId=upload_id)
        found = [part async for page in pages for part in page.get("Parts", ())]
        return [Part(part["PartNumber"], part["ETag"], part["Size"]) for part in found]

    async def complete_multipart(self, path: str, upload_id: str, parts: Sequence[Part]) -> BlobMeta:
        ordered = check_parts(parts)
        joined = {"Parts": [{"PartNumber": part.number, "ETag": part.etag} for part in ordered]}
        upload = {"Key": self._key(path), "UploadId": upload_id, "MultipartUpload": joined}
        try:
            done = await self._call("complete_multipart_upload", **upload)
        except (NotFound, Unavailable):
            if found := await self._published(path, ordered):
                return found
            await self.list_parts(path, upload_id)  # NotFound: of no such upload some stores say that they failed
            raise
        found, told = await self.head(path), done["ETag"].strip('"')
        etag = f'"{told}"' if told else _joined_etag(ordered)  # Ceph does not tell it
        if found.etag == etag:
            return found
        return BlobMeta(path, sum(part.size for part in ordered), found.modified, etag)  # it was replaced meanwhile

    async def abort_multipart(self, path: str, upload_id: str) -> None:
        try:
            await self._call("abort_multipart_upload", Key=self._key(path), UploadId=upload_id)
        except NotFound:
            return

    async def list_multiparts(self) -> AsyncIterator[PendingUpload]:
        prefix = f"{self._folder}/" if self._folder else ""
        async for page in self._pages("list_multipart_uploads", Prefix=prefix):
            for upload in page.get("Uploads", ()):
                started = int(upload["Initiated"].timestamp() * 1000)
                yield PendingUpload(upload["Key"].removeprefix(prefix), upload["UploadId"], started)

    async def list_page(self, folder: str, after: str | None, limit: int) -> ListPage:
        prefix = f"{self._key(folder)}/" if folder else f"{self._folder}/" if self._folder else ""
        entries: list[BlobEntry] = []
        while True:
            more = {"ContinuationToken": after} if after else {}
            size = min(_PAGE, limit - len(entries))
            page = await self._call("list_objects_v2", Prefix=prefix, Delimiter="/", MaxKeys=size, **more)
            entries += _entries(page, prefix, folder)
            after = page.get("NextContinuationToken")
            if after is None or len(entries) >= limit:
                return ListPage(entries, after)

    async def close(self) -> None:
        self._threads.shutdown(wait=False)
        await super().close()

    async def _published(self, path: str, parts: Sequence[Part]) -> BlobMeta | None:
        """Return what a completion has made of these parts, known by the ETag that S3 derives from theirs."""
        try:
            found = await self.head(path)
        except NotFound:
            return None
        return found if found.etag == _joined_etag(parts) else None

    def _key(self, path: str) -> str:
        return posixpath.join(self._folder, artifact_path(path))

    def _parameters(self) -> dict[str, Any]:
        given: dict[str, Any] = {_OPTIONS[name].parameter: value for name, value in self._given.items()}
        if "BucketKeyEnabled" in given:
            given["BucketKeyEnabled"] = given["BucketKeyEnabled"] == "true"
        return given

    async def _spool(self, chunks: AsyncIterator[bytes], spool: IO[bytes]) -> int:
        """Write all of ``chunks`` to a temporary file and return how many bytes they are."""
        try:
            async for chunk in chunks:
                await asyncio.to_thread(spool.write, chunk)
        except OSError as error:
            raise Unavailable(f"The folder for temporary files cannot hold a part: {error.strerror}.") from error
        return spool.tell()

    async def _presigned(self, operation: str, path: str, expires_s: int, **arguments: Any) -> str:
        parameters = {"Bucket": self._bucket, "Key": self._key(path), **arguments}
        return await self._run(lambda: self._client.generate_presigned_url(operation, parameters, expires_s))

    async def _call(self, operation: str, **arguments: Any) -> dict[str, Any]:
        return await self._run(lambda: getattr(self._client, operation)(Bucket=self._bucket, **arguments))

    async def _pages(self, operation: str, **arguments: Any) -> AsyncIterator[dict[str, Any]]:
        pages = await self._run(
            lambda: iter(self._client.get_paginator(operation).paginate(Bucket=self._bucket, **arguments))
        )
        while (page := await self._run(partial(next, pages, None))) is not None:
            yield page

    async def _run(self, call: Callable[[], T]) -> T:
        """Return what ``call`` does in a thread, with botocore's errors as ours."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._reporting_call, call)

    def _reporting_call(self, call: Callable[[], T]) -> T:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return call()
        except ClientError as error:
            raise self._refusal(error.response.get("Error", {})) from error
        except BotoCoreError as error:
            raise unavailable(self.url, str(error)) from error

    def _refusal(self, error: Mapping[str, str]) -> MainspringError:
        code = error.get("Code", "no code")
        said = f"{code} {error.get('Message') or ''}".strip()
        if code in _NO_UPLOAD:
            return NotFound(f"The artifact store '{self.url}' has no such upload: begin a new one.")
        if code == "InvalidArgument" and "token" in said:
            return InvalidArgument(f"The page of a listing is asked for with what no page before has told: {said}.")
        if code in _BAD_PARTS:
            return InvalidArgument(f"The parts cannot be joined: {said}.", field="parts")
        return unavailable(self.url, said)

    @cached_property
    def _client(self) -> Any:
        from botocore.config import Config
        from botocore.session import Session

        virtual = os.environ.get("AWS_VIRTUAL_HOSTED_STYLE_REQUEST", "").lower() in _TRUE
        settings = Config(
            signature_version="s3v4",
            s3={"addressing_style": "virtual" if virtual else "path", "us_east_1_regional_endpoint": "regional"},
            connect_timeout=5,
            read_timeout=60,
            retries={"mode": "standard", "max_attempts": 4},
            max_pool_connections=_THREADS,
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )
        return Session().create_client(
            "s3",
            region_name=self._region,
            endpoint_url=_without_bucket(self._endpoint, self._bucket) if virtual else self._endpoint,
            verify=ssl.get_default_verify_paths().cafile,
            config=settings,
        )


def _first_of(names: Sequence[str]) -> str | None:
    """Return the first of these variables that is set."""
    return next((os.environ[name] for name in names if os.environ.get(name)), None)


def _inherited() -> dict[str, str]:
    """Return the options that the environment gives: obstore would follow them anyway."""
    return {name: os.environ[option.variable] for name, option in _OPTIONS.items() if os.environ.get(option.variable)}


def _checked(options: dict[str, str]) -> dict[str, str]:
    """Return the options. Raises InvalidArgument for values that S3 has not, or not together."""
    sse, bucket_key = options.get("sse"), options.get("bucket_key", "false")
    if sse is not None and sse not in _ENCRYPTIONS:
        raise InvalidArgument(f"sse is '{sse}'; it must be one of {', '.join(_ENCRYPTIONS)}.", field="artifacts_url")
    if bucket_key not in ("true", "false"):
        raise InvalidArgument(f"bucket_key is '{bucket_key}'; it must be true or false.", field="artifacts_url")
    if ("kms_key_id" in options or "bucket_key" in options) and not (sse or "").startswith("aws:kms"):
        raise InvalidArgument("kms_key_id and bucket_key need sse=aws:kms or sse=aws:kms:dsse.", field="artifacts_url")
    return options


def _without_bucket(endpoint: str | None, bucket: str) -> str | None:
    """Return the endpoint that botocore wants: it puts the bucket before the host itself, obstore does not."""
    if endpoint is None:
        return None
    parts = urlsplit(endpoint)
    return parts._replace(netloc=parts.netloc.removeprefix(f"{bucket}.")).geturl()


def _entries(page: Mapping[str, Any], prefix: str, folder: str) -> list[BlobEntry]:
    """Return the lines of a page in its order; placeholders of folders, as some tools leave, are none."""
    folders = {found["Prefix"]: None for found in page.get("CommonPrefixes", ())}
    places = folders | {found["Key"]: found for found in page.get("Contents", ()) if found["Key"] != prefix}
    entries = []
    for place in sorted(places):
        path, found = posixpath.join(folder, place.removeprefix(prefix).rstrip("/")), places[place]
        entries.append(BlobEntry(path, False, found["Size"], found["ETag"]) if found else BlobEntry(path, True, None))
    return entries


def _joined_etag(parts: Sequence[Part]) -> str:
    digests = [part.etag.strip('"') for part in parts]
    try:
        joined = hashlib.md5(b"".join(map(bytes.fromhex, digests)), usedforsecurity=False)
    except ValueError:  # not hexadecimal: not S3's
        return ""
    return f'"{joined.hexdigest()}-{len(parts)}"'
