"""Reading ``MLmodel``, the YAML file that describes a model. Whoever uploads a model writes it: it is not trusted.

Every scalar is taken as text: nothing is constructed, no type is guessed. Aliases are followed, and
counted as often as they are used, so that a few bytes cannot stand for a billion values.
"""

from __future__ import annotations

from typing import Any

import msgspec
import yaml

from mainspring.kit.errors import InvalidArgument
from mainspring.modules.registry.schemas import ModelFile
from mainspring.modules.registry.service.rules import MAX_MODEL_FILE

MAX_VALUES = 20_000
MAX_DEPTH = 50

_Loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)  # libyaml's is fifty times faster, where there is one


def parse_model_file(content: bytes) -> ModelFile:
    """Return what an ``MLmodel`` says. Raises InvalidArgument for what is no such file."""
    if len(content) > MAX_MODEL_FILE:
        raise InvalidArgument(f"MLmodel has more than {MAX_MODEL_FILE} bytes; more are not read.", field="MLmodel")
    try:
        _check_events(content)
        document = yaml.load(content, Loader=_Loader)
    except (yaml.YAMLError, UnicodeDecodeError, ValueError) as error:
        raise InvalidArgument(f"MLmodel is not YAML: {error}", field="MLmodel") from error
    _check_size(document)
    try:
        return msgspec.convert(document, ModelFile, strict=False)
    except msgspec.ValidationError as error:
        raise InvalidArgument(f"MLmodel is not a model's description: {error}.", field="MLmodel") from error


def _check_events(content: bytes) -> None:
    """Refuse deep nesting and very many values from the stream of events, which needs neither recursion nor memory."""
    depth = 0
    for count, event in enumerate(yaml.parse(content, Loader=_Loader)):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH or count > 4 * MAX_VALUES:  # a key, a value, and the start and end of a collection
            raise _too_large()


def _check_size(document: Any) -> None:
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
    raise _too_large()


def _too_large() -> InvalidArgument:
    return InvalidArgument(
        f"MLmodel has more than {MAX_VALUES} values, or more than {MAX_DEPTH} levels, its aliases written out.",
        field="MLmodel",
    )
