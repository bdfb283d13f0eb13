"""A folder of git repositories: what is special to it, and what hostile or broken repositories try."""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from dulwich.object_store import DiskObjectStore
from dulwich.objects import ObjectID
from dulwich.pack import PackData
from structlog.testing import capture_logs

from mainspring.engines.sources import (
    Source,
    SourceProject,
    TreeEntry,
    Visibility,
    git_objects,
    git_repository,
    open_source,
)
from mainspring.engines.sources.git_objects import Objects
from mainspring.engines.sources.git_repository import topics_of
from mainspring.kit.errors import MainspringError, NotFound, TooLarge, Unavailable
from tests.components.git_repositories import Repository, lfs_pointer

AT = 1_700_000_000
README = b"---\ntopics: [sharinghub:dataset, tides]\n---\n# Tides\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "repositories"


def source_of(folder: Path, *topics: str) -> Source:
    return open_source(f"git:{folder}", "", topics)


def listed(folder: Path, *topics: str, since: int | None = None) -> dict[str, SourceProject]:
    async def collect() -> dict[str, SourceProject]:
        source = source_of(folder, *topics)
        return {each.path: each async for page in source.list_changed(since) for each in page}

    return asyncio.run(collect())


def entries(folder: Path, project: str = "lab/sea", ref: str = "main") -> list[TreeEntry]:
    async def collect() -> list[TreeEntry]:
        return [entry async for page in source_of(folder).tree(project, ref) for entry in page]

    return asyncio.run(collect())


def read(folder: Path, path: str, ref: str = "main", start: int = 0, end: int | None = None) -> bytes:
    async def collect() -> bytes:
        async with source_of(folder).open("lab/sea", path, ref, start, end) as file:
            return b"".join([chunk async for chunk in file.chunks])

    return asyncio.run(collect())


def get(folder: Path, project: str = "lab/sea") -> SourceProject:
    return asyncio.run(source_of(folder).get(project))


@pytest.fixture
def sea(folder: Path) -> Repository:
    return Repository(folder / "lab" / "sea.git")


def test_what_says_nothing_is_private(folder: Path, sea: Repository) -> None:
    sea.commit({"README.md": b"# Sea\n"}, AT)
    project = get(folder)
    assert (project.id, project.title, project.description) == ("lab/sea", "sea", "")
    assert (project.visibility, project.topics, project.url) == (Visibility.PRIVATE, (), "")


def test_an_unknown_visibility_is_private(folder: Path, sea: Repository) -> None:
    sea.configure(visibility="everybody")
    assert get(folder).visibility is Visibility.PRIVATE


def test_topics_of_the_readme_count_where_the_configuration_has_none(folder: Path, sea: Repository) -> None:
    sea.commit({"ReadMe.md": README}, AT)
    assert get(folder).topics == ("sharinghub:dataset", "tides")
    assert "lab/sea" in listed(folder, "SharingHub:Dataset")
    assert listed(folder, "sharinghub:aimodel") == {}
    sea.configure(topics="one, two words ,, one")
    assert get(folder).topics == ("one", "two words")


def test_repositories_lie_at_several_depths(folder: Path) -> None:
    for place in ("alone.git", "lab/sea.git", "lab/deep/er/sea", "1/2/3/4/5/6", "1/2/3/4/5/x/7", ".hidden/sea.git"):
        Repository(folder / place, bare=place.endswith(".git"))
    Repository(folder / "lab/sea.git/inside.git")
    found = listed(folder)
    assert sorted(found) == ["1/2/3/4/5/6", "lab/deep/er/sea", "lab/sea", "repositories/alone"]
    assert found["repositories/alone"].id == "alone"
    for project in (*found, "alone"):
        assert get(folder, project).path in found
    for project in ("1/2/3/4/5/x/7", ".hidden/sea", "lab/sea.git/inside", "lab/sea.git/objects", "lab"):
        with pytest.raises(NotFound):
            get(folder, project)


def test_of_two_that_are_called_the_same_the_first_counts(folder: Path, sea: Repository) -> None:
    sea.configure(title="bare")
    Repository(folder / "lab" / "sea", bare=False).configure(title="with files")
    with capture_logs() as logs:
        assert listed(folder)["lab/sea"].title == get(folder).title == "with files"
    assert [line["event"] for line in logs] == ["repository_skipped"]


def test_links_lead_to_no_project(folder: Path, sea: Repository, tmp_path: Path) -> None:
    Repository(tmp_path / "outside" / "secret.git")
    (folder / "lab" / "link.git").symlink_to(tmp_path / "outside" / "secret.git")
    (folder / "far").symlink_to(tmp_path / "outside")
    (folder / "lab" / "again.git").symlink_to(folder / "lab" / "sea.git")
    assert list(listed(folder)) == ["lab/sea"]
    for project in ("lab/link", "lab/link.git", "far/secret", "lab/again", "../outside/secret"):
        with pytest.raises(NotFound):
            get(folder, project)


@pytest.mark.parametrize("part", ["objects", "refs"])
def test_parts_of_a_repository_that_lie_elsewhere_are_not_read(
    folder: Path, sea: Repository, tmp_path: Path, part: str
) -> None:
    sea.commit({"a": b"a"}, AT)
    (folder / "lab" / "sea.git" / part).rename(tmp_path / part)
    (folder / "lab" / "sea.git" / part).symlink_to(tmp_path / part)
    assert listed(folder) == {}
    with pytest.raises(NotFound):
        read(folder, "a")


def test_objects_are_not_borrowed_from_outside(folder: Path, sea: Repository, tmp_path: Path) -> None:
    outside, inside = Repository(tmp_path / "outside.git"), Repository(folder / "pool.git")
    for lender, allowed in ((inside, True), (outside, False)):
        commit = lender.commit({"a": lender.controldir.name.encode()}, AT)
        sea.repo.object_store.add_alternate_path(str(lender.controldir / "objects"))
        sea.repo.refs[b"refs/heads/main"] = commit.encode()
        if allowed:
            assert read(folder, "a") == b"pool.git"
        else:
            assert "lab/sea" not in listed(folder)
            with pytest.raises(NotFound):
                read(folder, "a")


def test_a_ring_of_lenders_ends(folder: Path, sea: Repository) -> None:
    sea.repo.object_store.add_alternate_path(str(sea.controldir / "objects"))
    with pytest.raises(NotFound, match="borrows"):
        get(folder)


def test_links_and_submodules_in_a_tree_are_no_files(folder: Path, sea: Repository) -> None:
    target = sea.add_blob(b"/etc/passwd")
    commit = ObjectID(b"1" * 40)
    sea.commit({"a": b"a", "link": (0o120000, target), "module": (0o160000, commit), "run": (0o100755, target)}, AT)
    assert [entry.path for entry in entries(folder)] == ["a", "run"]
    for path in ("link", "module", "module/x", "link/x"):
        with pytest.raises(NotFound):
            read(folder, path)


def test_names_that_no_file_can_have_are_passed_over(folder: Path, sea: Repository) -> None:
    blob = sea.add_blob(b"x")
    sea.commit({"..": (0o100644, blob), ".": (0o100644, blob), "ok": b"ok", "sub": b"", "ünï #1.txt": b"odd"}, AT)
    assert [entry.path for entry in entries(folder)] == ["ok", "sub", "ünï #1.txt"]
    assert read(folder, "ünï #1.txt") == b"odd"
    for path in ("..", ".", "./ok", "ok/", "/ok"):
        with pytest.raises(NotFound):
            read(folder, path)


def test_files_come_by_path(folder: Path, sea: Repository) -> None:
    sea.commit(dict.fromkeys(("a/z", "a.txt", "a-b", "a0", "b/c/d", "b/c.d", "B"), b"x"), AT)
    assert [entry.path for entry in entries(folder)] == ["B", "a-b", "a.txt", "a/z", "a0", "b/c.d", "b/c/d"]


def test_a_tree_that_grows_without_end_is_cut(folder: Path, sea: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    tree = sea.add_tree({"x": b"x"})
    for _ in range(12):
        tree = sea.add_tree({f"d{i}": (0o040000, tree) for i in range(10)})
    sea.commit_tree(tree, AT)
    monkeypatch.setattr("mainspring.engines.sources.git_repository.MAX_ENTRIES", 5_000)
    assert listed(folder)["lab/sea"].default_ref == "main"
    with pytest.raises(TooLarge, match="at most 5000"):
        entries(folder)


def test_what_is_packed_is_read_the_same(folder: Path, sea: Repository) -> None:
    random.seed(1)
    big = random.randbytes(900_000)
    commit = sea.commit({"big.bin": big, "note.txt": b"note", "empty": b""}, AT)
    sea.tag("light", commit)
    sea.tag("v1", commit, "One\n\nThe first.", AT + 5)
    loose = entries(folder), asyncio.run(source_of(folder).releases("lab/sea"))
    sea.pack()
    assert not list((sea.controldir / "objects").glob("??/*"))
    assert (entries(folder), asyncio.run(source_of(folder).releases("lab/sea"))) == loose
    assert read(folder, "big.bin", "light") == big
    assert read(folder, "empty", "light") == b""
    assert read(folder, "big.bin", "v1", 300_000, 700_001) == big[300_000:700_001]
    assert [(each.tag, each.name, each.description) for each in loose[1]] == [
        ("v1", "One", "The first."),
        ("light", "light", ""),
    ]


def keep_as_differences(repository: Repository) -> None:
    """Pack all blobs so that those that are alike are differences."""
    store = repository.repo.object_store
    objects = [(store[sha], None) for sha in store]
    store.add_pack_data(len(objects), _deltified(objects))
    for path in (repository.controldir / "objects").glob("??/*"):
        path.unlink()
    (pack,) = store.packs
    data: PackData = pack.data
    kinds = {unpacked.pack_type_num for unpacked in data.iter_unpacked()}
    assert kinds & {6, 7}, "nothing was kept as a difference"


def _deltified(objects: list[Any]) -> Any:
    from dulwich.pack import deltify_pack_objects

    return deltify_pack_objects(iter(objects))


def test_what_is_packed_as_a_difference_is_read_the_same(
    folder: Path, sea: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    random.seed(2)
    first = random.randbytes(200_000)
    second = first[:100_000] + b"something else" + first[100_000:]
    sea.commit({"table.bin": first}, AT)
    sea.commit({"table.bin": second}, AT + 1)
    loose = entries(folder)
    keep_as_differences(sea)
    assert entries(folder) == loose
    for content, ref in ((second, "main"), (first, get_first(sea))):
        assert read(folder, "table.bin", ref) == content
        assert read(folder, "table.bin", ref, 99_990, 100_030) == content[99_990:100_030]
    monkeypatch.setattr(git_objects, "MAX_WHOLE", 100_000)
    refused = 0
    for ref in ("main", get_first(sea)):
        try:
            read(folder, "table.bin", ref)
        except TooLarge as error:
            refused += "LFS" in error.message
    assert refused == 1  # the other one stands by itself, and is streamed


def get_first(repository: Repository) -> str:
    (entry,) = list(repository.repo.get_walker())[-1:]
    return entry.commit.id.decode()


def test_large_files_that_are_not_there_are_not_found(folder: Path, sea: Repository) -> None:
    sea.commit({"weights.bin": lfs_pointer(b"w" * 5000), "other.bin": sea.add_lfs(b"o" * 5000)}, AT)
    sizes = {entry.path: (entry.size, len(entry.sha256)) for entry in entries(folder)}
    assert sizes == {"weights.bin": (5000, 64), "other.bin": (5000, 64)}
    assert read(folder, "other.bin", start=4990) == b"o" * 10
    with pytest.raises(NotFound, match="lfs/objects"):
        read(folder, "weights.bin")


@pytest.mark.parametrize("oid", ["../../../../../etc/passwd".ljust(64, "x"), "A" * 64, "a" * 63])
def test_a_pointer_to_no_digest_is_a_file(folder: Path, sea: Repository, oid: str) -> None:
    text = f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize 12\n".encode()
    sea.commit({"weights.bin": text}, AT)
    assert read(folder, "weights.bin") == text


def test_large_files_outside_of_the_folder_are_not_read(folder: Path, sea: Repository, tmp_path: Path) -> None:
    sea.commit({"w.bin": sea.add_lfs(b"w" * 5000)}, AT)
    (sea.controldir / "lfs").rename(tmp_path / "lfs")
    (sea.controldir / "lfs").symlink_to(tmp_path / "lfs")
    with pytest.raises(NotFound):
        read(folder, "w.bin")


def damage_head(repository: Repository) -> None:
    (repository.controldir / "refs/heads/main").write_text("nonsense\n")


def damage_object(repository: Repository) -> None:
    for path in (repository.controldir / "objects").glob("??/*"):
        path.chmod(0o644)
        path.write_bytes(b"\x00\x01nonsense")


def damage_config(repository: Repository) -> None:
    (repository.controldir / "config").write_bytes(b"[core\n\xff = \n")


def lose_objects(repository: Repository) -> None:
    for path in (repository.controldir / "objects").glob("??/*"):
        path.unlink()


def damage_packed_refs(repository: Repository) -> None:
    (repository.controldir / "packed-refs").write_bytes(b"what is this\n\xff\xfe")


def loop_refs(repository: Repository) -> None:
    (repository.controldir / "refs/heads/main").write_text("ref: refs/heads/main\n")


def demand_what_is_unknown(repository: Repository) -> None:
    (repository.controldir / "config").write_text("[core]\nrepositoryformatversion = 99\n")


@pytest.mark.parametrize(
    "damage",
    [
        damage_head,
        damage_object,
        damage_config,
        lose_objects,
        damage_packed_refs,
        loop_refs,
        demand_what_is_unknown,
    ],
)
def test_a_broken_repository_does_not_keep_others_from_being_listed(
    folder: Path, sea: Repository, damage: Callable[[Repository], None]
) -> None:
    sea.commit({"README.md": README}, AT)
    Repository(folder / "lab" / "well.git").commit({"README.md": README}, AT)
    damage(sea)
    with capture_logs() as logs:
        assert "lab/well" in listed(folder)
    broken = "lab/sea" not in listed(folder)
    assert broken == any(line["event"] == "repository_skipped" for line in logs)
    assert broken or get(folder).default_ref is None
    if damage is not damage_packed_refs:  # main is not in there
        with pytest.raises((NotFound, Unavailable)):
            entries(folder)
        with pytest.raises((NotFound, Unavailable)):
            read(folder, "README.md")


def test_what_ends_early_does_not_pass_for_a_whole_file(folder: Path, sea: Repository) -> None:
    random.seed(3)
    sea.commit({"big.bin": random.randbytes(900_000)}, AT)
    largest = max((sea.controldir / "objects").glob("??/*"), key=lambda path: path.stat().st_size)
    largest.chmod(0o644)
    os.truncate(largest, 600_000)
    with pytest.raises(Unavailable) as refused:
        read(folder, "big.bin")
    assert str(folder) not in refused.value.message


def test_errors_do_not_tell_where_the_folder_is(folder: Path, sea: Repository) -> None:
    sea.commit({"README.md": README}, AT)
    damage_object(sea)
    with pytest.raises(MainspringError) as refused:
        get(folder)
    assert "sea.git" not in refused.value.message


def age(repository: Repository, at: int) -> None:
    for path in (repository.controldir, *repository.controldir.rglob("*")):
        os.utime(path, (at, at))


def test_a_push_of_older_commits_is_a_change(folder: Path, sea: Repository) -> None:
    sea.commit({"a": b"a"}, AT)
    age(sea, AT)
    assert get(folder).changed_at == AT * 1000
    assert listed(folder, since=AT * 1000 + 1) == {}
    before = get(folder).changed_at
    sea.commit({"a": b"b"}, AT - 5_000_000)
    assert "lab/sea" in listed(folder, since=before + 1)


@pytest.mark.parametrize("branch", ["main", "release/2"])
def test_a_push_to_the_default_branch_is_a_change(folder: Path, sea: Repository, branch: str) -> None:
    sea.repo.refs.set_symbolic_ref(b"HEAD", f"refs/heads/{branch}".encode())
    sea.commit({"a": b"a"}, AT, branch)
    age(sea, AT)
    sea.commit({"a": b"b"}, AT, branch)
    assert get(folder).changed_at > AT * 1000


def test_a_commit_of_a_time_to_come_does_not_hide_what_changes_before(folder: Path, sea: Repository) -> None:
    sea.commit({"a": b"a"}, 4_000_000_000)
    assert get(folder).changed_at < 4_000_000_000_000


def test_what_was_told_otherwise_is_told_again(folder: Path, sea: Repository) -> None:
    """Another repository may have changed later, and been read earlier."""
    late = 3_000_000_000_000

    async def passes() -> list[list[str]]:
        source, found = source_of(folder), []

        async def look() -> None:
            found.append([each.path async for page in source.list_changed(late) for each in page])

        await look()
        await look()
        sea.configure(title="Another")
        Repository(folder / "lab" / "new.git")
        await look()
        await look()
        (folder / "lab").rename(folder / "laboratory")
        await look()
        return found

    age(sea, AT)
    assert asyncio.run(passes()) == [
        [],
        [],
        ["lab/new", "lab/sea"],
        [],
        ["laboratory/new", "laboratory/sea"],
    ]


def test_who_did_not_come_back_for_more_is_told_again(folder: Path, sea: Repository) -> None:
    async def passes() -> list[str]:
        source = source_of(folder)
        assert [page async for page in source.list_changed(None)]
        sea.configure(title="Another")
        pages = source.list_changed(3_000_000_000_000)
        await anext(pages)
        await pages.aclose()
        return [each.title async for page in source.list_changed(3_000_000_000_000) for each in page]

    assert asyncio.run(passes()) == ["Another"]


def test_a_project_is_as_old_as_its_first_commit(folder: Path, sea: Repository) -> None:
    for at in (AT, AT + 10, AT + 20):
        sea.commit({"a": str(at).encode()}, at)
    assert get(folder).created_at == AT * 1000


@pytest.mark.parametrize(
    ("branches", "head", "expected"),
    [
        (["work", "main"], "main", "main"),
        (["work", "master"], "gone", "master"),
        (["work", "alpha"], "gone", "alpha"),
        (["feature/x"], "feature/x", "feature/x"),
    ],
)
def test_the_default_branch_is_one_that_is_there(
    folder: Path, sea: Repository, branches: list[str], head: str, expected: str
) -> None:
    for branch in branches:
        sea.commit({"a": b"a"}, AT, branch)
    sea.repo.refs.set_symbolic_ref(b"HEAD", f"refs/heads/{head}".encode())
    assert get(folder).default_ref == expected
    assert [entry.path for entry in entries(folder, ref=expected)] == ["a"]


def test_a_tag_of_something_else_is_no_release(folder: Path, sea: Repository) -> None:
    commit = sea.commit({"a": b"a"}, AT)
    sea.tag("blob", sea.add_blob(b"a").decode())
    sea.tag("gone", "1" * 40)
    sea.tag("kept", commit)
    assert [release.tag for release in asyncio.run(source_of(folder).releases("lab/sea"))] == ["kept"]
    for ref in ("blob", "gone"):
        with pytest.raises(NotFound):
            entries(folder, ref=ref)


BOMB = "a: &a [x]\n" + "\n".join(f"k{i}: &k{i} {{<<: [*a, *a], x: *a}}" for i in range(500)) + "\ntopics: [one]\n"


@pytest.mark.parametrize(
    ("front", "expected"),
    [
        ("topics: [one, two, one, '']", ("one", "two")),
        ("topics:\n  - one\n  - [nested]\n  - {a: b}\n  - 7", ("one", "7")),
        ("topics: one", ()),
        ("topics: &t [*t, one]", ("one",)),
        ("title: x", ()),
        ("- topics", ()),
        ("topics: [", ()),
        ("topics: " + "[" * 20_000, ()),
        ("? [complex, key]\n: 1\ntopics: [one]", ("one",)),
        ("topics: !!python/object/apply:os.system [id]", ("id",)),
        (BOMB, ("one",)),
        ("topics: [" + ", ".join(str(i) for i in range(500)) + "]", tuple(str(i) for i in range(100))),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else len(value),
)
def test_topics_of_front_matter(front: str, expected: tuple[str, ...]) -> None:
    assert topics_of(f"---\n{front}\n---\ntext\n") == expected


@pytest.mark.parametrize("text", ["", "# Title\n", "---\ntopics: [one]\n", "text\n---\ntopics: [one]\n---\n"])
def test_a_readme_without_front_matter_has_no_topics(text: str) -> None:
    assert topics_of(text) == ()


def test_many_repositories_come_page_by_page(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mainspring.engines.sources.git_folder.PAGE", 2)
    for index in range(5):
        Repository(folder / "lab" / f"n{index}.git")

    async def sizes() -> list[int]:
        return [len(page) async for page in source_of(folder).list_changed(None)]

    assert asyncio.run(sizes()) == [2, 2, 1]


def test_reading_closes_what_it_opened(folder: Path, sea: Repository) -> None:
    sea.commit({"a": b"a" * 10_000}, AT)
    sea.pack()
    assert isinstance(sea.repo.object_store, DiskObjectStore)
    sea.repo.close()
    before = psutil.Process().num_fds()
    for _ in range(3):
        read(folder, "a", end=5)
        entries(folder)
        listed(folder)
    assert psutil.Process().num_fds() <= before


def test_who_goes_away_leaves_nothing_open(folder: Path, sea: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are closed after the work on them has ended, not in the middle of it."""
    random.seed(4)
    sea.commit({"big.bin": random.randbytes(2_000_000)}, AT)
    sea.repo.close()
    events: list[str] = []
    chunks, close = Objects.chunks, git_repository.Repository.close

    def slow(*arguments: Any) -> Iterator[bytes]:
        for chunk in chunks(*arguments):
            events.append("read")
            time.sleep(0.05)
            events.append("done")
            yield chunk

    def closed(repository: git_repository.Repository) -> None:
        events.append("closed")
        close(repository)

    monkeypatch.setattr(Objects, "chunks", slow)
    monkeypatch.setattr(git_repository.Repository, "close", closed)

    async def go_away() -> None:
        async def look() -> None:
            async with source_of(folder).open("lab/sea", "big.bin", "main") as file:
                async for _ in file.chunks:
                    continue

        task = asyncio.create_task(look())
        while events.count("read") < 3:
            await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    before = psutil.Process().num_fds()
    asyncio.run(go_away())
    assert events[-2:] == ["done", "closed"]
    assert psutil.Process().num_fds() <= before
