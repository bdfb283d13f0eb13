"""The OpenAPI document of ``/api/v1``: what the framework derives, with what it cannot know.

Operation ids are the names of the handlers; a summary is the first line of a handler's docstring. Every
operation may answer with problem JSON.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from litestar import Litestar
from litestar.di import Provide
from litestar.enums import HttpMethod
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Server
from litestar.types import ControllerRouterHandler, Method

from mainspring import __version__
from mainspring.server.refusals import PROBLEM_JSON, Problem

_PROBLEM = {
    "description": "An error as RFC 9457 has it; `code` is one of the closed codes.",
    "content": {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
DEPENDENCIES = ("services", "db", "blobs", "actor", "again", "changes")
_BYTES = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
_FILE = {
    "200": {"description": "The file, as an attachment.", "content": _BYTES},
    "206": {"description": "The range of bytes that was asked for.", "content": _BYTES},
    "304": {"description": "The file is the one that `If-None-Match` names."},
    "416": {"description": "The range begins past the end of the file."},
}


def document(routes: Sequence[ControllerRouterHandler]) -> dict[str, Any]:
    """Return the OpenAPI document of some routes, ready for JSON."""
    described = _describe(routes)
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            _complete(operation, path, method)
    _, problem = msgspec.json.schema_components([Problem], ref_template="#/components/schemas/{name}")
    described["components"]["schemas"] = dict(sorted({**described["components"]["schemas"], **problem}.items()))
    return described


def _describe(routes: Sequence[ControllerRouterHandler]) -> dict[str, Any]:
    """Return what the framework derives: of an application of its own, so that it adds no routes to ours."""
    absent = {name: Provide(lambda: None, sync_to_thread=False) for name in DEPENDENCIES}
    config = OpenAPIConfig(
        title="Mainspring",
        version=__version__,
        description="One MLOps platform for the whole life of a model. Times are milliseconds since the epoch, UTC.",
        servers=[Server("/")],
        use_handler_docstrings=True,
        operation_id_creator=_operation_id,
        render_plugins=[JsonRenderPlugin()],
    )
    app = Litestar(routes, dependencies=absent, openapi_config=config, logging_config=None)
    return app.openapi_schema.to_schema()


def _operation_id(handler: HTTPRouteHandler, method: Method, _path: Any) -> str:
    name = handler.handler_name
    return name.replace("get_", "head_", 1) if method == HttpMethod.HEAD else name


def _complete(operation: dict[str, Any], path: str, method: str) -> None:
    """Say what an operation does, where it belongs, and how it answers."""
    summary, _, more = operation.pop("description").partition("\n\n")
    operation["summary"] = " ".join(summary.split())
    if more:
        operation["description"] = more
    operation["tags"] = [path.split("/")[3]]
    answers = {status: answer for status, answer in operation["responses"].items() if status < "400"}
    if path.endswith("/artifacts/{path}"):
        answers = _file_answers(operation, method, answers)
    operation["responses"] = {**answers, "default": _PROBLEM}


def _file_answers(operation: dict[str, Any], method: str, answers: dict[str, Any]) -> dict[str, Any]:
    if method == "put":
        operation["requestBody"] = {"required": True, "content": _BYTES}
    if method == "get":
        return _FILE
    return {"200": {"description": "The headers of the file."}} if method == "head" else answers
