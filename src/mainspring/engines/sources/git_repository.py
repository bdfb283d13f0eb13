"""One git repository on this machine, as a source of projects reads it. Everything here blocks.

Trust of what is in it: none. Names that are no file names are passed over, as are symbolic links and submodules; what
is read whole has a limit; objects and large files (LFS) are read inside the folder alone.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import yaml
from dulwich.config import ConfigFile
from dulwich.lfs import LFSPointer
from dulwich.object_store import DiskObjectStore
from dulwich.objects import Commit, ObjectID, Tag, Tree
from dulwich.refs import Ref, check_ref_format
from dulwich.repo import Repo

from mainspring.engines.sources.git_objects import CHUNK, Objects
from mainspring.engines.sources.port import Release, TreeEntry, Visibility
from mainspring.kit.errors import NotFound, TooLarge, Unavailable

MAX_TEXT = 64 * 1024
MAX_README = 1024 * 1024
MAX_TREE = 32 * 1024 * 1024
MAX_ENTRIES = 500_000
MAX_DEPTH = 100
MAX_HISTORY = 20_000
MAX_TOPICS = 100
MAX_ALTERNATES = 10
_POINTER_SIZES = range(100, 1025)
_UNNAMED = "Unnamed repository"
_SHA256 = re.compile(r"[0-9a-f]{64}")
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_HEAD = re.compile(r"ref: (refs/heads/\S{1,250})\s*")
_FRONT_MATTER = re.compile(r"\A\ufeff?---[ \t]*\r?\n(.*?)\r?\n---[ \t]*(?:\r?\n|\Z)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Declared:
    """What a repository's own configuration says of it, in a section ``[mainspring]``."""

    title: str
    visibility: Visibility
    topics: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """A file at a commit: ``sha`` is its blob's, ``sha256`` that of the large file for which the blob stands."""

    sha: bytes
    size: int
    sha256: str = ""


def is_repository(path: Path) -> bool:
    """Say whether a folder is a git repository, or has one in ``.git``."""
    return _is_control_folder(path) or _is_control_folder(path / ".git")


def _is_control_folder(path: Path) -> bool:
    return (path / "HEAD").is_file() and (path / "objects").is_dir()


def changed_at(path: Path) -> int:
    """Return when something was last pushed to a repository, or configured, in ms: older commits may be pushed later.

    Only the file system is asked, so that thousands of repositories can be looked at often. OSError without any.
    """
    folder = path if _is_control_folder(path) else path / ".git"
    head = _HEAD.fullmatch(_text(folder / "HEAD"))
    names = ["HEAD", "config", "description", "packed-refs", "refs/heads", "refs/tags", "reftable/tables.list"]
    # The folder of a branch changes with it; but one that has slashes in its name lies deeper.
    names += [head[1]] if head and check_ref_format(Ref(head[1].encode())) else []
    times = []
    for name in names:
        with suppress(FileNotFoundError, NotADirectoryError):
            times.append((folder / name).stat().st_mtime_ns // 1_000_000)
    return max(times)


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(MAX_TEXT).decode("utf-8", "replace")
    except FileNotFoundError:
        return ""


class Repository:
    """An open repository, for one thread at a time. Raises NotFound where it is kept outside of ``root``."""

    def __init__(self, path: Path, root: Path) -> None:
        self._folder = path if _is_control_folder(path) else path / ".git"
        self._root = root
        self.changed_at = changed_at(path)
        objects = self._folder / "objects"
        self._check_inside(self._folder, objects, self._folder / "refs")
        if (self._folder / "commondir").exists():
            raise NotFound("A working tree of another repository is no project.")
        self._check_inside(*_alternates(objects))
        self._repo = Repo(controldir=str(self._folder))
        store = self._repo.object_store
        assert isinstance(store, DiskObjectStore)
        self._objects = Objects(store)

    def __enter__(self) -> Repository:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the repository's files."""
        self._repo.close()

    @property
    def default_branch(self) -> str | None:
        """The branch of HEAD, else main, master or the first one; None where no branch has a commit."""
        names = {os.fsdecode(name) for name in self._repo.refs.keys(Ref(b"refs/heads/"))}
        chain, _ = self._repo.refs.follow(Ref(b"HEAD"))
        head = os.fsdecode(chain[-1]).removeprefix("refs/heads/")
        wanted = [head, "main", "master", *sorted(names)]
        return next((name for name in wanted if name in names), None)

    def commit(self, ref: str) -> Commit:
        """Return the commit of a branch, tag or commit's id. Raises NotFound."""
        for sha in self._candidates(ref):
            with suppress(KeyError):
                found = self._peel(sha)
                if isinstance(found, Commit):
                    return found
        raise NotFound(f"There is no branch, tag or commit '{ref[:200]}'.")

    def _candidates(self, ref: str) -> Iterator[bytes]:
        for kind in ("heads", "tags"):
            name = Ref(f"refs/{kind}/{ref}".encode("utf-8", "surrogateescape"))
            if check_ref_format(name):
                with suppress(KeyError):
                    yield self._repo.refs[name]
        if _COMMIT.fullmatch(ref):
            yield ref.encode()

    def _peel(self, sha: bytes) -> object:
        found: object = self._object(sha)
        for _ in range(10):
            if not isinstance(found, Tag):
                return found
            found = self._object(found.object[1])
        return None

    def _object(self, sha: bytes) -> object:
        if self._objects.size(sha) > MAX_TREE:
            raise TooLarge(f"A commit, tag or folder of more than {MAX_TREE} bytes is not read.")
        return self._repo.object_store[ObjectID(sha)]

    def created_at(self, head: Commit) -> int:
        """Return when the first commit was made, of the last ``MAX_HISTORY``, in ms."""
        commit = head
        for _ in range(MAX_HISTORY):
            if not commit.parents:
                break
            try:
                parent = self._object(commit.parents[0])
            except KeyError:  # the history is cut off there
                break
            if not isinstance(parent, Commit):
                break
            commit = parent
        return int(commit.commit_time) * 1000

    def description(self) -> str:
        """Return what git's file ``description`` says, empty for the text that git puts there."""
        text = _text(self._folder / "description").strip()
        return "" if text.startswith(_UNNAMED) else text

    def declared(self) -> Declared:
        """Return what the repository's configuration says of the project; private where it is not plain."""
        path = self._folder / "config"
        if not path.is_file():
            return Declared("", Visibility.PRIVATE, ())
        with path.open("rb") as file:
            config = ConfigFile.from_file(file, expand_includes=False)

        def values(name: str) -> list[str]:
            try:
                return [value.decode("utf-8", "replace").strip() for value in config.get_multivar("mainspring", name)]
            except KeyError:
                return []

        visibility = (values("visibility") or [""])[-1].lower()
        known = visibility in list(Visibility)
        topics = (topic.strip() for value in values("topics") for topic in value.split(","))
        return Declared(
            (values("title") or [""])[-1],
            Visibility(visibility) if known else Visibility.PRIVATE,
            tuple(dict.fromkeys(filter(None, topics))),
        )

    def topics(self, commit: Commit) -> tuple[str, ...]:
        """Return the topics that the front matter of the README names."""
        tree = self._tree(commit.tree)
        names = {name.lower(): (mode, sha) for name, mode, sha in tree.iteritems() if stat.S_ISREG(mode)}
        found = names.get(b"readme.md")
        if found is None or self._objects.size(found[1]) > MAX_README:
            return ()
        text = self._objects.read(found[1], MAX_README).decode("utf-8", "replace")
        return topics_of(text)

    def releases(self) -> list[Release]:
        """Return the tags of commits, newest first; one that cannot be read is passed over."""
        found = []
        for name in self._repo.refs.keys(Ref(b"refs/tags/")):
            with suppress(KeyError, UnicodeDecodeError, TooLarge):
                release = self._release(name.decode(), self._repo.refs[Ref(b"refs/tags/" + name)])
                found += [release] if release else []
        return sorted(found, key=lambda release: (-release.released_at, release.tag))

    def _release(self, name: str, sha: bytes) -> Release | None:
        tag, commit = self._object(sha), self._peel(sha)
        if not isinstance(commit, Commit):
            return None
        title, description, at = name, "", commit.commit_time
        if isinstance(tag, Tag):
            first, _, rest = (tag.message or b"")[:MAX_TEXT].decode("utf-8", "replace").strip().partition("\n")
            title, description = first.strip() or name, rest.strip()
            at = at if tag.tag_time is None else tag.tag_time
        return Release(name, title, description, at * 1000, commit.id.decode())

    def files(self, commit: Commit) -> Iterator[TreeEntry]:
        """Yield the files of a commit by path. Raises TooLarge past ``MAX_ENTRIES`` files and folders."""
        waiting: list[tuple[str, int, bytes, int]] = [("", stat.S_IFDIR, commit.tree, 0)]
        seen = 0
        while waiting:
            path, mode, sha, depth = waiting.pop()
            seen += 1
            if seen > MAX_ENTRIES or depth > MAX_DEPTH:
                right = f"at most {MAX_ENTRIES} files and folders, {MAX_DEPTH} deep"
                raise TooLarge(f"The repository has more files than are listed: {right}.")
            if stat.S_ISDIR(mode):
                waiting += reversed(self._inside(path, sha, depth + 1))
            elif stat.S_ISREG(mode):
                found = self._found(sha)
                yield TreeEntry(path, found.size, found.sha256, sha.decode())

    def _inside(self, path: str, sha: bytes, depth: int) -> list[tuple[str, int, bytes, int]]:
        entries = self._tree(sha).iteritems()
        ordered = sorted(entries, key=lambda entry: entry.path + b"/" if stat.S_ISDIR(entry.mode) else entry.path)
        return [
            (f"{path}/{name}" if path else name, entry.mode, entry.sha, depth)
            for entry in ordered
            if (name := _file_name(entry.path)) is not None
        ]

    def find(self, commit: Commit, path: str) -> Found:
        """Return the file at a path. Raises NotFound."""
        mode, sha = stat.S_IFDIR, commit.tree
        for part in path.split("/"):
            try:
                if not stat.S_ISDIR(mode) or _file_name(part.encode()) is None:
                    raise KeyError(part)
                mode, sha = self._tree(sha)[part.encode()]
            except (KeyError, UnicodeEncodeError):
                raise _no_file(path) from None
        if not stat.S_ISREG(mode):
            raise _no_file(path)
        return self._found(sha)

    def _found(self, sha: bytes) -> Found:
        size = self._objects.size(sha)
        if size in _POINTER_SIZES:
            pointer = LFSPointer.from_bytes(self._objects.read(sha, size))
            if pointer is not None and _SHA256.fullmatch(pointer.oid):
                return Found(sha, pointer.size, pointer.oid)
        return Found(sha, size)

    def _tree(self, sha: bytes) -> Tree:
        tree = self._object(sha)
        if not isinstance(tree, Tree):
            raise KeyError(sha)
        return tree

    def chunks(self, found: Found, start: int, end: int) -> Iterator[bytes]:
        """Yield the bytes of a file. Raises NotFound for a large file that is not in ``lfs/objects``."""
        if not found.sha256:
            return self._objects.chunks(found.sha, start, end)
        return self._large(found, start, end)

    def _large(self, found: Found, start: int, end: int) -> Iterator[bytes]:
        name = found.sha256
        path = self._folder / "lfs" / "objects" / name[:2] / name[2:4] / name
        if not path.is_file():
            raise NotFound(f"The file is kept in LFS, and {name} is not in the repository's lfs/objects.")
        self._check_inside(path)
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_size != found.size:
                raise Unavailable(f"The LFS object {name} has not the size that its pointer says.")
            file.seek(start)
            while start < end:
                chunk = file.read(min(CHUNK, end - start))
                if not chunk:
                    raise Unavailable(f"The LFS object {name} became shorter while it was read.")
                start += len(chunk)
                yield chunk

    def _check_inside(self, *paths: Path) -> None:
        for path in paths:
            if not path.resolve().is_relative_to(self._root):
                raise NotFound("A repository whose files lie outside of the folder is no project.")


def topics_of(readme: str) -> tuple[str, ...]:
    """Return the topics that a README's front matter names; none where it cannot be read."""
    # Nothing is made of the YAML but its nodes: what refers to itself many times over stays as small as it is written.
    match = _FRONT_MATTER.match(readme[:MAX_TEXT])
    if match is None:
        return ()
    try:
        root = yaml.compose(match[1], yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError, ValueError):
        return ()
    if not isinstance(root, yaml.MappingNode):
        return ()
    for key, value in root.value:
        if isinstance(key, yaml.ScalarNode) and key.value == "topics":
            nodes = value.value if isinstance(value, yaml.SequenceNode) else []
            texts = [node.value.strip() for node in nodes[:MAX_TOPICS] if isinstance(node, yaml.ScalarNode)]
            return tuple(dict.fromkeys(filter(None, texts)))
    return ()


def _alternates(objects: Path) -> list[Path]:
    """Return the folders from which a repository borrows objects, and those from which these do. Raises NotFound."""
    found: list[Path] = []
    waiting = [objects]
    while waiting:
        if len(found) > MAX_ALTERNATES:
            raise NotFound(f"A repository that borrows from more than {MAX_ALTERNATES} others is no project.")
        folder = waiting.pop()
        with suppress(FileNotFoundError):
            lines = (folder / "info" / "alternates").read_bytes()[:MAX_TEXT].splitlines()
            borrowed = [folder / os.fsdecode(line) for line in lines if line and not line.startswith(b"#")]
            found += borrowed
            waiting += borrowed
    return found


def _file_name(name: bytes) -> str | None:
    """Return the name of a file in a folder, None for what no file can be called."""
    try:
        text = name.decode()
    except UnicodeDecodeError:
        return None
    return None if text in ("", ".", "..") or "/" in text or "\0" in text else text


def _no_file(path: str) -> NotFound:
    return NotFound(f"There is no file '{path[:200]}' at this state of the project.")
