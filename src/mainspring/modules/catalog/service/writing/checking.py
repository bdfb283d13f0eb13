"""Whether an item is what was said of it, and if not, why: nothing that was said is lost in silence."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mainspring.kit.errors import InvalidArgument
from mainspring.modules.catalog.service.entries import Content
from mainspring.modules.catalog.service.generating.reporting import shown
from mainspring.modules.catalog.service.said import FIXED, TIMES, Said, holds, same
from mainspring.modules.catalog.service.writing.composing import Composed, is_same_time, is_same_value
from mainspring.modules.catalog.service.writing.places import is_same_shape

_BEHIND = ("keywords", "providers")
"""Lists behind which the catalog puts what it knows: topics of other categories, and who made it."""


def check_kept(said: Said, composed: Composed, made: Content) -> None:
    """Raise InvalidArgument for the first thing that was said and that the item is not, naming its field."""
    for field, value, found in _differences(said, composed, made):
        raise InvalidArgument(f"{field} is {shown(value)}, {_reason(field, found, made)}", field=field)


def _differences(said: Said, composed: Composed, made: Content) -> Iterator[tuple[str, object, object]]:
    """Yield each field that differs, what was said of it, and what it is."""
    if said.geometry is not None and not is_same_shape(said.geometry, made.geometry):
        yield "geometry", said.geometry.get("type"), made.geometry and made.geometry.get("type")
    if said.bbox is not None and (made.bbox is None or said.bbox != made.bbox):
        yield "bbox", said.bbox, made.bbox
    yield from _of_properties(said, made)
    for key, asset in (said.assets or {}).items():
        found = made.assets.get(key)
        if found is None:
            yield f"assets.{key[:100]}", asset, None
        else:
            yield from _of_fields(f"assets.{key[:100]}", asset, found)
    for link in composed.links:
        alike = [each for each in made.links if (each["rel"], each["href"]) == (link["rel"], link["href"])]
        if not alike:
            yield "links", link, None
        elif not holds(alike[0], link):
            yield from _of_fields(f"links.{link['rel']}", link, alike[0])


def _of_properties(said: Said, made: Content) -> Iterator[tuple[str, object, object]]:
    properties = made.properties
    for name in TIMES if not said.keeps_times else ():
        value = said.properties.get(name)
        if value is not None and not is_same_time(value, properties.get(name)):
            yield f"properties.{name}", value, properties.get(name)
    for name in FIXED & said.properties.keys():
        if not same(said.properties[name], properties.get(name)):
            yield f"properties.{name}", said.properties[name], properties.get(name)
    for name, value in said.further.items():
        found = properties.get(name)
        if name in _BEHIND and isinstance(found, list) and isinstance(value, list):
            found = found[: len(value)]
        if not is_same_value(name, value, found) and value != []:
            yield f"properties.{name}", value, found


def _of_fields(where: str, value: dict[str, Any], found: dict[str, Any]) -> Iterator[tuple[str, object, object]]:
    for name, each in value.items():
        if not holds(found, {name: each}):
            yield f"{where}.{name}", each, found.get(name)


def _reason(field: str, found: object, made: Content) -> str:
    """Return why a field is not what was said: the warning that tells it, or what it would be."""
    for warning in made.warnings:
        if warning.code.startswith("front_matter"):
            return f"and cannot be kept with the rest: {warning.message}"
    kind, _, name = field.partition(".")
    name = {"geometry": "extent", "bbox": "extent"}.get(kind, name or kind)
    for warning in made.warnings:
        if kind in ("assets", "links"):
            if warning.field.partition(".")[0] == kind:
                return f"and cannot be kept: {warning.message}"
        elif warning.field.startswith(name) or (name in TIMES and "temporal" in warning.field):
            return f"and cannot be kept: {warning.message}"
    if field in ("properties.sharinghub:path", "properties.sharinghub:category"):
        return f"and is {shown(found)}; a project is moved by its own settings, not by its item."
    if found is None:
        return "and cannot be kept; leave it out."
    return f"and would be kept as {shown(found)}; send that, or leave it out."
