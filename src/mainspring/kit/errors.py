"""The one error tree of the platform, and what each code is called in the dialects we speak.

    MainspringError
    ├─ InvalidArgument      a value is wrong: the field, the value and what would be right
    ├─ Unauthenticated      who is asking is not known
    ├─ PermissionDenied     known, may read it, may not do this
    ├─ NotFound             absent, or not readable: the two answer alike
    ├─ AlreadyExists        the name or id is taken
    ├─ FailedPrecondition   the state forbids it (a deleted run, a locked directory)
    ├─ TooLarge             past a documented limit of size or count
    ├─ RateLimited          come back later (Retry-After)
    ├─ Unavailable          a component is away, full or slow: the same request may succeed later
    ├─ Unsupported          understood, and not offered here
    └─ Internal             a defect of ours

The code decides the HTTP status (RFC 9457 problem JSON on ``/api/v1``), MLflow's ``error_code``,
the exit code of the command line and the class that the SDK raises.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Code:
    """One closed error code with its name in each dialect.

    ``mlflow`` is MLflow's ``error_code`` and ``mlflow_status`` the status that its clients expect
    with it; ``exit_code`` is what the command line exits with.
    """

    name: str
    status: int
    mlflow: str
    mlflow_status: int
    exit_code: int


INVALID_ARGUMENT = Code("invalid_argument", 400, "INVALID_PARAMETER_VALUE", 400, 2)
UNAUTHENTICATED = Code("unauthenticated", 401, "UNAUTHENTICATED", 401, 3)
PERMISSION_DENIED = Code("permission_denied", 403, "PERMISSION_DENIED", 403, 4)
NOT_FOUND = Code("not_found", 404, "RESOURCE_DOES_NOT_EXIST", 404, 5)
ALREADY_EXISTS = Code("already_exists", 409, "RESOURCE_ALREADY_EXISTS", 400, 6)
FAILED_PRECONDITION = Code("failed_precondition", 409, "INVALID_STATE", 400, 7)
TOO_LARGE = Code("too_large", 413, "INVALID_PARAMETER_VALUE", 400, 8)
RATE_LIMITED = Code("rate_limited", 429, "REQUEST_LIMIT_EXCEEDED", 429, 9)
UNAVAILABLE = Code("unavailable", 503, "TEMPORARILY_UNAVAILABLE", 503, 10)
UNSUPPORTED = Code("unsupported", 501, "NOT_IMPLEMENTED", 501, 11)
INTERNAL = Code("internal", 500, "INTERNAL_ERROR", 500, 70)


class MainspringError(Exception):
    """Base of every error that a user may see.

    ``message`` says what was wrong, which value, and what would be right. ``field`` names the
    offending input where there is one. ``retry_after`` is in seconds, for errors that pass.
    ``request_id`` is that of the request which a server refused: its log knows it.
    """

    code: ClassVar[Code] = INTERNAL
    request_id: str | None = None

    def __init__(self, message: str, *, field: str | None = None, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.retry_after = retry_after


class InvalidArgument(MainspringError):
    code = INVALID_ARGUMENT


class Unauthenticated(MainspringError):
    code = UNAUTHENTICATED


class PermissionDenied(MainspringError):
    code = PERMISSION_DENIED


class NotFound(MainspringError):
    code = NOT_FOUND


class AlreadyExists(MainspringError):
    code = ALREADY_EXISTS


class FailedPrecondition(MainspringError):
    code = FAILED_PRECONDITION


class ConditionFailed(FailedPrecondition):
    """It is not as the caller has seen it: what HTTP's ``If-Match`` or ``If-None-Match`` asks for does not hold."""

    code = replace(FAILED_PRECONDITION, status=412)


class TooLarge(MainspringError):
    code = TOO_LARGE


class RateLimited(MainspringError):
    code = RATE_LIMITED


class Unavailable(MainspringError):
    code = UNAVAILABLE


class Unsupported(MainspringError):
    code = UNSUPPORTED


class Internal(MainspringError):
    code = INTERNAL


ERRORS: dict[str, type[MainspringError]] = {
    error.code.name: error
    for error in (
        InvalidArgument,
        Unauthenticated,
        PermissionDenied,
        NotFound,
        AlreadyExists,
        FailedPrecondition,
        TooLarge,
        RateLimited,
        Unavailable,
        Unsupported,
        Internal,
    )
}
"""Every code's name → the class that carries it: what the SDK raises from an answer."""
