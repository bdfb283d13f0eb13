"""Projects in URLs: ``/p/<namespace>/<name>/…``, and ``/<namespace>/<name>/tracking/…`` as SharingHub has it.

The project is taken off the path before anything is routed, so that every endpoint is there for every project.
"""

from __future__ import annotations

import re

from mainspring.kit.http import Scope

PROJECT = "mainspring.project"
"""Where the scope of a request keeps the path of the project that its URL names; absent where it names none."""

_ENDS = "api|ajax-api|get-artifact|model-versions|graphql|health|version"
"""What the paths of endpoints begin with: no part of a project's path is called so."""

_OWN = re.compile(rf"/p(/[^/]+)+?(?=/(?:{_ENDS})(?:/|$)|/?$)")
_SHARINGHUB = re.compile(rf"/(?!(?:{_ENDS}|p)/)[^/]+(/[^/]+)+?/tracking(?=/(?:{_ENDS})(?:/|$)|/?$)")
_FILE = re.compile(r"/(?:datasets/)?[^/]+(?:/[^/]+)?/resolve/[^/]+/(?:.*/)?tracking", re.DOTALL)
"""A file that is called ``tracking``, by its address of the Hugging Face Hub."""


def take_project(scope: Scope) -> None:
    """Take the project off the path of a request, and keep it in its scope."""
    path: str = scope["path"]
    if path.startswith(("/api/", "/ajax-api/")):
        return
    if path.startswith("/p/"):
        match, first, last = _OWN.match(path), 2, 0
    elif "/tracking" in path and not _FILE.fullmatch(path):
        match, first, last = _SHARINGHUB.match(path), 1, 1
    else:
        return
    if match is None:
        return
    parts = match[0].split("/")
    scope[PROJECT] = "/".join(parts[first : len(parts) - last]).lower()
    scope["path"] = path[match.end() :] or "/"
    raw = scope["raw_path"].split(b"/", len(parts))
    scope["raw_path"] = b"/" + (raw[len(parts)] if len(raw) > len(parts) else b"")
