"""Requests that the server refuses before any handler has seen them, each in the form of its dialect."""

from __future__ import annotations

import msgspec

from mainspring.api.mlflow.dispatch import error_body
from mainspring.kit.context import request_id
from mainspring.kit.errors import MainspringError
from mainspring.kit.http import JSON, Headers, Request, Send, respond

PROBLEM_JSON = "application/problem+json"


class Problem(msgspec.Struct, omit_defaults=True):
    """An error as RFC 9457 has it. ``code`` is one of the closed codes, ``field`` the input at fault."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str
    field: str | None = None


def problem_of(error: MainspringError, status: int | None = None) -> Problem:
    """Return an error as problem JSON has it; ``status`` is HTTP's where that is finer than our codes."""
    code = error.code
    return Problem(
        f"https://mainspring.dev/errors/{code.name}",
        code.name.replace("_", " ").capitalize(),
        status or code.status,
        error.message,
        code.name,
        request_id.get(),
        error.field,
    )


async def refuse(request: Request, send: Send, error: MainspringError, status: int | None = None) -> None:
    """Answer a request by an error: problem JSON on our own API, else as MLflow's clients read it."""
    if "/api/v1/" in request.path:
        await refuse_by_problem(request, send, error, status)
    else:
        await respond(send, status or error.code.mlflow_status, error_body(error), JSON, _retry_after(error))


async def refuse_by_problem(_request: Request, send: Send, error: MainspringError, status: int | None = None) -> None:
    """Answer a request by an error as problem JSON."""
    problem = problem_of(error, status)
    await respond(send, problem.status, msgspec.json.encode(problem), PROBLEM_JSON.encode(), _retry_after(error))


def _retry_after(error: MainspringError) -> Headers:
    return [] if error.retry_after is None else [(b"retry-after", b"%d" % max(1, round(error.retry_after)))]
