"""The same small world in every source: a project of many kinds of files and two releases, and an empty one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from mainspring.engines.sources import Source, Visibility, open_source
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

    source: Source
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
