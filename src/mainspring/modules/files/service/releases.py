"""Releases: the files of a project as they are at one moment, under a tag, for ever."""

from __future__ import annotations

import re

from sqlalchemy import Connection

from mainspring.kit.actors import Actor
from mainspring.kit.errors import AlreadyExists, FailedPrecondition, InvalidArgument, NotFound, Unavailable
from mainspring.kit.events import Event, publish
from mainspring.kit.names import check_text
from mainspring.kit.pages import Page, position_of, query_mark, token_of
from mainspring.kit.permissions import Permission
from mainspring.kit.time import now_ms
from mainspring.modules.files import store
from mainspring.modules.files.schemas import Release, ReleaseCreate
from mainspring.modules.files.service.files import check_writable
from mainspring.modules.files.service.states import MAIN, current_state, is_state

MAX_PAGE = 1000
MAX_NAME = 200
MAX_DESCRIPTION = 100_000
_TAG = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}")


def list_releases(tx: Connection, actor: Actor, max_results: int = 100, page_token: str | None = None) -> Page[Release]:
    """Return a page of the releases, newest first."""
    actor.require(Permission.ARTIFACTS_READ)
    if not 1 <= max_results <= MAX_PAGE:
        raise InvalidArgument(f"max_results is {max_results}; it must be 1 to {MAX_PAGE}.", field="max_results")
    mark = query_mark("releases", actor.project)
    before = int(position_of(page_token, mark, (int,))[0]) if page_token else None
    found = store.list_releases(tx, actor.project, before, max_results + 1)
    more = len(found) > max_results
    return Page(
        [release for _, release in found[:max_results]], token_of(mark, [found[max_results - 1][0]]) if more else None
    )


def get_release(tx: Connection, actor: Actor, tag: str) -> Release:
    """Return a release by its tag. Raises NotFound."""
    actor.require(Permission.ARTIFACTS_READ)
    found = store.find_release(tx, actor.project, tag)
    if found is None:
        raise _no_release(tag)
    [(_, release)] = store.list_releases(tx, actor.project, found.key + 1, 1)
    return release


def create_release(tx: Connection, actor: Actor, wanted: ReleaseCreate) -> Release:
    """Release the files as they are now. Raises AlreadyExists for a tag that is taken, FailedPrecondition.

    There must be files, and where a state is named they must be in it.
    """
    check_writable(tx, actor)
    _check(wanted)
    if store.find_release(tx, actor.project, wanted.tag) is not None:
        raise AlreadyExists(f"There is a release '{wanted.tag}' already: releases do not change.", field="tag")
    hashes = {sha256 for _, sha256 in store.all_of(tx, actor.project)}
    if not hashes:
        raise FailedPrecondition("The project has no files that could be released: put some first.")
    if store.use_blobs(tx, actor.project, hashes) < len(hashes):
        raise Unavailable("Files were changed meanwhile: ask again.", retry_after=1)
    state = current_state(tx, actor.project)
    if wanted.commit not in (None, state):
        raise FailedPrecondition(f"The files are in the state {state}, and not in {wanted.commit}.", field="commit")
    name = wanted.name or wanted.tag
    release = Release(wanted.tag, name, wanted.description, state, 0, 0, actor.name, now_ms())
    files, size = store.insert_release(tx, actor.project, release)
    after = {"commit": state, "files": files, "size": size, "name": name}
    publish(tx, Event("release.create", wanted.tag, actor, actor.project, after=after))
    return get_release(tx, actor, wanted.tag)


def delete_release(tx: Connection, actor: Actor, tag: str) -> None:
    """Delete a release; files that are as they were then stay. Raises NotFound."""
    check_writable(tx, actor)
    found = store.find_release(tx, actor.project, tag)
    if found is None:
        raise _no_release(tag)
    hashes = store.delete_release(tx, found.key)
    store.release_blobs(tx, actor.project, hashes, now_ms())
    publish(tx, Event("release.delete", tag, actor, actor.project, before={"commit": found.state}))


def _check(wanted: ReleaseCreate) -> None:
    if not _TAG.fullmatch(wanted.tag) or ".." in wanted.tag or wanted.tag == MAIN or is_state(wanted.tag):
        raise InvalidArgument(
            f"The tag is '{wanted.tag[:100]}'; it must be 1 to 100 letters, digits, dots, dashes, underscores and plus "
            f"signs, begin with a letter or digit, and be neither '{MAIN}' nor 64 hexadecimal digits.",
            field="tag",
        )
    for field, text, most in (("name", wanted.name, MAX_NAME), ("description", wanted.description, MAX_DESCRIPTION)):
        if len(check_text(text, field)) > most:
            raise InvalidArgument(f"{field} has {len(text)} characters, at most {most} are allowed.", field=field)


def _no_release(tag: str) -> NotFound:
    return NotFound(f"There is no release '{tag[:100]}'.", field="tag")
