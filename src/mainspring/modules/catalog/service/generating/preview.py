"""The picture of a project."""

from __future__ import annotations

from typing import Any

from mainspring.modules.catalog.service.entries import OWN_FILE, OWN_PROJECT, Description
from mainspring.modules.catalog.service.generating.drafts import Draft
from mainspring.modules.catalog.service.generating.media_types import PICTURES, ending
from mainspring.modules.catalog.service.generating.rendering import Readme
from mainspring.modules.catalog.service.generating.texts import safe_url


def add_preview(front: dict[str, Any], description: Description, readme: Readme, draft: Draft) -> None:
    """Add the asset and link ``preview``: what the front matter says, the README shows, or the project has."""
    given = front.pop("preview", None) or front.pop("thumbnail", None)
    front.pop("thumbnail", None)
    href = draft.addresses.resolve(given) if given is not None else None
    if given is not None and (href is None or href.startswith(OWN_PROJECT)):
        right = "it must be a picture of the project, or the http(s) address of one"
        draft.report.warn("preview_unusable", "preview", f"preview is no picture that can be shown; {right}.")
        href = None
    href = href or _shown_in(readme, draft) or _file_called_preview(description) or safe_url(description.picture)
    if href is None:
        return
    asset: dict[str, Any] = {"href": href, "title": "Preview", "roles": ["thumbnail", "overview"]}
    if (found := ending(href.split("?")[0], PICTURES)) is not None:
        asset["type"] = PICTURES[found]
    draft.assets.setdefault("preview", asset)
    draft.link("preview", href, type=asset.get("type", ""))


def _shown_in(readme: Readme, draft: Draft) -> str | None:
    for text, src in readme.pictures():
        if text.strip().lower() in {"preview", "thumbnail"}:
            href = draft.addresses.resolve(src)
            if href is not None and not href.startswith(OWN_PROJECT):
                return href
            right = "it must be a picture of the project, or the http(s) address of one"
            message = f"The README's picture called '{text.strip()}' cannot be shown; {right}."
            draft.report.warn("preview_unusable", "", message)
    return None


def _file_called_preview(description: Description) -> str | None:
    names = sorted(f"preview{each}" for each in PICTURES)
    paths = sorted(each.path for each in description.files if each.path.lower() in names)
    return f"{OWN_FILE}{paths[0]}" if paths else None
