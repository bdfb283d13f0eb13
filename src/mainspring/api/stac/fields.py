"""The fields extension: an answer with some of its fields alone."""

from __future__ import annotations

from typing import Any

from mainspring.api.stac.queries import Fields

ALWAYS = ("type", "stac_version", "id", "collection")
"""What an item is not one without."""


def choose_fields(item: dict[str, Any], fields: Fields) -> dict[str, Any]:
    """Return an item with the fields that are asked for; what is both included and excluded is included."""
    if fields.include:
        shown: dict[str, Any] = {name: item[name] for name in ALWAYS if name in item}
        for path in sorted(fields.include):
            _copy(item, shown, _parts(item, path))
        return shown
    for path in fields.exclude:
        _remove(item, _parts(item, path))
    return item


def _parts(item: dict[str, Any], path: str) -> list[str]:
    """Return the keys on the way to a field; the name of a property may be given without ``properties.``."""
    parts = path.split(".")
    if parts[0] in item or parts[0] not in item.get("properties", {}):
        return parts
    return ["properties", *parts]


def _copy(source: dict[str, Any], target: dict[str, Any], parts: list[str]) -> None:
    *above, name = parts
    for part in above:
        inner = source.get(part)
        if not isinstance(inner, dict):
            return
        within = target.get(part)
        if within is inner:
            return
        source, target = inner, target.setdefault(part, {})
    if name in source:
        target[name] = source[name]


def _remove(item: dict[str, Any], parts: list[str]) -> None:
    *above, name = parts
    for part in above:
        inner = item.get(part)
        if not isinstance(inner, dict):
            return
        item = inner
    item.pop(name, None)
