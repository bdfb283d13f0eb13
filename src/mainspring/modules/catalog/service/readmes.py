"""READMEs of projects as safe HTML, for who may read their files."""

from __future__ import annotations

import re
from html import escape
from urllib.parse import urlencode

import msgspec
from sqlalchemy import Connection

from mainspring.kit.actors import Actor
from mainspring.kit.errors import NotFound
from mainspring.kit.permissions import Permission
from mainspring.modules.catalog.schemas import Readme
from mainspring.modules.catalog.service.downloads import DOWNLOADS
from mainspring.modules.catalog.service.entries import OWN_FILE, Content
from mainspring.modules.catalog.service.linting import shown
from mainspring.modules.catalog.store import index as store
from mainspring.modules.projects import service as projects

# The sanitizer has written the HTML: no text holds "<", all values are in quotes, and the path is percent-encoded.
_OWN = re.compile(rf'(<(?:a|img) (?:[^">]|"[^"]*")*?(?:href|src)="){OWN_FILE}([^"]*)')


def get_readme(tx: Connection, actor: Actor) -> Readme:
    """Return the README of the actor's project, links and pictures of its own files by their downloads.

    Raises NotFound for a project that is not in the catalog.
    """
    actor.require(Permission.ARTIFACTS_READ)
    project = projects.own_project(tx, actor)
    kept = store.find_content(tx, project.key)
    if kept is None:
        raise NotFound(f"{project.path} is not in the catalog: it has none of the topics of a category.")
    content = msgspec.json.decode(kept, type=Content)
    query = f"?{urlencode({'ref': content.ref})}" if content.ref else ""
    html = place_files(content.readme, f"{DOWNLOADS}/{project.workspace}/", query)
    return Readme(html, shown(content.warnings))


def place_files(html: str, base: str, query: str = "") -> str:
    """Return the HTML of a README with addresses of the project's own files below ``base``, which ends with ``/``."""
    return _OWN.sub(lambda found: f"{found[1]}{escape(base)}{found[2]}{escape(query)}", html)
