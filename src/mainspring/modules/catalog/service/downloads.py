"""Files of any project, wherever they are kept: listed and opened for who may read them, and signed URLs of them.

Whether somebody may is decided here first, by roles and visibility as they are known here. Where a project is kept
elsewhere the source is then asked with the account's own token; what is public, and what comes from where nobody
signs in by, is asked for with the source's own.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from urllib.parse import quote, quote_plus, urlencode

import msgspec
from sqlalchemy import Connection

from mainspring.engines.sources import Release, Source, SourceFile, TreeEntry
from mainspring.kit.actors import Actor, ActorKind
from mainspring.kit.errors import InvalidArgument, NotFound, PermissionDenied, Unauthenticated, Unavailable
from mainspring.kit.permissions import Permission
from mainspring.modules.artifacts.service import signing_key
from mainspring.modules.files import service as files
from mainspring.modules.identity import service as identity
from mainspring.modules.projects import service as projects
from mainspring.modules.projects.schemas import Visibility
from mainspring.modules.projects.service import Place
from mainspring.modules.projects.service.origins import get_origin, get_source
from mainspring.modules.services import Services

DOWNLOADS = "/api/download"
SIGNED_S, SAME_S = 900, 300
MAX_PATH_BYTES = 4096
MAX_REF = 300
TREE_PAGE = 1000
MAX_RELEASES = 1000
SIGNATURE = "signature"
_NO_ACCOUNT = "none"
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class ProjectFiles:
    """The files of a project, for an actor who may read them; ``actor`` acts in the project.

    ``source`` is None for a project that is at home here; ``token`` None for the source's own.
    """

    actor: Actor
    name: str
    slug: str
    source: Source | None = None
    external_id: str = ""
    token: str | None = field(default=None, repr=False)

    async def ref(self, ref: str) -> str:
        """Return a ref, in place of none that of what is there now. Raises NotFound while there is nothing."""
        check_ref(ref)
        if ref:
            return ref
        if self.source is None:
            return files.MAIN
        with self._asking():
            project = await self.source.get(self.external_id, self.token)
        if project.default_ref is None:
            raise NotFound(f"{self.name} has no files yet.")
        return project.default_ref

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """Say what a token that is refused means here: the caller's own is not what its request was signed in by."""
        try:
            yield
        except Unauthenticated as error:
            if self.token is None:
                raise Unavailable("The project's source refuses the token that this server has for it.") from error
            raise PermissionDenied("The project's source refuses your account's token: sign in by it again.") from error

    async def tree(self, services: Services, ref: str) -> AsyncIterator[list[TreeEntry]]:
        """Yield pages of the files at a ref, by path."""
        ref = await self.ref(ref)
        if self.source is None:
            async for page in self._own_tree(services, ref):
                yield page
            return
        with self._asking():
            async for page in self.source.tree(self.external_id, ref, self.token):
                yield page

    async def _own_tree(self, services: Services, ref: str) -> AsyncIterator[list[TreeEntry]]:
        page_token = None
        while True:
            page = await services.db.read(files.list_files, self.actor, ref, "", TREE_PAGE, page_token)
            yield [TreeEntry(file.path, file.size, file.sha256, file.sha256) for file in page.items]
            page_token = page.next_page_token
            if page_token is None:
                return

    async def commit(self, services: Services, ref: str) -> str:
        """Return the id of the commit or state that a ref names."""
        ref = await self.ref(ref)
        if self.source is None:
            return await services.db.read(files.state_id, self.actor, ref)
        with self._asking():
            return await self.source.commit(self.external_id, ref, self.token)

    async def releases(self, services: Services) -> list[Release]:
        """Return the releases, newest first."""
        if self.source is None:
            page = await services.db.read(files.list_releases, self.actor, MAX_RELEASES)
            return [Release(each.tag, each.name, each.description, each.created_at, each.commit) for each in page.items]
        with self._asking():
            return await self.source.releases(self.external_id, self.token)

    @asynccontextmanager
    async def open(
        self, services: Services, path: str, ref: str, start: int = 0, end: int | None = None
    ) -> AsyncIterator[SourceFile]:
        """Open a file at a ref from ``start`` to before ``end``."""
        check_path(path)
        ref = await self.ref(ref)
        if self.source is None:
            async with files.open_file(services, self.actor, path, ref, start, end) as file:
                yield file
            return
        with self._asking():
            async with self.source.open(self.external_id, path, ref, start, end, self.token) as file:
                yield file


async def files_of(services: Services, actor: Actor, project_key: int) -> ProjectFiles:
    """Return the files of a project.

    Raises NotFound where the actor may not see the project, PermissionDenied where it may, and not its files.
    """
    found, source_name, is_public = await services.db.read(_enter, actor, project_key)
    if not source_name:
        return found
    source = services.sources.get(source_name)
    if source is None:
        raise Unavailable(f"{found.name} is kept at {source_name}, which this server does not reach any more.")
    if is_public or source_name != projects.source_of_sign_ins(services.settings) or owns_server(actor):
        token = None
    else:
        token = await projects.token_of(services, found.actor)
        if token is None:
            raise PermissionDenied(f"{found.name} is kept at {source_name}: sign in by it to read its files.")
    return ProjectFiles(found.actor, found.name, found.slug, source, found.external_id, token)


async def list_tree(
    services: Services, actor: Actor, project_key: int, ref: str = ""
) -> AsyncIterator[list[TreeEntry]]:
    """Yield pages of all files of a project at a ref, left out what is there now, by path. Raises as ``files_of``."""
    found = await files_of(services, actor, project_key)
    async for page in found.tree(services, ref):
        yield page


async def resolve_ref(services: Services, actor: Actor, project_key: int, ref: str = "") -> str:
    """Return the id of the commit, or of the state, that a ref of a project names. Raises as ``files_of``."""
    return await (await files_of(services, actor, project_key)).commit(services, ref)


@asynccontextmanager
async def open_file(
    services: Services,
    actor: Actor,
    project_key: int,
    path: str,
    ref: str = "",
    start: int = 0,
    end: int | None = None,
) -> AsyncIterator[SourceFile]:
    """Open a file of a project at a ref from ``start`` to before ``end``. Raises as ``files_of``."""
    found = await files_of(services, actor, project_key)
    async with found.open(services, path, ref, start, end) as file:
        yield file


def file_url(origin: str, slug: str, path: str, ref: str = "") -> str:
    """Return the URL of a file, or without a path of an archive of all; who asks for it must be allowed to."""
    query = f"?{urlencode({'ref': ref})}" if ref else ""
    return origin + _address(slug, path) + query


async def sign_download(
    services: Services, actor: Actor, origin: str, project_key: int, path: str, ref: str = ""
) -> str:
    """Return a URL that reads one file at one ref for a quarter of an hour at most, as the actor's account.

    What that account may do is looked at again when the URL is used: once it may not read the file, or the API key or
    session that asked is revoked, nor may whoever has the URL. Raises as ``files_of``; that there is such a file is
    not looked up.
    """
    check_path(path)
    check_ref(ref)
    found = await files_of(services, actor, project_key)
    sign = await services.db.read(file_signer, actor)
    return origin + sign(project_key, found.slug, path, ref)


def file_signer(tx: Connection, actor: Actor) -> Callable[[int, str, str, str], str]:
    """Return what signs reads as ``sign_download`` does, of a project's key and slug, a path and a ref.

    It returns path and query of a URL that needs its origin. It is for lists of many files: that the actor may read
    them now must be known. Without a path it signs an archive of all files. URLs stay the same for a few minutes.
    """
    key, account = signing_key(tx), _NO_ACCOUNT if actor.key is None else str(actor.key)
    credential = actor.credential or 0
    expires = (int(time.time()) + SIGNED_S) // SAME_S * SAME_S
    same = urlencode({"account": account, "credential": credential, "expires": expires})

    def sign(project_key: int, slug: str, path: str, ref: str) -> str:
        signature = _sign(key, [account, credential, project_key, path, ref, expires])
        return f"{_address(slug, path)}?ref={quote_plus(ref)}&{same}&{SIGNATURE}={signature}"

    return sign


async def check_signed(
    services: Services, asking: Actor, project_key: int, path: str, query: Mapping[str, str]
) -> Actor:
    """Return as whom a signed URL reads. Raises PermissionDenied if it was not signed so, or its time is over.

    ``asking`` is who the request is of without it, ``query`` the fields of the URL.
    """
    ref, account = query.get("ref", ""), query.get("account", "")
    expires, credential = _number(query.get("expires", "")), _number(query.get("credential", ""))
    key = await services.db.read(signing_key)
    signed = _sign(key, [account, credential, project_key, path, ref, expires])
    if not hmac.compare_digest(signed.encode(), query.get(SIGNATURE, "").encode()):
        raise _not_signed()
    if expires <= time.time():
        raise PermissionDenied("The time of this signed URL is over: ask for a new one.")
    if account == _NO_ACCOUNT:
        return asking
    if credential and not await services.db.read(identity.is_good, credential):
        raise PermissionDenied("This signed URL was asked for with a token or session that is no good any more.")
    if projects.source_of_sign_ins(services.settings):
        await projects.SourceAccess(services).keep_fresh(int(account))
    return Actor(f"account {account}", frozenset(), 0, int(account), ActorKind.USER)


def check_path(path: str) -> str:
    """Return the path of a file if it may be one of a repository: a ``#`` and a percent sign may be in it.

    Raises InvalidArgument.
    """
    names = path.split("/")
    try:
        size = len(path.encode())
    except UnicodeEncodeError:
        size = MAX_PATH_BYTES + 1
    if size > MAX_PATH_BYTES or _CONTROL.search(path) or any(name in ("", ".", "..") for name in names):
        raise InvalidArgument(
            f"Invalid path {path[:100]!r}: it must count from the project's root, without '.' and '..', control "
            f"characters and empty names, and have at most {MAX_PATH_BYTES} bytes.",
            field="path",
        )
    return path


def check_ref(ref: str) -> str:
    """Return a ref if it may be one. Raises InvalidArgument."""
    if len(ref) > MAX_REF or _CONTROL.search(ref) or ref.startswith("-") or ".." in ref:
        raise InvalidArgument(f"Invalid ref {ref[:100]!r}: it must be a branch, a tag or a commit.", field="ref")
    return ref


def enter(tx: Connection, actor: Actor, path: str) -> Actor:
    """Return the actor in a project that it may see. Raises NotFound, which does not tell what it is called."""
    try:
        inside = projects.acting_in(tx, actor, Place(path)) if path else None
    except NotFound:
        inside = None
    if inside is None or not inside.may(Permission.PROJECT_READ):
        raise NotFound("There is no such project, or you may not see it.")
    return inside


def _enter(tx: Connection, actor: Actor, project_key: int) -> tuple[ProjectFiles, str, bool]:
    """Return the files of a project as they are known here, the name of its source, and whether it is public."""
    path = projects.paths_of(tx, [project_key]).get(project_key, "")
    inside = enter(tx, actor, path)
    if not inside.may(Permission.ARTIFACTS_READ):
        raise PermissionDenied(f"{actor.name} lacks the permission '{Permission.ARTIFACTS_READ}' in {path}.")
    project = projects.own_project(tx, inside)
    found = ProjectFiles(inside, path, project.workspace)
    origin = get_origin(tx, project_key)
    if project.source is None or origin is None:
        return found, "", False
    found = ProjectFiles(inside, path, project.workspace, external_id=origin.external_id)
    return found, get_source(tx, origin.source).name, project.visibility == Visibility.PUBLIC


def owns_server(actor: Actor) -> bool:
    """Return whether it is the owner of a server that asks nobody to sign in, or the server itself."""
    return actor.key is None and actor.is_admin


def _address(slug: str, path: str) -> str:
    return f"{DOWNLOADS}/{quote(slug, safe='')}" + (f"/{quote(path)}" if path else "")


def _sign(key: bytes, what: list[str | int]) -> str:
    return hmac.digest(key, msgspec.json.encode(["download of a file", *what]), hashlib.sha256).hex()


def _number(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,12}", text, re.ASCII):
        raise _not_signed()
    return int(text)


def _not_signed() -> PermissionDenied:
    return PermissionDenied("This signed URL does not allow this request: its signature does not fit.")
