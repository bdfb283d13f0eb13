"""Rules for names and keys, as MLflow's clients know them, and names for what was given none."""

from __future__ import annotations

import json
import posixpath
import re
import secrets
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from mainspring.kit.errors import InvalidArgument

MAX_SHOWN = 500
MAX_REMEMBERED = 250
_KEY = re.compile(r"[/\w.\- :]*")
_RUN_ID = re.compile(r"[a-zA-Z0-9][\w\-]{0,255}")
_SURROGATE = re.compile("[\ud800-\udfff]")


def invalid_value(field: str, value: Any, reason: str = "") -> InvalidArgument:
    """Return the error for a wrong value: which field, which value, and why."""
    shown = json.dumps(value, default=str, sort_keys=True, separators=(",", ":"))
    if len(shown) > MAX_SHOWN:
        shown = shown[:MAX_SHOWN] + "…"
    message = f"Invalid value {shown} for parameter '{field}' supplied" + (f": {reason}" if reason else ".")
    return InvalidArgument(message, field=field)


def no_repeats(keys: Iterable[str], field: str) -> None:
    """Raise InvalidArgument where a key comes twice: which of its values counts is not said."""
    given = list(keys)
    if len(set(given)) < len(given):
        repeated = [key for key, times in Counter(given).items() if times > 1]
        raise InvalidArgument(f"Keys come more than once in '{field}': {repeated}. Give each once.", field=field)


def missing_value(field: str) -> InvalidArgument:
    """Return the error for a required value that was not given."""
    return InvalidArgument(f"Missing value for required parameter '{field}'.", field=field)


def check_key(key: str | None, field: str) -> str:
    """Return the key of a param, metric or tag if it may be one, else raise InvalidArgument.

    Letters, digits, ``_ - . : /`` and spaces, and a path that is already in its simplest form:
    clients may use keys as file names.
    """
    if key is None:
        raise missing_value(field)
    # The same few keys come with every point. What could be long is not remembered.
    return _checked_before(key, field) if len(key) <= MAX_REMEMBERED else _checked(key, field)


def _checked(key: str, field: str) -> str:
    if not _KEY.fullmatch(key):
        raise invalid_value(
            field,
            key,
            "Names may only contain alphanumerics, underscores (_), dashes (-), periods (.), spaces ( ), "
            "colon(:) and slashes (/).",
        )
    simplest = posixpath.normpath(key)
    if simplest != key or key == "." or key.startswith(("..", "/")):
        raise invalid_value(
            field,
            key,
            "Names may be treated as files in certain cases, and must not resolve to other names when treated as "
            f"such. This name would resolve to '{simplest}'",
        )
    return key


_checked_before = lru_cache(maxsize=8192)(_checked)


def check_length(what: str, value: str, limit: int) -> str:
    """Return ``value`` if it is within ``limit`` characters, else raise InvalidArgument."""
    if len(value) > limit:
        raise InvalidArgument(f"'{what}' exceeds the maximum length of {limit} characters", field=what)
    return value


def check_text(value: str, field: str) -> str:
    """Return ``value`` if every database can keep it; InvalidArgument for NUL and halves of surrogate pairs."""
    if "\0" in value:
        raise InvalidArgument(f"'{field}' contains the character NUL, which is not text.", field=field)
    if not value.isascii() and _SURROGATE.search(value):
        raise InvalidArgument(f"'{field}' is not valid Unicode: it contains half a surrogate pair.", field=field)
    return value


def check_run_id(run_id: str, field: str = "run_id") -> str:
    """Return a run id of a possible shape, else raise InvalidArgument."""
    if not _RUN_ID.fullmatch(run_id):
        raise invalid_value(field, run_id)
    return run_id


_ADJECTIVES = (
    "able amber brave bright calm candid clear clever crisp curious deft eager early easy fair fast fine firm "
    "fond frank free fresh gentle glad golden grand handy happy honest humble jolly keen kind light likely lively "
    "loyal lucky mellow merry mighty mild modest neat noble patient plain polite proud quick quiet rapid rare "
    "ready rich robust royal rustic serene sharp shiny silent simple sincere sleek smart smooth snappy solid spry "
    "stable steady stoic strong sturdy subtle sunny swift tidy tough tranquil trusty upbeat vivid warm wise witty "
    "zesty"
).split()
_NOUNS = (
    "anchor auk badger beam beech birch bison bolt brook canyon cedar chime clock cobalt comet coral crane cog "
    "deer delta dial dove dune eagle elm ember falcon fern finch flint fox gear gecko glade goose grove gull hare "
    "harbor hawk hazel heron hinge ibis iris jay kestrel lake lark lever linden lynx maple marten meadow mesa "
    "mole moss moth newt oak orca otter owl panda pebble pendulum petrel pike pine pivot plover pond pulley quail "
    "raven reef ridge river robin rook seal shrike shore skua sloth snipe spring spruce stork swan swift teal "
    "tern thrush toad trout valley vole wave wheel willow wolf wren yew zebra"
).split()


def random_name() -> str:
    """Return a name such as ``steady-otter-417`` for a run or model that was given none."""
    return f"{secrets.choice(_ADJECTIVES)}-{secrets.choice(_NOUNS)}-{secrets.randbelow(1000)}"
