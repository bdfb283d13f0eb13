"""Git repositories as tests want them: of files that are given, with large files, tags and a configuration."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dulwich.objects import Blob, Commit, ObjectID, Tag, Tree
from dulwich.refs import Ref
from dulwich.repo import Repo

AUTHOR = b"Ada Tester <ada@example.org>"


def lfs_pointer(content: bytes) -> bytes:
    """Return what stands in git for a large file."""
    oid = hashlib.sha256(content).hexdigest()
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {len(content)}\n".encode()


class Repository:
    """A repository that a test fills; ``controldir`` is where git keeps it."""

    def __init__(self, path: Path, bare: bool = True) -> None:
        path.mkdir(parents=True)
        self.repo = Repo.init_bare(str(path)) if bare else Repo.init(str(path))
        self.repo.refs.set_symbolic_ref(Ref(b"HEAD"), Ref(b"refs/heads/main"))
        self.controldir = Path(self.repo.controldir())

    def commit(self, files: Mapping[str, bytes], at: int, branch: str = "main", message: str = "Work") -> str:
        """Commit a whole tree of files on a branch, at a time in seconds; return the commit's id."""
        return self.commit_tree(self.add_tree(files), at, branch, message)

    def commit_tree(self, tree: ObjectID, at: int, branch: str = "main", message: str = "Work") -> str:
        """Commit a tree that is there."""
        ref = Ref(f"refs/heads/{branch}".encode())
        commit = Commit()
        commit.tree, commit.message = tree, message.encode()
        commit.author = commit.committer = AUTHOR
        commit.author_time = commit.commit_time = at
        commit.author_timezone = commit.commit_timezone = 0
        commit.parents = [self.repo.refs[ref]] if ref in self.repo.refs else []
        self.repo.object_store.add_object(commit)
        self.repo.refs[ref] = commit.id
        return commit.id.decode()

    def add_tree(self, files: Mapping[str, Any]) -> ObjectID:
        """Keep a tree of files by path; (mode, id) stands for an entry as it is."""
        tree, folders = Tree(), {}
        for path, content in files.items():
            name, _, rest = path.partition("/")
            if rest:
                folders.setdefault(name, {})[rest] = content
            elif isinstance(content, tuple):
                tree.add(name.encode(), *content)
            else:
                tree.add(name.encode(), 0o100644, self.add_blob(content))
        for name, inside in folders.items():
            tree.add(name.encode(), 0o040000, self.add_tree(inside))
        self.repo.object_store.add_object(tree)
        return tree.id

    def add_blob(self, content: bytes) -> ObjectID:
        """Keep a file's content."""
        blob = Blob.from_string(content)
        self.repo.object_store.add_object(blob)
        return blob.id

    def add_lfs(self, content: bytes) -> bytes:
        """Keep a large file, and return its pointer."""
        oid = hashlib.sha256(content).hexdigest()
        path = self.controldir / "lfs" / "objects" / oid[:2] / oid[2:4] / oid
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return lfs_pointer(content)

    def tag(self, name: str, commit: str, message: str = "", at: int = 0) -> None:
        """Tag a commit, with a message where one is given."""
        sha = ObjectID(commit.encode())
        if message:
            tag = Tag()
            tag.name, tag.message, tag.tagger = name.encode(), message.encode(), AUTHOR
            tag.tag_time, tag.tag_timezone, tag.object = at, 0, (Commit, sha)
            self.repo.object_store.add_object(tag)
            sha = tag.id
        self.repo.refs[Ref(f"refs/tags/{name}".encode())] = sha

    def configure(self, **values: str) -> None:
        """Write the section ``[mainspring]``."""
        config = self.repo.get_config()
        for name, value in values.items():
            config.set((b"mainspring",), name.encode(), value.encode())
        config.write_to_path()

    def pack(self) -> None:
        """Pack all objects, as git does now and then, and refs."""
        store = self.repo.object_store
        store.repack()
        self.repo.refs.pack_refs(all=True)
