"""Patterns of actions: one such as ``model_version.create``, all of a kind, ``model_version.*``, or all, ``*``."""

from __future__ import annotations

import re

from mainspring.kit.errors import InvalidArgument

_PATTERN = re.compile(r"\*|[a-z][a-z_]{0,60}\.(\*|[a-z][a-z_]{0,30})")


def check_pattern(pattern: str, field: str) -> str:
    """Return a pattern of actions, else raise InvalidArgument."""
    if not _PATTERN.fullmatch(pattern):
        raise InvalidArgument(
            f"{field} is '{pattern[:100]}'; it must be an action such as 'model_version.create', all of a kind such as "
            "'model_version.*', or '*'.",
            field=field,
        )
    return pattern


def matches(pattern: str, action: str) -> bool:
    """Return whether an action is meant by a pattern."""
    return action.startswith(pattern[:-1]) if pattern.endswith("*") else action == pattern
