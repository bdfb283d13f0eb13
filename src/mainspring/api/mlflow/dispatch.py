"""From an HTTP request of an MLflow client to an endpoint's handler, and back.

Endpoints declare their method, path, message and permission. A message is read as protobuf's JSON
mapping reads it: numbers may be strings, ``null`` is absent, unknown fields are passed over, a body
may be JSON encoded twice.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import aclosing, suppress
from functools import cache
from typing import Any, ClassVar, NamedTuple, TypeVar, get_args, get_origin
from urllib.parse import unquote_to_bytes

import msgspec
import structlog

from mainspring.api.routing import path_pattern
from mainspring.kit.actors import NOBODY, Actor
from mainspring.kit.context import request_id
from mainspring.kit.errors import Internal, InvalidArgument, MainspringError
from mainspring.kit.http import (
    JSON,
    AnswerInterrupted,
    ClientDisconnected,
    Request,
    Send,
    respond,
    respond_stream,
)
from mainspring.kit.names import check_text, invalid_value
from mainspring.kit.permissions import Permission
from mainspring.modules.services import Services

MAX_BODY = 64 * 1024 * 1024
NUL = b"\\u0000"
"""The character NUL as JSON spells it."""
SEE_DOCS = " See the API docs for more information about request parameters."
PREFIXES = tuple(
    f"/{api}/{version}/mlflow/" for api in ("api", "ajax-api") for version in ("2.0", "3.0", "2.0/preview")
)

log = structlog.get_logger(__name__)


class Part(msgspec.Struct, forbid_unknown_fields=True):
    """Base of what messages are made of. An unknown field sends a body the slow way, where it is passed over."""


class Message(Part, kw_only=True):
    """Base of request messages: every field may be absent; ``required`` ones are asked for."""

    required: ClassVar[tuple[str, ...]] = ()


M = TypeVar("M", bound=Message)
Handler = Callable[[Services, Actor, Any], Awaitable[Any]]
LinkingHandler = Callable[[Services, Actor, Any, str], Awaitable[Any]]
RawHandler = Callable[[Services, Actor, Request, Send, dict[str, str]], Awaitable[None]]


class Endpoint(NamedTuple):
    """One method and path of the protocol. ``message`` None means that ``handler`` reads the request itself.

    ``linking`` means that it is told the origin by which the client calls this server.
    """

    method: str
    path: str
    permission: Permission
    message: type[Message] | None
    handler: Any
    max_body: int = MAX_BODY
    linking: bool = False
    status: int = 200


ENDPOINTS: list[Endpoint] = []


def endpoint(
    method: str,
    path: str,
    message: type[Message],
    permission: Permission,
    max_body: int = MAX_BODY,
    status: int = 200,
) -> Callable[[Handler], Handler]:
    """Declare a handler ``f(services, actor, message) -> answer``, which is sent as JSON; the answer None is ``{}``.

    Bytes are sent as they are, an asynchronous generator of bytes piece by piece, as the client takes them.
    ``path`` is relative to the API prefixes, or absolute if it starts with ``/``; ``{name}`` in it fills the
    message's field.
    """

    def declare(handler: Handler) -> Handler:
        ENDPOINTS.append(Endpoint(method, path, permission, message, handler, max_body, status=status))
        return handler

    return declare


def linking_endpoint(
    method: str, path: str, message: type[Message], permission: Permission
) -> Callable[[LinkingHandler], LinkingHandler]:
    """Declare a handler ``f(services, actor, message, origin) -> answer`` whose answer links to this server."""

    def declare(handler: LinkingHandler) -> LinkingHandler:
        ENDPOINTS.append(Endpoint(method, path, permission, message, handler, linking=True))
        return handler

    return declare


def raw_endpoint(method: str, path: str, permission: Permission) -> Callable[[RawHandler], RawHandler]:
    """Declare a handler ``f(services, actor, request, send, path_fields)`` that streams.

    ``path`` is relative to the API prefixes, or absolute if it starts with ``/``; ``{name:path}``
    in it takes slashes too.
    """

    def declare(handler: RawHandler) -> RawHandler:
        ENDPOINTS.append(Endpoint(method, path, permission, None, handler))
        return handler

    return declare


class Dispatcher:
    """The ASGI application of the MLflow dialect."""

    def __init__(
        self, services: Services, authenticate: Callable[[Request], Awaitable[Actor]], endpoints: Iterable[Endpoint]
    ) -> None:
        self._services = services
        self._authenticate = authenticate
        self._exact: dict[str, dict[str, Endpoint]] = {}
        self._patterns: list[tuple[re.Pattern[str], dict[str, Endpoint]]] = []
        by_path: dict[str, dict[str, Endpoint]] = {}
        for declared in endpoints:
            by_path.setdefault(declared.path, {})[declared.method] = declared
        for path, methods in by_path.items():
            for full in _full_paths(path):
                if "{" in path:
                    self._patterns.append((path_pattern(full), methods))
                else:
                    self._exact[full] = methods

    def handles(self, path: str) -> bool:
        """Say whether a path belongs to this dialect."""
        return path in self._exact or path.startswith(PREFIXES) or self._match(path) is not None

    async def __call__(self, request: Request, send: Send) -> None:
        """Answer a request."""
        try:
            await self._serve(request, send)
        except MainspringError as error:
            await _refuse(send, error)
        except (ClientDisconnected, AnswerInterrupted):
            raise
        except Exception:
            log.exception("unexpected_error", method=request.method, path=request.path)
            await _refuse(send, Internal("The server met an unexpected error; its log tells more."))

    async def _serve(self, request: Request, send: Send) -> None:
        found = self._match(check_text(request.path, "path"))
        if found is None:
            return await respond(send, 404, _error("ENDPOINT_NOT_FOUND", f"No such endpoint: {request.path}"))
        methods, fields = found
        called = methods.get("GET" if request.method == "HEAD" else request.method)
        if called is None:
            allowed = ", ".join(sorted(methods))
            text = f"{request.method} is not allowed here: use {allowed}."
            return await respond(send, 405, _error("BAD_REQUEST", text), headers=[(b"allow", allowed.encode())])
        if "\ufffd" in request.path:
            _check_path(request.scope["raw_path"])
        actor = NOBODY if called.permission is Permission.PUBLIC else await self._authenticate(request)
        actor.require_some(called.permission)
        if called.message is None:
            await called.handler(self._services, actor, request, send, fields)
            return
        message = await _read(called, request, fields)
        origin = (request.origin,) if called.linking else ()
        answer = await called.handler(self._services, actor, message, *origin)
        await _respond(request, send, answer, called.status)

    def _match(self, path: str) -> tuple[dict[str, Endpoint], dict[str, str]] | None:
        if methods := self._exact.get(path):
            return methods, {}
        for pattern, methods in self._patterns:
            if match := pattern.fullmatch(path):
                return methods, match.groupdict()
        return None


async def _respond(request: Request, send: Send, answer: Any, status: int) -> None:
    if answer is None:
        await respond(send, status, b"{}")
    elif isinstance(answer, bytes):
        await respond(send, status, answer)
    elif isinstance(answer, AsyncGenerator):
        async with aclosing(answer):
            await respond_stream(request, send, status, [(b"content-type", JSON)], answer)
    else:
        await respond(send, status, msgspec.json.encode(answer))


def _check_path(raw: bytes) -> None:
    """Refuse a path that is not UTF-8: ASGI servers put a mark in place of what they cannot read."""
    try:
        unquote_to_bytes(raw).decode()
    except UnicodeDecodeError as error:
        raise InvalidArgument(f"Invalid path: it is not UTF-8: {error.reason}.", field="path") from error


def _full_paths(path: str) -> list[str]:
    return [path] if path.startswith("/") else [prefix + path for prefix in PREFIXES]


async def _read(called: Endpoint, request: Request, fields: dict[str, str]) -> Message:
    """Return the request's message, complete and of the right types, or raise InvalidArgument."""
    assert called.message is not None
    kind = called.message
    if request.method in ("GET", "HEAD") and request.query:
        data = _from_query(kind, request)
        if not fields:
            with suppress(msgspec.ValidationError):  # as below
                return _complete(msgspec.convert(data, kind, strict=False))
    else:
        _check_content_type(request)
        body = await request.body(called.max_body)
        if not fields and NUL not in body:
            # What fails here is twice encoded, has NaN spelled out, or is wrong: _convert tells which.
            with suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                return _complete(msgspec.json.decode(body, type=kind, strict=False))
        data = _parse(body)
    return read_message(kind, data | fields)


def read_message(kind: type[M], data: dict[str, Any]) -> M:
    """Return the message of a JSON object, complete and of the right types, or raise InvalidArgument."""
    return _complete(_convert(kind, data))


def _check_content_type(request: Request) -> None:
    if request.method not in ("POST", "PUT"):
        return
    given = request.header(b"content-type")
    if given == "application/json":
        return
    if given is None:
        raise InvalidArgument("Bad Request. Content-Type header is missing.", field="Content-Type")
    if given.partition(";")[0].strip().lower() != "application/json":
        raise InvalidArgument("Bad Request. Content-Type must be one of ['application/json'].", field="Content-Type")


def _from_query(kind: type[Message], request: Request) -> dict[str, Any]:
    data: dict[str, Any] = {}
    lists = _lists(kind)
    for key, value in request.query:
        if key in lists:
            data.setdefault(key, []).append(value)
        else:
            data.setdefault(key, value)
    return data


@cache
def _fields(part: type[Part]) -> dict[str, Any]:
    """Return the fields of a part of messages with their types: asked for anew, they cost more than a lookup."""
    return {field.name: field.type for field in msgspec.structs.fields(part)}


@cache
def _lists(part: type[Part]) -> frozenset[str]:
    return frozenset(name for name, kind in _fields(part).items() if _is_list(kind))


@cache
def _is_list(kind: Any) -> bool:
    return get_origin(kind) is list or any(get_origin(part) is list for part in get_args(kind))


def _parse(body: bytes) -> dict[str, Any]:
    """Return the JSON object of a body; an empty body is an empty object."""
    data: Any = body
    try:
        for _ in range(2):
            if isinstance(data, bytes | str):
                data = json.loads(data) if data.strip() else {}
    except (ValueError, RecursionError) as error:
        raise InvalidArgument(f"The request's body is not JSON: {error}.") from error
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise InvalidArgument(f"The request's body must be a JSON object; got {type(data).__name__}.")
    return data


def _convert(kind: type[M], data: dict[str, Any]) -> M:
    try:
        return msgspec.convert(_known(kind, data), kind, strict=False)
    except msgspec.ValidationError as error:
        raise _explain(error, kind, data) from error
    except (RecursionError, OverflowError) as error:
        raise InvalidArgument(f"The request's body cannot be read: {error}.") from error


def _known(kind: Any, data: Any, field: str = "body") -> Any:
    """Return data with its fields as the message spells them: unknown and null ones left out, camelCase understood."""
    if isinstance(data, str):
        return check_text(data, field)
    part = _part_of(kind)
    if isinstance(data, list):
        return [_known(part, each, field) for each in data]
    if part is None or not isinstance(data, dict):
        return data
    fields = _fields(part)
    known: dict[str, Any] = {}
    for given, value in data.items():
        name = given if given in fields else re.sub(r"([A-Z])", r"_\1", given).lower()
        if name in known:
            raise InvalidArgument(
                f"Request specifies '{name}' twice, also as '{given}'; provide only one of them.", field=name
            )
        if name in fields and value is not None:
            known[name] = _known(fields[name], value, name)
    return known


@cache
def _part_of(kind: Any) -> type[Part] | None:
    """Return the kind of part that a field's type speaks of, itself or in a list, or None."""
    if isinstance(kind, type) and issubclass(kind, Part):
        return kind
    return next((part for each in get_args(kind) if (part := _part_of(each))), None)


def _explain(error: msgspec.ValidationError, kind: type[Message], data: dict[str, Any]) -> MainspringError:
    """Say which field is wrong as MLflow does; a required one that is absent comes first."""
    for name in kind.required:
        if data.get(name) in (None, ""):
            return missing(name)
    reason, _, path = str(error).partition(" - at `$")
    name = re.split(r"[.\[]", path.strip("`").lstrip("."))[0] or "body"
    nested = re.search(r"[.\[]", path.strip("`").lstrip("."))
    return wrong_type(name, data.get(name), f" {reason} at {path.strip('`.')}." if nested else "")


def wrong_type(name: str, value: Any, detail: str = "") -> InvalidArgument:
    """Return the error for a value of the wrong type or range, in MLflow's words."""
    return invalid_value(name, value, f" Hint: Value was of type '{type(value).__name__}'.{SEE_DOCS}{detail}")


def missing(name: str) -> InvalidArgument:
    """Return the error for a required value that was not given, in MLflow's words."""
    return InvalidArgument(f"Missing value for required parameter '{name}'.{SEE_DOCS}", field=name)


def _complete(message: M) -> M:
    for name in message.required:
        if getattr(message, name) in (None, ""):
            raise missing(name)
    return message


def error_body(error: MainspringError) -> bytes:
    """Return MLflow's JSON for an error."""
    return _error(error.code.mlflow, error.message)


def _error(code: str, message: str) -> bytes:
    return msgspec.json.encode({"error_code": code, "message": message, "request_id": request_id.get()})


async def _refuse(send: Send, error: MainspringError) -> None:
    headers = [] if error.retry_after is None else [(b"retry-after", b"%d" % max(1, round(error.retry_after)))]
    await respond(send, error.code.mlflow_status, error_body(error), headers=headers)
