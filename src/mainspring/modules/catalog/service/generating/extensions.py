"""Which extensions an item claims: those whose fields it has, and only as far as it keeps them."""

from __future__ import annotations

import json
from typing import Any

from mainspring.modules.catalog.service.generating.checking import (
    EXTENSIONS,
    STAC_VERSION,
    VERSION,
    Extension,
    error_of,
    keep_right,
)
from mainspring.modules.catalog.service.generating.drafts import Draft
from mainspring.modules.catalog.service.generating.languages import LANGUAGE
from mainspring.modules.catalog.service.generating.properties import NAME
from mainspring.modules.catalog.service.generating.reporting import shown
from mainspring.modules.catalog.service.generating.texts import safe_url

_OF_BANDS = ("bands", "eo:", "raster:")


def prefixes_of(front: dict[str, Any], draft: Draft) -> set[str]:
    """Return the prefixes that the block ``extensions`` names, and take it out of the front matter."""
    given = front.pop("extensions", None)
    if given is None:
        return set()
    if not isinstance(given, dict):
        message = f"extensions is {shown(given)}; it must name prefixes and the addresses of their schemas."
        draft.report.warn("field_invalid", "extensions", message)
        return set()
    found = set()
    for prefix, url in given.items():
        field = f"extensions.{prefix}"
        if not NAME.fullmatch(prefix) or ":" in prefix or safe_url(url) is None:
            message = f"{field} is {shown(url)}; it must be the http(s) address of the extension's schema."
            draft.report.warn("field_invalid", field, message)
            continue
        found.add(prefix)
        if prefix not in EXTENSIONS and prefix not in {"version", "scientific"}:
            message = f"{field} is {shown(url)}, which cannot be checked here: its fields are kept, it is not claimed."
            draft.report.warn("extension_unknown", field, message)
    return found


def claim(draft: Draft) -> None:
    """Claim each extension that the item has fields of and keeps, mlm last, since it looks at others' fields."""
    keep_right(draft.properties, "", draft.report)
    _keep_bands(draft)
    for prefix in sorted(EXTENSIONS, key=lambda prefix: (prefix == "mlm", prefix)):
        holders = [draft.properties, *draft.assets.values()]
        if prefix in draft.unclaimed or not any(name.startswith(f"{prefix}:") for each in holders for name in each):
            continue
        _claim_one(EXTENSIONS[prefix], _part(draft, (f"{prefix}:", *(_OF_BANDS if prefix == "mlm" else ()))), draft)
    if "version" in draft.properties or "deprecated" in draft.properties:
        _claim_one((VERSION,), _part(draft, ("version", "deprecated", "experimental")), draft)
    if isinstance(draft.properties.get("language"), dict):
        draft.extensions.append(LANGUAGE)


def _claim_one(versions: tuple[Extension, ...], part: dict[str, Any], draft: Draft) -> None:
    error = None
    for extension in versions:
        claimed = [*draft.extensions, extension.url]
        wrong = error_of(extension, {**part, "stac_extensions": claimed})
        if wrong is None:
            draft.extensions.append(extension.url)
            return
        error = error or wrong
    name = versions[0].name
    draft.report.warn("extension_invalid", name, f"The {name} extension is not claimed: {error}.")


def _keep_bands(draft: Draft) -> None:
    """Take ``bands`` out of the properties where no asset has any: STAC allows them there only beside those."""
    if "bands" in draft.properties and not any("bands" in asset for asset in draft.assets.values()):
        del draft.properties["bands"]
        draft.report.warn("field_invalid", "bands", "bands belong to no asset; they must stand in an entry of assets.")


def _part(draft: Draft, prefixes: tuple[str, ...]) -> dict[str, Any]:
    """Return an item of what an extension looks at; of assets that are alike to it one only, for they may be many."""
    properties = {name: value for name, value in draft.properties.items() if name.startswith(prefixes)}
    seen: dict[str, dict[str, Any]] = {}
    for asset in draft.assets.values():
        kept = {name: value for name, value in asset.items() if name == "roles" or name.startswith(prefixes)}
        seen.setdefault(json.dumps(kept, sort_keys=True), kept)
    assets = {str(place): asset for place, asset in enumerate(seen.values())}
    return {
        "type": "Feature",
        "stac_version": STAC_VERSION,
        "id": "part",
        "geometry": None,
        "properties": properties,
        "assets": assets,
        "links": [],
    }
