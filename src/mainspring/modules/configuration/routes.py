"""``/api/v1`` of configuration documents, secrets, and the keys that they are encrypted by."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from litestar import Request, Response, delete, get, patch, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, HeaderParameter, JSONBody, QueryParameter
from litestar.response import Stream

from mainspring.db.engine import Database
from mainspring.kit.actors import Actor
from mainspring.kit.errors import InvalidArgument
from mainspring.kit.http import stopping_of
from mainspring.kit.permissions import Permission, needs
from mainspring.modules.configuration import service
from mainspring.modules.configuration.schemas import (
    Difference,
    Document,
    Documents,
    DocumentSchema,
    DocumentSchemaUpdate,
    DocumentUpdate,
    DocumentVersions,
    EffectiveDocument,
    EncryptionKey,
    EncryptionKeys,
    Environment,
    Rewrapped,
    RewrapStep,
    Rollback,
    Secret,
    SecretReveal,
    Secrets,
    SecretUpdate,
    SecretValue,
    SecretVersions,
    SecretWrite,
)
from mainspring.modules.configuration.service import Asking, Changes, Level
from mainspring.modules.services import Services

READ, WRITE = needs(Permission.CONFIGURATION_READ), needs(Permission.CONFIGURATION_WRITE)
READ_SECRETS, WRITE_SECRETS = needs(Permission.SECRETS_READ), needs(Permission.SECRETS_WRITE)
INSTANCE = needs(Permission.INSTANCE_MANAGE)
Db = NamedDependency[Database]
Who = NamedDependency[Actor]
Host = NamedDependency[Services]
AnyRequest = Request[Any, Any, Any]
InEnvironment = Annotated[
    Environment | None, QueryParameter(name="environment", description="Left out: what the project has for all.")
]
OfInstance = Annotated[bool, QueryParameter(name="instance", description="Whether the instance's document is meant.")]
IfMatch = Annotated[
    str | None, HeaderParameter(name="If-Match", description='The ETag of the newest version, such as "3".')
]
MaxResults = Annotated[int, QueryParameter(description="How many at most.")]
PageToken = Annotated[str | None, QueryParameter(description="The `next_page_token` of the page before.")]
After = Annotated[int | None, QueryParameter(ge=0, le=2**63 - 1, description="The revision that is known already.")]
Wait = Annotated[float, QueryParameter(ge=0, le=60, description="Seconds to wait for another one, 60 at most.")]
Message = Annotated[str, QueryParameter(description="Why it is deleted.")]
FromVersion = Annotated[int, QueryParameter(description="The version before.")]
ToVersion = Annotated[int | None, QueryParameter(description="The version after; left out: the newest.")]
CONFIG = "/api/v1/config"
DOCUMENT = f"{CONFIG}/{{name:str}}"
SECRETS = "/api/v1/secrets"
SECRET = f"{SECRETS}/{{environment:str}}/{{name:str}}"
KEYS = "/api/v1/encryption-keys"
NEVER_STORED = {"Cache-Control": "no-store"}


@get(CONFIG, opt=READ)
async def list_configuration(
    db: Db, actor: Who, max_results: MaxResults = 100, page_token: PageToken = None
) -> Documents:
    """List the documents of the project and of the instance, without their values."""
    page = await db.read(service.list_documents, actor, max_results, page_token)
    return Documents(page.items, page.next_page_token)


@get(DOCUMENT, opt=READ)
async def get_configuration(
    db: Db, actor: Who, name: FromPath[str], environment: InEnvironment = None, instance: OfInstance = False
) -> Response[Document]:
    """Get a document as it stands at one level. Its ETag is its version."""
    return _tagged(await db.read(service.get_document, actor, name, Level(environment, instance)))


@put(DOCUMENT, opt=WRITE)
async def set_configuration(
    db: Db,
    actor: Who,
    name: FromPath[str],
    data: JSONBody[DocumentUpdate],
    environment: InEnvironment = None,
    instance: OfInstance = False,
    if_match: IfMatch = None,
) -> Response[Document]:
    """Write the next version of a document."""
    data.expected_version = _expected(if_match, data.expected_version)
    return _tagged(await db.write(service.set_document, actor, name, Level(environment, instance), data))


@delete(DOCUMENT, opt=WRITE)
async def delete_configuration(
    db: Db,
    actor: Who,
    name: FromPath[str],
    environment: InEnvironment = None,
    instance: OfInstance = False,
    message: Message = "",
    if_match: IfMatch = None,
) -> None:
    """Delete a document; its versions stay, and a rollback brings it back."""
    level = Level(environment, instance)
    await db.write(service.delete_document, actor, name, level, message, _expected(if_match, None))


@get(f"{DOCUMENT}/versions", opt=READ)
async def list_configuration_versions(
    db: Db,
    actor: Who,
    name: FromPath[str],
    environment: InEnvironment = None,
    instance: OfInstance = False,
    max_results: MaxResults = 100,
    page_token: PageToken = None,
) -> DocumentVersions:
    """List the versions of a document, newest first."""
    level = Level(environment, instance)
    page = await db.read(service.list_versions, actor, name, level, max_results, page_token)
    return DocumentVersions(page.items, page.next_page_token)


@get(f"{DOCUMENT}/versions/{{version:int}}", opt=READ)
async def get_configuration_version(
    db: Db,
    actor: Who,
    name: FromPath[str],
    version: FromPath[int],
    environment: InEnvironment = None,
    instance: OfInstance = False,
) -> Document:
    """Get a version of a document."""
    return await db.read(service.get_document, actor, name, Level(environment, instance), version)


@get(f"{DOCUMENT}/diff", opt=READ)
async def diff_configuration(
    db: Db,
    actor: Who,
    name: FromPath[str],
    from_version: FromVersion,
    to_version: ToVersion = None,
    environment: InEnvironment = None,
    instance: OfInstance = False,
) -> Difference:
    """Get what changed between two versions; the second is the newest unless told."""
    level = Level(environment, instance)
    return await db.read(service.diff_document, actor, name, level, from_version, to_version)


@post(f"{DOCUMENT}/rollback", opt=WRITE, status_code=200)
async def rollback_configuration(
    db: Db,
    actor: Who,
    name: FromPath[str],
    data: JSONBody[Rollback],
    environment: InEnvironment = None,
    instance: OfInstance = False,
    if_match: IfMatch = None,
) -> Response[Document]:
    """Write a version equal to an earlier one, also of a deleted document."""
    data.expected_version = _expected(if_match, data.expected_version)
    return _tagged(await db.write(service.rollback_document, actor, name, Level(environment, instance), data))


@get(f"{DOCUMENT}/effective", opt=READ)
async def get_effective_configuration(
    changes: NamedDependency[Changes],
    request: AnyRequest,
    actor: Who,
    again: NamedDependency[Callable[[], Awaitable[Actor]]],
    name: FromPath[str],
    environment: InEnvironment = None,
    after: After = None,
    wait: Wait = 0,
) -> EffectiveDocument:
    """Get what holds: the documents of instance, project and environment, merged.

    With `after` the answer waits up to `wait` seconds for another revision than that one.
    """
    asking = Asking(actor, again, stopping_of(request.scope))
    return await changes.wait(asking, name, environment, after, wait if after is not None else 0)


@get(f"{DOCUMENT}/events", opt=READ, media_type="text/event-stream")
async def watch_configuration(
    changes: NamedDependency[Changes],
    request: AnyRequest,
    actor: Who,
    again: NamedDependency[Callable[[], Awaitable[Actor]]],
    name: FromPath[str],
    environment: InEnvironment = None,
    after: After = None,
) -> Stream:
    """Follow what holds by server-sent events.

    The first is told at once, or after the next change behind `after`.

    The id of an event is its revision, its data what `/effective` answers. `Last-Event-ID` counts as `after`.
    """
    asking = Asking(actor, again, stopping_of(request.scope))
    events = await changes.follow(asking, name, environment, _last_event(request, after))
    return Stream(events, media_type="text/event-stream", headers=NEVER_STORED | {"X-Accel-Buffering": "no"})


@get(f"{DOCUMENT}/schema", opt=READ)
async def get_configuration_schema(
    db: Db, actor: Who, name: FromPath[str], instance: OfInstance = False
) -> DocumentSchema:
    """Get the JSON Schema of a name."""
    return await db.read(service.get_schema, actor, name, instance)


@put(f"{DOCUMENT}/schema", opt=WRITE)
async def set_configuration_schema(
    db: Db, actor: Who, name: FromPath[str], data: JSONBody[DocumentSchemaUpdate], instance: OfInstance = False
) -> DocumentSchema:
    """Set the JSON Schema that the effective values of a name must fit."""
    await asyncio.to_thread(service.check_schema, data.schema)
    return await db.write(service.set_schema, actor, name, instance, data.schema)


@delete(f"{DOCUMENT}/schema", opt=WRITE)
async def delete_configuration_schema(db: Db, actor: Who, name: FromPath[str], instance: OfInstance = False) -> None:
    """Delete the JSON Schema of a name."""
    await db.write(service.delete_schema, actor, name, instance)


# Secrets


@get(SECRETS, opt=READ_SECRETS)
async def list_secrets(
    db: Db, actor: Who, environment: InEnvironment = None, max_results: MaxResults = 100, page_token: PageToken = None
) -> Secrets:
    """List the secrets of the project, or of one environment; without values."""
    page = await db.read(service.list_secrets, actor, environment, max_results, page_token)
    return Secrets(page.items, page.next_page_token)


@get(SECRET, opt=READ_SECRETS)
async def get_secret(db: Db, actor: Who, environment: FromPath[Environment], name: FromPath[str]) -> Secret:
    """Get what is told of a secret; not its value."""
    return await db.read(service.get_secret, actor, environment, name)


@put(SECRET, opt=WRITE_SECRETS)
async def set_secret(
    services: Host, actor: Who, environment: FromPath[Environment], name: FromPath[str], data: JSONBody[SecretWrite]
) -> Secret:
    """Write the next version of a secret."""
    return await service.set_secret(services, actor, environment, name, data)


@patch(SECRET, opt=WRITE_SECRETS)
async def update_secret(
    db: Db, actor: Who, environment: FromPath[Environment], name: FromPath[str], data: JSONBody[SecretUpdate]
) -> Secret:
    """Change what is told of a secret, and who may reveal it."""
    return await db.write(service.update_secret, actor, environment, name, data)


@delete(SECRET, opt=WRITE_SECRETS)
async def delete_secret(db: Db, actor: Who, environment: FromPath[Environment], name: FromPath[str]) -> None:
    """Delete a secret with all its versions, for good."""
    await db.write(service.delete_secret, actor, environment, name)


@get(f"{SECRET}/versions", opt=READ_SECRETS)
async def list_secret_versions(
    db: Db, actor: Who, environment: FromPath[Environment], name: FromPath[str]
) -> SecretVersions:
    """List the versions of a secret, newest first; without values."""
    return SecretVersions(await db.read(service.list_secret_versions, actor, environment, name))


@post(f"{SECRET}/reveal", opt=READ_SECRETS, status_code=200)
async def reveal_secret(
    services: Host, actor: Who, environment: FromPath[Environment], name: FromPath[str], data: JSONBody[SecretReveal]
) -> Response[SecretValue]:
    """Reveal the value of a secret to one of its readers. The audit log has it first."""
    value = await service.reveal_secret(services, actor, environment, name, data.version)
    return Response(value, headers=NEVER_STORED)


# Key-encryption keys


@get(KEYS, opt=INSTANCE)
async def list_encryption_keys(services: Host, actor: Who) -> EncryptionKeys:
    """List the keys that secrets are encrypted by, and how many hang on each."""
    return EncryptionKeys(await service.list_keys(services, actor))


@post(f"{KEYS}/rotate", opt=INSTANCE, status_code=200)
async def rotate_encryption_key(services: Host, actor: Who) -> EncryptionKey:
    """Make a new key, which encrypts from now on. The others go on decrypting."""
    return await service.rotate_key(services, actor)


@post(f"{KEYS}/rewrap", opt=INSTANCE, status_code=200)
async def rewrap_secrets(services: Host, actor: Who, data: JSONBody[RewrapStep]) -> Rewrapped:
    """Encrypt some data keys of other keys by the current one.

    Ask again with the `next_page_token` of the answer until it is null.
    """
    return await service.rewrap_keys(services, actor, data.page_token)


def _tagged(document: Document) -> Response[Document]:
    return Response(document, headers={"ETag": f'"{document.version}"'})


def _expected(if_match: str | None, expected: int | None) -> int | None:
    """Return the version that must be the newest, from the header or else the body."""
    if if_match is None:
        return expected
    if not re.fullmatch(r'"[0-9]{1,9}"', if_match):
        raise InvalidArgument(
            f"If-Match is '{if_match[:100]}'; it must be the ETag of a document, such as \"3\".", field="If-Match"
        )
    return int(if_match[1:-1])


def _last_event(request: AnyRequest, after: int | None) -> int | None:
    """Return the revision after which a stream begins, from the header that browsers send or else the query."""
    told = request.headers.get("Last-Event-ID", "")
    return int(told) if re.fullmatch(r"[0-9]{1,18}", told) else after


HANDLERS = [
    list_configuration,
    get_configuration,
    set_configuration,
    delete_configuration,
    list_configuration_versions,
    get_configuration_version,
    diff_configuration,
    rollback_configuration,
    get_effective_configuration,
    watch_configuration,
    get_configuration_schema,
    set_configuration_schema,
    delete_configuration_schema,
    list_secrets,
    get_secret,
    set_secret,
    update_secret,
    delete_secret,
    list_secret_versions,
    reveal_secret,
    list_encryption_keys,
    rotate_encryption_key,
    rewrap_secrets,
]
