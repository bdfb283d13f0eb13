"""Releases: their archives as assets, and which version the project is of."""

from __future__ import annotations

from typing import Any

from mainspring.modules.catalog.service.entries import OWN_ARCHIVE, Description
from mainspring.modules.catalog.service.generating.drafts import Draft
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
    given = front.pop("version", None)
    newest = description.releases[0].tag if description.releases else None
    version = str(given) if isinstance(given, str | int | float) and not isinstance(given, bool) else newest
    if version and one_line(version, 255):
        draft.properties["version"] = one_line(version, 255)
    if description.archived or front.get("deprecated") is True:
        draft.properties["deprecated"] = True
    front.pop("deprecated", None)
