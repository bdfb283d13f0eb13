"""Errors of ``/api/v1``: problem JSON (RFC 9457), whatever refused the request."""

from __future__ import annotations

from typing import Any

import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.types import ExceptionHandlersMap

from mainspring.kit.errors import ERRORS, Internal, InvalidArgument, MainspringError
from mainspring.kit.http import ClientDisconnected
from mainspring.server.refusals import PROBLEM_JSON, Problem, problem_of

log = structlog.get_logger(__name__)


def _problem(error: MainspringError) -> Response[Problem]:
    headers = {} if error.retry_after is None else {"Retry-After": str(max(1, round(error.retry_after)))}
    return Response(problem_of(error), status_code=error.code.status, media_type=PROBLEM_JSON, headers=headers)


def _refuse(_request: Request[Any, Any, Any], error: MainspringError) -> Response[Problem]:
    return _problem(error)


def _refuse_http(_request: Request[Any, Any, Any], error: HTTPException) -> Response[Problem]:
    """Say what the framework refused: a wrong path, method, body or query."""
    kind = next((kind for kind in ERRORS.values() if kind.code.status == error.status_code), None)
    extra = error.extra if isinstance(error.extra, list) else []
    reasons = "; ".join(f"{each.get('key', 'body')}: {each.get('message')}" for each in extra if isinstance(each, dict))
    message = f"{error.detail}{f' ({reasons})' if reasons else ''}"
    if kind:
        return _problem(kind(message))
    answer = _problem(ERRORS["invalid_argument"](message))
    answer.status_code = answer.content.status = error.status_code
    return answer


def _refuse_depth(_request: Request[Any, Any, Any], _error: RecursionError) -> Response[Problem]:
    return _problem(InvalidArgument("The body is nested too deeply."))


def _refuse_unexpected(_request: Request[Any, Any, Any], error: Exception) -> Response[Problem]:
    log.error("unexpected_error", exc_info=error)
    return _problem(Internal("The server met an unexpected error; its log tells more."))


def _give_up(_request: Request[Any, Any, Any], error: ClientDisconnected) -> Response[Problem]:
    """Answer nobody: the client went away in the middle of its upload."""
    raise error


HANDLERS: ExceptionHandlersMap = {
    MainspringError: _refuse,
    HTTPException: _refuse_http,
    ClientDisconnected: _give_up,
    RecursionError: _refuse_depth,
    Exception: _refuse_unexpected,
}
