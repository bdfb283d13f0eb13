"""Sizes and SHA-256 of the files of a GitLab, in how few calls, and what happens where GraphQL does not tell them."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from typing import Any

import pytest

from mainspring.engines.sources import TreeEntry
from mainspring.engines.sources.gitlab import GitlabSource
from mainspring.engines.sources.gitlab_blobs import MOST_ONE_BY_ONE, PER_CALL
from mainspring.kit.errors import Unavailable
from tests.engines.sources.test_gitlab import BOB, DEFAULT, EVE, ask
from tests.gitlab_double.app import GitLabDouble, create_app

LARGE, SMALL = "checkpoints/flood-unet.onnx", "requirements.txt"
GRAPHQL = "/api/graphql"


@pytest.fixture
def double() -> GitLabDouble:
    return create_app()


async def measured(
    source: GitlabSource, paths: Sequence[str], project: str = "101", token: str | None = None
) -> dict[str, TreeEntry]:
    """Return files by path as they are told once they were measured."""
    files = [each async for page in source.tree(project, "main", token) for each in page if each.path in paths]
    return {each.path: each for each in await source.measure(project, "main", files, token)}


def check(double: GitLabDouble, found: dict[str, TreeEntry]) -> None:
    [whole] = double.projects[101].lfs.values()
    assert (found[LARGE].size, found[LARGE].sha256) == (len(whole), hashlib.sha256(whole).hexdigest())
    assert (found[SMALL].size, found[SMALL].sha256) == (len(double.projects[101].files[SMALL]), "")


@pytest.mark.parametrize("token", [None, BOB], ids=["own token", "bob's"])
def test_sizes_of_many_files_take_one_call_and_no_other_later(double: GitLabDouble, token: str | None) -> None:
    async def twice(source: GitlabSource) -> None:
        check(double, await measured(source, (LARGE, SMALL), token=token))
        assert [each["path"] for each in double.log if "tree" not in each["path"]][-1:] == [GRAPHQL]
        double.log.clear()
        check(double, await measured(source, (LARGE, SMALL), token=token))
        assert [each["path"] for each in double.log] == ["/api/v4/projects/101/repository/tree"]

    ask(double, twice, token=DEFAULT)


def test_many_files_take_few_calls_and_one_that_changed_another(double: GitLabDouble) -> None:
    files = {f"data/{number:03d}.csv": b"x" * number for number in range(120)}
    double.commit(double.projects[106], files, "many", double.users[2])

    async def twice(source: GitlabSource) -> None:
        await source.get("106")
        found = await measured(source, list(files), "106")
        assert {path: each.size for path, each in found.items()} == {path: len(text) for path, text in files.items()}
        assert len([each for each in double.log if each["path"] == GRAPHQL]) == -(-120 // PER_CALL)
        double.commit(double.projects[106], files | {"data/000.csv": b"another"}, "one", double.users[2])
        double.log.clear()
        assert (await measured(source, list(files), "106"))["data/000.csv"].size == len("another")
        assert len([each for each in double.log if each["path"] == GRAPHQL]) == 1

    ask(double, twice)


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 403},
        {"status": 404},
        {"status": 200, "body": {"errors": [{"message": "Query has complexity of 300"}]}},
        {"status": 200, "body": {"data": None}},
        {"status": 200, "body": []},
        {"mode": "bad_json"},
    ],
    ids=["403", "404", "too dear", "nothing", "a list", "half"],
)
def test_where_graphql_is_closed_pointers_are_read(double: GitLabDouble, fault: dict[str, Any]) -> None:
    double.faults.append({"match": GRAPHQL, **fault})

    async def reading(source: GitlabSource) -> None:
        check(double, await measured(source, (LARGE, SMALL)))
        assert not [each for each in double.log if "lfs" in each["path"]]  # the file itself is not had
        double.commit(
            double.projects[106], {f"{number}.csv": b"%d" % number for number in range(60)}, "m", double.users[2]
        )
        double.log.clear()
        found = await measured(source, [f"{number}.csv" for number in range(60)], "106")
        assert len([each for each in found.values() if each.size is not None]) == MOST_ONE_BY_ONE
        assert not [each for each in double.log if each["path"] == GRAPHQL]  # it is not asked again and again

    ask(double, reading)


def test_a_gitlab_that_is_away_is_unavailable_and_graphql_that_is_away_not_for_long(double: GitLabDouble) -> None:
    double.faults.append({"match": GRAPHQL, "status": 502})

    async def patiently(source: GitlabSource) -> None:
        with pytest.raises(Unavailable):
            await measured(source, (LARGE, SMALL))
        await asyncio.sleep(0.25)  # the pause after a failure
        check(double, await measured(source, (LARGE, SMALL)))

    ask(double, patiently)


def test_sizes_are_told_to_who_is_shown_the_files(double: GitLabDouble) -> None:
    async def asking(source: GitlabSource) -> None:
        files = [each async for page in source.tree("105", "main", BOB) for each in page]
        for token in (None, EVE):
            told = await source.measure("eo-lab/restricted-ship-detector", "main", files, token)
            assert all(each.size is None for each in told)
        by_bob = {each.path: each for each in await source.measure("105", "main", files, BOB)}
        assert by_bob["weights/ship.onnx"].sha256 in double.projects[105].lfs

    ask(double, asking, token=DEFAULT)
