"""An item while it is made, and the project's place that its addresses count from."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field
from typing import Any

from mainspring.modules.catalog.service.entries import OWN_FILE, OWN_PROJECT, Description
from mainspring.modules.catalog.service.generating.reporting import Report
from mainspring.modules.catalog.service.generating.texts import own_path, safe_url

_OTHER = re.compile(r"([a-z0-9][a-z0-9-]{0,62})\+(https?://\S+)")
_PROJECT = re.compile(r"[\w.-]+(?:/[\w.-]+){1,19}")
_COLLECTION = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


@dataclass(frozen=True, slots=True)
class Addresses:
    """What addresses in a README count from: the folder that it is in, and where the projects of its source lie."""

    folder: str = ""
    home: str = ""

    @classmethod
    def of(cls, description: Description) -> Addresses:
        """Return those of a project."""
        url, path = safe_url(description.url) or "", description.path
        home = url[: -len(path)] if path and url.endswith(f"/{path}") else ""
        return cls(posixpath.dirname(description.readme_path), home)

    def resolve(self, href: object, mail: bool = False) -> str | None:
        """Return an address, of a file or project too, as an item may hold it; None where it may not."""
        if not isinstance(href, str) or not href.strip():
            return None
        if other := _OTHER.fullmatch(href.strip()):
            return self.project(other[1], other[2])
        if (path := own_path(href.strip(), self.folder)) is not None:
            return f"{OWN_FILE}{path}"
        return safe_url(href, mail)

    def project(self, collection: str, value: object) -> str | None:
        """Return the address of another project's item, by that project's address or path.

        A project of another source is left at its own address.
        """
        if not isinstance(value, str) or not _COLLECTION.fullmatch(collection):
            return None
        url = safe_url(value)
        if url is not None and (not self.home or not url.startswith(self.home)):
            return url
        path = (url[len(self.home) :] if url is not None else value.strip()).split("/-/")[0]
        path = path.strip("/").removesuffix(".git")
        plain = _PROJECT.fullmatch(path) and not {".", ".."} & set(path.split("/"))
        return f"{OWN_PROJECT}{collection}/{path}" if plain and len(path) <= 500 else None


@dataclass(slots=True)
class Draft:
    """The parts of an item that are not done. ``unclaimed`` are prefixes of extensions that it cannot claim."""

    report: Report
    addresses: Addresses
    properties: dict[str, Any] = field(default_factory=dict)
    assets: dict[str, dict[str, Any]] = field(default_factory=dict)
    links: list[dict[str, Any]] = field(default_factory=list)
    extensions: list[str] = field(default_factory=list)
    unclaimed: set[str] = field(default_factory=set)

    def link(
        self, rel: str, href: str, title: str = "", type: str = "", hreflang: str = "", *, given: bool = False
    ) -> None:
        """Add a link; the same one twice stays one, as it was given where it was."""
        more = (("type", type), ("title", title), ("hreflang", hreflang))
        found = {"rel": rel, "href": href, **{name: value for name, value in more if value}}
        for place, each in enumerate(self.links):
            if (each["rel"], each["href"]) == (rel, href):
                self.links[place] = found if given else each
                return
        self.links.append(found)
