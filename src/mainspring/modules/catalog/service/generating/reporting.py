"""Warnings of a project's metadata: a closed list of codes, and a report that gathers them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType

from mainspring.modules.catalog.service.entries import Warning

CODES: Mapping[str, str] = MappingProxyType(
    {
        "asset_invalid": "An entry of `assets` that names neither a file nor an address, or is no entry at all.",
        "asset_key_taken": "Two files would have the same key in the item; the later one is left out.",
        "asset_missing": "No file of the project matches an entry of `assets`.",
        "assets_too_many": "There are more files than an item may hold; the rest is left out.",
        "doi_invalid": "A DOI that is none.",
        "extension_invalid": "A field that is not as its STAC extension wants it, or an extension that is not claimed.",
        "extension_unknown": "An extension that cannot be checked here: its fields are kept, it is not claimed.",
        "extent_invalid": "A place that is none, or outside of the world; it is left out.",
        "extent_reordered": "A bounding box whose corners were the wrong way round; they were put right.",
        "field_invalid": "A field with a value that it cannot have; it is left out.",
        "field_reserved": "A field that the catalog fills in by itself; it is left out.",
        "files_not_readable": "The files of the project cannot be read by this server.",
        "files_too_many": "The project has more files than are looked at.",
        "front_matter_invalid": "The front matter is not YAML; none of it is used.",
        "front_matter_too_large": "The front matter is larger or deeper than is read; none of it is used.",
        "front_matter_unclosed": "The README begins with `---`, and no later line `---` ends the front matter.",
        "key_duplicate": "A key that stands twice; the later one is used.",
        "license_unknown": "A license that is not by its SPDX identifier.",
        "link_invalid": "A link without address or relation, or with one that a link may not have.",
        "mlm_changed": "A field of `mlm` was changed into what the extension allows.",
        "mlm_incomplete": "Fields without which the mlm or ml-model extension cannot be claimed.",
        "preview_unusable": "A preview that is no picture of the project, nor the address of one.",
        "readme_too_long": "The README is longer than is shown; the rest is left out.",
        "releases_not_readable": "The releases of the project cannot be read by this server.",
        "temporal_invalid": "A time that is none; it is left out.",
        "temporal_open": "A span of time with an open end, for which the project's own time was put.",
        "text_too_long": "A text that is longer than an item may hold; it was cut.",
        "url_unsafe": "An address that is not http or https, or that carries a password or token; it is left out.",
        "value_unsupported": "A value that JSON has not, or YAML that is not read: aliases, tags, NaN, nested keys.",
    }
)
"""What each code means."""

MOST = 100
"""How many warnings a project has at most."""


class Report:
    """The warnings of one project, in the order in which they were found."""

    def __init__(self) -> None:
        self._found: dict[Warning, None] = {}

    def warn(self, code: str, field: str, message: str) -> None:
        """Add a warning; the same one twice stays one. KeyError for a code that is not documented."""
        CODES[code]
        if len(self._found) < MOST:
            self._found[Warning(code, field[:200], message[:600])] = None

    @property
    def warnings(self) -> list[Warning]:
        """What was found."""
        return list(self._found)


def shown(value: object) -> str:
    """Return a value as a message names it: as JSON, cut short."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 80 else f"{text[:79]}…"
