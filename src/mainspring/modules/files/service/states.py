"""States of a project's files: what a ``ref`` names.

``main`` is what is there now, a tag what was released by it, and 64 hexadecimal digits the state that has them for
its id: the SHA-256 of the list of files.
"""

from __future__ import annotations

import hashlib
import re

from sqlalchemy import Connection

from mainspring.kit.actors import Actor
from mainspring.kit.errors import NotFound
from mainspring.kit.permissions import Permission
from mainspring.modules.files import store
from mainspring.modules.files.store import ReleaseRecord

MAIN = "main"
_STATE = re.compile(r"[0-9a-f]{64}")


def state_id(tx: Connection, actor: Actor, ref: str = MAIN) -> str:
    """Return the id of the state that a ref names: it differs where a path or a content does. Raises NotFound.

    It is the SHA-256 of ``<sha256>  <path>`` in lines by path, each with its end of line, in UTF-8.
    """
    actor.require(Permission.ARTIFACTS_READ)
    release = release_of(tx, actor, ref)
    return release.state if release else current_state(tx, actor.project)


def release_of(tx: Connection, actor: Actor, ref: str) -> ReleaseRecord | None:
    """Return the release that a ref names, None for what is there now. Raises NotFound for a ref that names nothing."""
    if ref == MAIN:
        return None
    found = store.find_release(tx, actor.project, ref)
    if found is None and is_state(ref):
        found = store.find_state(tx, actor.project, ref)
        if found is None and current_state(tx, actor.project) == ref:
            return None
    if found is None:
        raise NotFound(
            f"There is no ref '{ref[:100]}': it is '{MAIN}', the tag of a release, or the id of a state.", field="ref"
        )
    return found


def is_state(ref: str) -> bool:
    """Return whether a text is like the id of a state."""
    return bool(_STATE.fullmatch(ref))


def current_state(tx: Connection, project: int) -> str:
    """Return the id of the state that a project's files are in."""
    digest = hashlib.sha256()
    for path, sha256 in store.all_of(tx, project):
        digest.update(f"{sha256}  {path}\n".encode())
    return digest.hexdigest()
