"""Reading YAML that is not trusted.

Every scalar is taken as text: nothing is constructed, no type is guessed. Aliases are followed, and
counted as often as they are used, so that a few bytes cannot stand for a billion values.
"""

from __future__ import annotations

from typing import Any

import yaml

from mainspring.kit.errors import InvalidArgument

MAX_VALUES = 20_000
MAX_DEPTH = 50

_Loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)  # libyaml's is fifty times faster, where there is one


def read_yaml(content: bytes, name: str) -> Any:
    """Return what a YAML file of this name says. Raises InvalidArgument."""
    try:
        _check_events(content, name)
        document = yaml.load(content, Loader=_Loader)
    except (yaml.YAMLError, UnicodeDecodeError, ValueError) as error:
        raise InvalidArgument(f"{name} is not YAML: {error}", field=name) from error
    _check_size(document, name)
    return document


def _check_events(content: bytes, name: str) -> None:
    """Refuse deep nesting and very many values from the stream of events, which needs neither recursion nor memory."""
    depth = 0
    for count, event in enumerate(yaml.parse(content, Loader=_Loader)):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH or count > 4 * MAX_VALUES:  # a key, a value, and the start and end of a collection
            raise _too_large(name)


def _check_size(document: Any, name: str) -> None:
    """Refuse too many values or levels, counting what an alias repeats; a document that holds itself has no end."""
    waiting = [(document, 0)]
    for _ in range(MAX_VALUES):
        if not waiting:
            return
        value, depth = waiting.pop()
        inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        waiting.extend((each, depth + 1) for each in inner)
        if len(waiting) > MAX_VALUES or depth > MAX_DEPTH:
            break
    raise _too_large(name)


def _too_large(name: str) -> InvalidArgument:
    return InvalidArgument(
        f"{name} has more than {MAX_VALUES} values, or more than {MAX_DEPTH} levels, its aliases written out.",
        field=name,
    )
