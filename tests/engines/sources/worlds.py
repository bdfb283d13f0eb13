"""The same small world in every source: a project of many kinds of files and two releases, and an empty one.

What is at home here is no source; what is asked of the files of any project goes for it as well.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from mainspring.db import migrate
from mainspring.db.engine import Database
from mainspring.engines.blobs import open_store
from mainspring.engines.sources import Release, Source, SourceFile, TreeEntry, Visibility, open_source
from mainspring.kit.actors import LOCAL
from mainspring.modules.catalog import service as catalog
from mainspring.modules.catalog.service import ProjectFiles
from mainspring.modules.files import service as files
from mainspring.modules.files.schemas import ReleaseCreate
from mainspring.modules.projects import service as projects
from mainspring.modules.projects.schemas import ProjectCreate
from mainspring.modules.projects.service import Place
from mainspring.modules.services import Services
from mainspring.server.schema import metadata
from tests.components.git_repositories import Repository
from tests.gitlab_double.data import Project, world

TOPICS = ("sharinghub:aimodel", "sharinghub:dataset", "sharinghub-aimodel", "sharinghub-dataset")
FULL, EMPTY = "eo-lab/flood-model", "eo-lab/empty-model"
NESTED, LARGE = "src/train.py", "checkpoints/flood-unet.onnx"
RELEASES = ["v1.1.0", "v1.0.0"]


def _project(path: str) -> Project:
    (found,) = [each for each in world()["projects"] if each.full_path == path]
    return found


PROJECT = _project(FULL)
README = PROJECT.files["README.md"]
(LARGE_BYTES,) = PROJECT.lfs.values()


@dataclass(frozen=True)
class World:
    """A source that has the world in it. ``token`` is somebody's there, who is a member, empty where nobody is."""

    source: Any
    token: str = ""


def seconds(time: str) -> int:
    """Return a time of the double's data as seconds since the epoch."""
    return int(datetime.fromisoformat(time.replace("Z", "+00:00")).timestamp())


def build_git_folder(folder: Path) -> Source:
    """Build the world as a folder of repositories: the one bare, the empty one with a working tree."""
    full = Repository(folder / f"{FULL}.git")
    full.configure(topics=", ".join(PROJECT.topics), title=PROJECT.name, visibility=Visibility.PUBLIC)
    (full.controldir / "description").write_text(f"{PROJECT.description}\n")
    full.add_lfs(LARGE_BYTES)
    for release in reversed(PROJECT.releases):
        at = seconds(release["released_at"])
        commit = full.commit(PROJECT.files, at)
        full.tag(release["tag_name"], commit, f"{release['name']}\n\n{release['description']}", at)
    full.commit(PROJECT.files, seconds(PROJECT.last_activity_at))
    empty = Repository(folder / EMPTY, bare=False)
    empty.configure(topics="sharinghub:aimodel", visibility=Visibility.PUBLIC)
    return open_source(f"git:{folder}", "", TOPICS)


class AtHome:
    """The projects that are at home here, asked as a source is."""

    def __init__(self, folder: Path) -> None:
        db = Database(f"sqlite:///{folder / 'a.db'}")
        migrate.upgrade(db.write_engine, metadata)
        self.services = Services(db, open_store((folder / "store").as_uri()))

    async def build(self) -> None:
        """Make the world."""
        db = self.services.db
        for path in (FULL, EMPTY):
            await db.write(projects.create_project, LOCAL, ProjectCreate(path))
        actor = await db.read(projects.acting_in, LOCAL, Place(FULL))
        contents = PROJECT.files | {LARGE: LARGE_BYTES}
        for path, content in contents.items():
            await files.put_file(self.services, actor, path, _chunks(content))
        for release in reversed(PROJECT.releases):
            wanted = ReleaseCreate(release["tag_name"], release["name"], release["description"])
            await db.write(files.create_release, actor, wanted)

    async def _files(self, project: str) -> ProjectFiles:
        found = await self.services.db.read(projects.find_place, Place(project))
        return await catalog.files_of(self.services, LOCAL, found.key)

    async def tree(self, project: str, ref: str) -> AsyncIterator[list[TreeEntry]]:
        async for page in (await self._files(project)).tree(self.services, ref):
            yield page

    @asynccontextmanager
    async def open(
        self, project: str, path: str, ref: str, start: int = 0, end: int | None = None
    ) -> AsyncIterator[SourceFile]:
        async with (await self._files(project)).open(self.services, path, ref, start, end) as file:
            yield file

    async def commit(self, project: str, ref: str) -> str:
        return await (await self._files(project)).commit(self.services, ref)

    async def releases(self, project: str) -> list[Release]:
        return await (await self._files(project)).releases(self.services)

    async def close(self) -> None:
        self.services.db.close()


async def _chunks(content: bytes) -> AsyncIterator[bytes]:
    yield content
