"""Whether fields are as STAC and its extensions want them, by the published schemas, which lie in ``schemas/``.

Fields are checked one by one, so that a wrong one costs that one alone; then what is left of an extension is checked
as a whole, and is claimed only where that is right too.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from mainspring.modules.catalog.service.generating.reporting import Report, shown
from mainspring.modules.catalog.service.generating.texts import safe_url
from mainspring.modules.catalog.service.generating.times import to_ms

if TYPE_CHECKING:
    from jsonschema import Draft7Validator, FormatChecker
    from jsonschema.exceptions import ValidationError
    from referencing import Registry

STAC_VERSION = "1.1.0"
_CORE = "https://schemas.stacspec.org/v1.1.0/item-spec/json-schema/{}.json"
_EXTENSION = "https://stac-extensions.github.io/{}/{}/schema.json"
_COMMON = ("basics", "datetime", "instrument", "licensing", "provider", "data-values", "bands")


@dataclass(frozen=True, slots=True)
class Extension:
    """A version of an extension, and where in its schema the fields are."""

    name: str
    version: str
    fields: tuple[str, ...]

    @property
    def url(self) -> str:
        """Return what an item claims it by."""
        return _EXTENSION.format(self.name, self.version)


_FIELDS = ("definitions", "fields")
EXTENSIONS: Mapping[str, tuple[Extension, ...]] = MappingProxyType(
    {
        "classification": (Extension("classification", "v1.1.0", _FIELDS),),
        # Version 2 of these two is newer, but the clients that know the first only are most of them.
        "eo": (Extension("eo", "v1.1.0", _FIELDS), Extension("eo", "v2.0.0", _FIELDS)),
        "raster": (
            Extension("raster", "v1.1.0", ("definitions", "assetfields")),
            Extension("raster", "v2.0.0", _FIELDS),
        ),
        "file": (Extension("file", "v2.1.0", _FIELDS),),
        "ml-model": (Extension("ml-model", "v1.0.0", ("definitions", "common_fields")),),
        "mlm": (Extension("mlm", "v1.5.2", ("$defs", "fields")),),
        "processing": (Extension("processing", "v1.2.0", _FIELDS),),
        "sci": (Extension("scientific", "v1.0.0", _FIELDS),),
    }
)
"""The extensions that can be claimed, by the prefix of their fields; of several versions the first that fits."""

VERSION = Extension("version", "v1.2.0", _FIELDS)
_PREPARED = ("processing", "v1.1.0"), (VERSION.name, VERSION.version)
"""Schemas beside those of ``EXTENSIONS``: one that mlm refers to, and one whose fields have no prefix."""


@cache
def _schemas() -> dict[str, dict[str, Any]]:
    folder = resources.files(__package__) / "schemas"
    names = {(each.name, each.version) for versions in EXTENSIONS.values() for each in versions} | set(_PREPARED)
    found = {_CORE.format(name): json.loads((folder / "stac" / f"{name}.json").read_bytes()) for name in _COMMON}
    found[_CORE.format("common")] = json.loads((folder / "stac" / "common.json").read_bytes())
    for name, version in names:
        found[_EXTENSION.format(name, version)] = json.loads((folder / "ext" / name / f"{version}.json").read_bytes())
    return found


@cache
def _registry() -> Registry[Any]:
    from referencing import Registry
    from referencing.jsonschema import DRAFT7

    pairs = ((url, DRAFT7.create_resource(schema)) for url, schema in _schemas().items())
    return Registry().with_resources(pairs)


@cache
def validator(url: str, *pointer: str) -> Draft7Validator:
    """Return what validates by a schema, or by the part of it that a pointer leads to."""
    schema = {"$ref": f"{url}#/{'/'.join(pointer)}"} if pointer else _schemas()[url]
    return _kind()(schema, registry=_registry(), format_checker=_formats())


@cache
def _kind() -> type[Draft7Validator]:
    """Return the validator of draft 7, but one that takes no square of the time to see that values are unlike."""
    from jsonschema import Draft7Validator
    from jsonschema.exceptions import ValidationError
    from jsonschema.validators import extend

    def unlike(_: object, wanted: bool, values: object, __: object) -> Iterator[ValidationError]:
        if wanted and isinstance(values, list) and len({json.dumps(_number(each)) for each in values}) < len(values):
            yield ValidationError("has the same value twice")

    kind: type[Draft7Validator] = extend(Draft7Validator, {"uniqueItems": unlike})  # type: ignore[no-untyped-call]
    return kind


def _number(value: object) -> object:
    """Return a value in which numbers and mappings that are equal to JSON schema are written alike."""
    match value:
        case float() if value.is_integer():
            return int(value)
        case list():
            return [_number(each) for each in value]
        case dict():
            return {name: _number(value[name]) for name in sorted(value)}
        case _:
            return value


@cache
def _formats() -> FormatChecker:
    from jsonschema import FormatChecker

    checker = FormatChecker(formats=())
    checker.checks("date-time")(lambda value: not isinstance(value, str) or to_ms(value) is not None)
    for name in ("iri", "uri"):
        checker.checks(name)(lambda value: not isinstance(value, str) or safe_url(value) == value)
    return checker


@cache
def _common_fields() -> dict[str, str]:
    """Return the schema that each of STAC's common fields is in."""
    schemas = _schemas()
    return {name: _CORE.format(each) for each in _COMMON for name in schemas[_CORE.format(each)]["properties"]}


def is_common(name: str) -> bool:
    """Return whether a field is one of STAC's own."""
    return name in _common_fields()


def _fields_of(extension: Extension) -> Mapping[str, Any]:
    part: Any = _schemas()[extension.url]
    for step in extension.fields:
        part = part[step]
    fields: Mapping[str, Any] = part["properties"]
    return fields


def wrong_with(name: str, value: object) -> tuple[str, str] | None:
    """Return the code and what would be right for a field that must not have this value, None where it may.

    A field of an extension that cannot be checked is never wrong.
    """
    if is_common(name):
        error = _first_error(validator(_common_fields()[name], "properties", name), value)
        return None if error is None else ("field_invalid", right_for(error))
    prefix, colon, _ = name.partition(":")
    if not colon or prefix not in EXTENSIONS:
        return None
    versions = [each for each in EXTENSIONS[prefix] if name in _fields_of(each)]
    if not versions:
        return "extension_invalid", f"the extension {EXTENSIONS[prefix][0].name} has no such field"
    errors = [_first_error(validator(each.url, *each.fields, "properties", name), value) for each in versions]
    if errors[0] is None or None in errors:
        return None
    return "extension_invalid", right_for(errors[0])


def keep_right(holder: dict[str, Any], where: str, report: Report) -> None:
    """Take the fields with a wrong value out of properties or an asset, each with a warning."""
    for name in list(holder):
        wrong = wrong_with(name, holder[name])
        if wrong is not None:
            code, right = wrong
            report.warn(code, f"{where}{name}", f"{where}{name} is {shown(holder.pop(name))}; {right}.")


def _first_error(check: Draft7Validator, value: object) -> ValidationError | None:
    from jsonschema.exceptions import best_match

    return None if check.is_valid(value) else best_match(check.iter_errors(value))


def right_for(error: ValidationError) -> str:
    """Return what would be right in place of what a schema found wrong."""
    wanted: Any = error.validator_value
    inside = ".".join(str(part) for part in error.absolute_path)
    place = f"its {inside}" if inside else "it"
    match error.validator:
        case "type":
            kinds = wanted if isinstance(wanted, list) else [wanted]
            return f"{place} must be of the type {' or '.join(kinds)}"
        case "enum":
            return f"{place} must be one of {', '.join(map(str, wanted))}"
        case "const":
            return f"{place} must be {shown(wanted)}"
        case "minimum" | "exclusiveMinimum":
            return f"{place} must be {'at least' if error.validator == 'minimum' else 'more than'} {wanted}"
        case "maximum":
            return f"{place} must be at most {wanted}"
        case "pattern":
            return f"{place} must match {wanted}"
        case "required":
            present: Any = error.instance
            missing = [name for name in wanted if name not in present]
            return f"{place} must have {', '.join(missing)}"
        case "minItems" | "minLength" | "minProperties":
            return f"{place} must not be empty"
        case "uniqueItems":
            return f"{place} must not have the same value twice"
        case "format":
            return f"{place} must be of the format {wanted}"
        case _:
            return f"{place} does not keep the schema of STAC or of its extension"


def error_of(extension: Extension, item: dict[str, Any]) -> str | None:
    """Return what would be right for an item that claims an extension and does not keep it, None where it does."""
    error = _first_error(validator(extension.url), item)
    return None if error is None else right_for(error)
