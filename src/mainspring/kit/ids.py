"""Identifiers: random, unguessable, and of the shapes that MLflow's clients expect."""

import itertools
import secrets
import uuid

from mainspring.kit.time import now_ms

_PROCESS = secrets.token_hex(10)
_requests = itertools.count()


def new_run_id() -> str:
    """Return 32 lower-case hexadecimal digits: a UUID of version 7 (RFC 9562), of the time and 74 random bits.

    Ids that grow with time keep the index of runs warm where new ones go.
    """
    return f"{now_ms():012x}7{uuid.uuid4().hex[13:]}"


def new_model_id() -> str:
    """Return a logged model's id: ``m-`` and 32 hexadecimal digits."""
    return f"m-{uuid.uuid4().hex}"


def new_upload_id() -> str:
    """Return 32 lower-case hexadecimal digits."""
    return uuid.uuid4().hex


def new_request_id() -> str:
    """Return the id that a request carries through logs, headers and error bodies.

    It tells requests apart and hides nothing: a random prefix for the process and a number, since
    asking the system for randomness would be the dearest part of a small request.
    """
    return f"{_PROCESS}{next(_requests):012x}"
