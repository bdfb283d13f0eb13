"""Identifiers: random, unguessable, and of the shapes that MLflow's clients expect."""

import itertools
import secrets
import uuid

_PROCESS = secrets.token_hex(10)
_requests = itertools.count()


def new_run_id() -> str:
    """Return 32 lower-case hexadecimal digits."""
    return uuid.uuid4().hex


def new_model_id() -> str:
    """Return a logged model's id: ``m-`` and 32 hexadecimal digits."""
    return f"m-{uuid.uuid4().hex}"


def new_request_id() -> str:
    """Return the id that a request carries through logs, headers and error bodies.

    It tells requests apart and hides nothing: a random prefix for the process and a number, since
    asking the system for randomness would be the dearest part of a small request.
    """
    return f"{_PROCESS}{next(_requests):012x}"
