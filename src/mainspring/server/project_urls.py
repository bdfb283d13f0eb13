"""Projects in URLs: ``/p/<namespace>/<name>/…``, and ``/<namespace>/<name>/tracking/…`` as SharingHub has it.

The project is taken off the path before anything is routed, so that every endpoint is there for every project.
"""

from __future__ import annotations

import re

from mainspring.kit.http import PROJECT, Scope

__all__ = ["PROJECT", "take_project"]

_API = "api|ajax-api|get-artifact|model-versions|graphql|health|version"
_ENDS = f"-|mlflow|{_API}"
"""What the paths of endpoints begin with: no part of a project's path is called so."""

_OWN = re.compile(rf"/p(/[^/]+)+?(?=/(?:{_ENDS})(?:/|$)|/?$)")
_SHARINGHUB = re.compile(rf"/(?!(?:{_ENDS}|p)/)[^/]+(/[^/]+)+?/tracking(?=/(?:{_ENDS})(?:/|$)|/?$)")
_OF_PAGE = re.compile(rf"/mlflow(?=/(?:{_API})(?:/|$))")
"""What stands before the address of whatever MLflow's web page asks for, which is at ``/mlflow/``."""

_FILE = re.compile(r"/(?:datasets/)?[^/]+(?:/[^/]+)?/resolve/[^/]+/(?:.*/)?tracking", re.DOTALL)
"""A file that is called ``tracking``, by its address of the Hugging Face Hub."""


def take_project(scope: Scope) -> None:
    """Take the project off the path of a request, which its scope keeps, and ``/mlflow`` where that page asks."""
    _take_project(scope)
    if scope["path"].startswith("/mlflow/") and (match := _OF_PAGE.match(scope["path"])):
        _cut(scope, match.end(), 2)


def _take_project(scope: Scope) -> None:
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
    _cut(scope, match.end(), len(parts))


def _cut(scope: Scope, end: int, parts: int) -> None:
    """Cut off what a path begins with: its first characters, which are so many parts of it as it was sent."""
    scope["path"] = scope["path"][end:] or "/"
    raw = scope["raw_path"].split(b"/", parts)
    scope["raw_path"] = b"/" + (raw[parts] if len(raw) > parts else b"")
