"""Documents held against JSON Schemas (Draft 2020-12) that others wrote: within bounds of size, depth and work.

Nothing is fetched: ``$ref`` leads into the schema itself. Every keyword that is looked at, every reference
followed and every step of a pattern costs from one budget, so that no schema holds a server up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import msgspec

from mainspring.kit.errors import InvalidArgument
from mainspring.modules.configuration.service.patterns import Budget, check_pattern, is_found
from mainspring.modules.configuration.service.pointers import pointer_of

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

MAX_BYTES = 128 * 1024
MAX_SCHEMA_BYTES = 32 * 1024
MAX_DEPTH = 32
MAX_TOLD = 3
MAX_SHOWN = 300
WORK = 200_000
"""Units of work, which take about 0.2 s."""
DRAFT = "https://json-schema.org/draft/2020-12/schema"

Keyword = Callable[[Any, Any, Any, Any], "Iterator[ValidationError] | None"]


@dataclass(frozen=True, slots=True)
class _Work:
    """What one check may cost, and how large the containers of its document are, by their ids."""

    budget: Budget
    sizes: dict[int, int]


_WORK: ContextVar[_Work] = ContextVar("work of a check")


def check_document(value: dict[str, Any], field: str = "value", limit: int = MAX_BYTES) -> None:
    """Raise InvalidArgument for a document that is too large, too deep, or no JSON."""
    try:
        size = len(msgspec.json.encode(value))
    except (OverflowError, ValueError, RecursionError) as error:
        raise InvalidArgument(f"'{field}' cannot be kept as JSON: {error}.", field=field) from error
    if size > limit:
        raise InvalidArgument(f"'{field}' has {size} bytes as JSON; at most {limit} are taken.", field=field)
    if _depth(value) > MAX_DEPTH:
        raise InvalidArgument(f"'{field}' is nested more than {MAX_DEPTH} levels deep.", field=field)


def check_schema(schema: dict[str, Any]) -> None:
    """Raise InvalidArgument for what is no JSON Schema, or cannot be checked within bounds. It may take a second."""
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import SchemaError

    check_document(schema, "schema", MAX_SCHEMA_BYTES)
    if schema.get("$schema", DRAFT) != DRAFT:
        raise InvalidArgument(f"'$schema' is '{schema['$schema']}'; it must be {DRAFT}.", field="schema")
    _check_keywords(_without_draft(schema))
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        raise InvalidArgument(f"The schema is wrong at {_told(error)}", field="schema") from error


def check_fits(value: dict[str, Any], schema: dict[str, Any], what: str) -> None:
    """Raise InvalidArgument, which names the places, unless a document fits a schema; TooLarge past the budget."""
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    validator = _validator()(_without_draft(schema), registry=Registry())
    before = _WORK.set(_Work(Budget(WORK), dict(_sizes(value))))
    try:
        wrong = [_told(error) for _, error in zip(range(MAX_TOLD), validator.iter_errors(value), strict=False)]
    except Unresolvable as error:
        raise InvalidArgument(
            f"'$ref' is '{error.ref}', which leads nowhere: it must lead into the schema itself, such as #/$defs/name.",
            field="schema",
        ) from error
    except RecursionError as error:
        raise InvalidArgument("'$ref' leads round in a circle.", field="schema") from error
    finally:
        _WORK.reset(before)
    if wrong:
        raise InvalidArgument(f"{what} does not fit its schema: at {' At '.join(wrong)}", field="value")


@cache
def _validator() -> Any:
    from jsonschema import Draft202012Validator
    from jsonschema.validators import extend

    known: dict[str, Keyword] = dict(Draft202012Validator.VALIDATORS)
    counted = {name: _counted(keyword) for name, keyword in (known | {"pattern": _pattern}).items()}
    return extend(Draft202012Validator, counted)  # type: ignore[no-untyped-call]


def _counted(keyword: Keyword) -> Keyword:
    """Return a keyword that takes what it costs from the budget before it looks."""
    compares = keyword.__name__ == "uniqueItems"

    def counted(validator: Any, told: Any, instance: Any, schema: Any) -> Iterator[ValidationError] | None:
        work = _WORK.get()
        size = len(instance) if isinstance(instance, str) else work.sizes.get(id(instance), 1)
        pairs = len(instance) ** 2 // 2 if compares and isinstance(instance, list) else 0
        work.budget.spend(10 + _width(told) + size // 64 + pairs)
        return keyword(validator, told, instance, schema)

    return counted


def _pattern(_validator: Any, pattern: str, instance: Any, _schema: Any) -> Iterator[ValidationError]:
    from jsonschema.exceptions import ValidationError

    if isinstance(instance, str) and not is_found(pattern, instance, _WORK.get().budget):
        yield ValidationError(f"{instance!r} does not match '{pattern}'")


def _width(told: Any) -> int:
    """Return how many things a keyword may have to look at for each that it is held against."""
    if isinstance(told, dict):
        return sum(len(each) if isinstance(each, list) else 1 for each in told.values())
    return len(told) if isinstance(told, list) else 1


def _sizes(node: Any) -> Iterator[tuple[int, int]]:
    """Yield the containers of a document, the document itself last, by id with the number of characters they take."""
    if not isinstance(node, dict | list):
        return
    total = 2
    for each in node.values() if isinstance(node, dict) else node:
        if isinstance(each, dict | list):
            inner = list(_sizes(each))
            yield from inner
            total += inner[-1][1]
        else:
            total += len(each) if isinstance(each, str) else 8
    yield id(node), total + (sum(map(len, node)) if isinstance(node, dict) else 0)


def _check_keywords(node: Any) -> None:
    """Refuse, wherever they stand, what leads out of the schema and what would be matched by backtracking."""
    if isinstance(node, list):
        for each in node:
            _check_keywords(each)
    if not isinstance(node, dict):
        return
    for name, wrong in (("$schema", "stands at the top alone"), ("patternProperties", "is not offered")):
        if name in node:
            raise InvalidArgument(f"'{name}' {wrong}.", field="schema")
    for name in ("$ref", "$dynamicRef"):
        target = node.get(name)
        if isinstance(target, str) and not target.startswith("#"):
            raise InvalidArgument(
                f"'{name}' is '{target[:MAX_SHOWN]}'; it must lead into the schema itself, such as #/$defs/name.",
                field="schema",
            )
    if isinstance(pattern := node.get("pattern"), str):
        check_pattern(pattern)
    for each in node.values():
        _check_keywords(each)


def _without_draft(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema without the word that would have jsonschema put its own validator in the place of ours."""
    return {name: each for name, each in schema.items() if name != "$schema"}


def _depth(node: Any) -> int:
    """Return how deep a document is nested; past the limit it is not looked further."""
    level, depth = [node], 0
    while level and depth <= MAX_DEPTH:
        level = [each for one in level for each in (one.values() if isinstance(one, dict) else one)]
        level = [each for each in level if isinstance(each, dict | list)]
        depth += 1
    return depth


def _told(error: Any) -> str:
    message = error.message if len(error.message) <= MAX_SHOWN else f"{error.message[:MAX_SHOWN]}…"
    return f"'{pointer_of(error.absolute_path)}': {message}."
