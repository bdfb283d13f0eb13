"""Listings in pages: all of a folder and each entry once, whatever it holds, at the same cost for each page."""

import asyncio
import base64
import time
import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mainspring.kit.actors import LOCAL
from mainspring.kit.errors import InvalidArgument
from mainspring.modules.artifacts import service
from mainspring.modules.artifacts.schemas import Artifact
from mainspring.modules.services import Services

RUN = "mlflow-artifacts:/7/r/artifacts"
MANY = 100_000


async def pages(
    services: Services, size: int, path: str = "", *, hashes: bool = False
) -> AsyncIterator[list[Artifact]]:
    token = None
    while True:
        page = await service.list_artifacts(services, LOCAL, RUN, path, size, token, hashes=hashes)
        yield page.items
        token = page.next_page_token
        if token is None:
            return


def fill(tmp_path: Path, folder: str, count: int) -> None:
    """Put empty files where the store has them, faster than through it."""
    where = tmp_path / "store" / "7" / "r" / "artifacts" / folder
    where.mkdir(parents=True)
    for number in range(count):
        (where / f"{number:06}.txt").touch()


@pytest.mark.parametrize("size", [1, 3, 7, 8, 1000])
def test_every_entry_comes_once_and_in_order(services: Services, tmp_path: Path, size: int) -> None:
    names = ["a", "a!", "a.txt", "a/deep/x", "a0", "b c", "é", "%41"]
    names[0] = "aa"
    for name in names:
        file = tmp_path / "store" / "7" / "r" / "artifacts" / "f" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name)

    async def scenario() -> list[Artifact]:
        found = []
        async for page in pages(services, size, "f", hashes=True):
            assert len(page) <= size
            found += page
        return found

    found = asyncio.run(scenario())
    assert sorted(each.name for each in found) == sorted({name.split("/")[0] for name in names})
    assert [each.path for each in found if each.is_dir] == ["f/a"]
    placed = [f"{each.path}/" if each.is_dir else each.path for each in found]
    assert placed == sorted(placed, key=lambda path: path.encode())


def test_what_is_added_and_deleted_meanwhile(services: Services, tmp_path: Path) -> None:
    """What is there all the time comes once, whatever else happens."""
    fill(tmp_path, "", 40)
    folder = tmp_path / "store" / "7" / "r" / "artifacts"

    async def scenario() -> list[str]:
        found = []
        async for page in pages(services, 10):
            found += [each.path for each in page]
            (folder / page[-1].path).unlink()
            (folder / f"{page[-1].path}.new").touch()
        return found

    found = asyncio.run(scenario())
    assert [path for path in found if not path.endswith(".new")] == [f"{number:06}.txt" for number in range(40)]
    assert len(found) == len(set(found))


@pytest.mark.parametrize("max_results", [0, -1, service.MAX_PAGE + 1, 10**30])
def test_sizes_that_no_page_has(services: Services, max_results: int) -> None:
    with pytest.raises(InvalidArgument, match="must be 1 to 10000"):
        asyncio.run(service.list_artifacts(services, LOCAL, RUN, "", max_results))


@pytest.mark.parametrize(
    "token",
    [
        "x",
        "====",
        "e30=",
        base64.b64encode(b'{"after": 1}').decode(),
        base64.b64encode(b"\xff").decode(),
        "é",
        "a" * 9999,
    ],
)
def test_a_token_that_no_page_has_told(services: Services, token: str) -> None:
    with pytest.raises(InvalidArgument, match="next_page_token of the page before") as caught:
        asyncio.run(service.list_artifacts(services, LOCAL, RUN, "", 10, token))
    assert len(caught.value.message) < 500


@pytest.mark.parametrize(
    "after", ["", "../../../etc", "/etc/passwd", "zz", "a\0", "\ud800".encode("utf-8", "replace").decode()]
)
def test_a_forged_token_leads_nowhere(services: Services, tmp_path: Path, after: str) -> None:
    fill(tmp_path, "", 3)
    (tmp_path / "store" / "7" / "secret").touch()
    token = base64.b64encode(b'{"after": "%s"}' % after.encode().replace(b"\0", b"\\u0000")).decode()
    try:
        page = asyncio.run(service.list_artifacts(services, LOCAL, RUN, "", 10, token))
    except InvalidArgument:
        return
    assert {each.path for each in page.items} <= {"000000.txt", "000001.txt", "000002.txt"}


@pytest.mark.slow
def test_a_folder_of_100_000_files(services: Services, tmp_path: Path) -> None:
    """Each page costs the same time, and memory is that of a page."""
    fill(tmp_path, "many", MANY)

    async def scenario() -> tuple[int, list[float], int]:
        count, times = 0, []
        tracemalloc.start()
        started = time.process_time()
        async for page in pages(services, 1000, "many", hashes=True):
            times.append(time.process_time() - started)
            count += len(page)
            started = time.process_time()
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return count, times, peak

    count, times, peak = asyncio.run(scenario())
    print(
        f"\n{MANY} files: {min(times):.3f} to {max(times):.3f} s of CPU for a page of 1,000, peak {peak / 1e6:.1f} MB"
    )
    assert count == MANY
    first, last = sum(times[:10]), sum(times[-10:])
    assert last < 2 * first
    assert peak < 10_000_000
