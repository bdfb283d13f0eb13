"""Releases: their archives as assets, and which version the project is of."""

from __future__ import annotations

from typing import Any

from mainspring.modules.catalog.service.entries import OWN_ARCHIVE, Description
from mainspring.modules.catalog.service.generating.drafts import Draft
from mainspring.modules.catalog.service.generating.properties import text_of
from mainspring.modules.catalog.service.generating.reporting import shown
from mainspring.modules.catalog.service.generating.texts import one_line, without_markup

MOST_RELEASES = 20


def add_releases(front: dict[str, Any], description: Description, draft: Draft) -> None:
    """Add the releases' archives, newest first, and which version the project is of."""
    for place, release in enumerate(description.releases[:MOST_RELEASES]):
        tag = one_line(release.tag, 255)
        if tag != release.tag or not tag:
            continue
        title = f"Release {tag}" + (f": {one_line(release.name, 200)}" if release.name not in {"", tag} else "")
        asset = {"href": f"{OWN_ARCHIVE}{tag}", "type": "application/zip", "title": title, "roles": ["source"]}
        if text := without_markup(one_line(release.description, 1000)):
            asset["description"] = text
        draft.assets.setdefault("release" if place == 0 else f"release:{tag}", asset)
    newest = description.releases[0].tag if description.releases else ""
    if version := one_line(text_of(front.pop("version", None), "version", draft.report) or newest, 255):
        draft.properties["version"] = version
    deprecated = front.pop("deprecated", None)
    if deprecated not in (None, True, False):
        message = f"deprecated is {shown(deprecated)}; it must be true or false."
        draft.report.warn("field_invalid", "deprecated", message)
    if description.archived or deprecated is True:
        draft.properties["deprecated"] = True
