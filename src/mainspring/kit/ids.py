"""Identifiers: random, unguessable, and of the shapes that MLflow's clients expect."""

import uuid


def new_run_id() -> str:
    """Return 32 lower-case hexadecimal digits."""
    return uuid.uuid4().hex


def new_model_id() -> str:
    """Return a logged model's id: ``m-`` and 32 hexadecimal digits."""
    return f"m-{uuid.uuid4().hex}"


def new_request_id() -> str:
    """Return the id that a request carries through logs, headers and error bodies."""
    return uuid.uuid4().hex
