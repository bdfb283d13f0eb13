"""Projects of a GitLab as repositories, with the eyes of each of its accounts: the client's token is GitLab's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import HfApi, HfFileSystem, hf_hub_download, snapshot_download
from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, RepositoryNotFoundError

from tests.components.gitlab import CLIENT_ID, CLIENT_SECRET
from tests.components.ports import wait_until
from tests.components.server import MainspringServer
from tests.gitlab_double.data import Project, world

FLOODS, SHIPS, WINE = "eo-lab/flood-model", "eo-lab/restricted-ship-detector", "ml-samples/wine-quality"
NDWI = "eo-lab/level-two/ndwi-processor"


def project(path: str) -> Project:
    (found,) = [each for each in world()["projects"] if each.full_path == path]
    return found


@pytest.fixture(scope="module")
def url(gitlab: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the address of a server whose projects are the double's."""
    arguments = ("--auth", "oidc", "--public-read", "--gitlab-url", gitlab, "--gitlab-client-id", CLIENT_ID)
    settings = {
        "MAINSPRING_GITLAB_CLIENT_SECRET": CLIENT_SECRET,
        "MAINSPRING_GITLAB_TOKEN": "double-default-token",
        "MAINSPRING_SOURCES_EVERY": "1",
    }
    data = tmp_path_factory.mktemp("hub of GitLab") / "data"
    with MainspringServer(data, *arguments, environment=settings) as server:
        wait_until(lambda: api(server.url, "").repo_exists(FLOODS), "the projects that all may see")
        # What is for members comes to be known by the first of them.
        for path in (SHIPS, WINE):
            wait_until(lambda path=path: api(server.url, "bob").repo_exists(path), f"{path}, which is bob's")  # type: ignore[misc]
        yield server.url


def api(url: str, name: str) -> HfApi:
    return HfApi(endpoint=url, token=f"double-{name}" if name else False)


def test_a_public_project_is_downloaded_by_everyone(url: str, tmp_path: Path) -> None:
    for name in ("", "eve"):
        folder = Path(
            snapshot_download(FLOODS, endpoint=url, token=api(url, name).token, cache_dir=tmp_path / f"of {name}")
        )
        found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        expected = project(FLOODS)
        assert found.keys() == expected.files.keys()
        assert found["src/train.py"] == expected.files["src/train.py"]
        assert [found["checkpoints/flood-unet.onnx"]] == list(expected.lfs.values())
    info = api(url, "").model_info(FLOODS)
    assert (info.private, info.likes, [each.name for each in api(url, "").list_repo_refs(FLOODS).tags]) == (
        False,
        3,
        ["v1.1.0", "v1.0.0"],
    )


def test_a_private_project_is_its_members(url: str, tmp_path: Path) -> None:
    path = hf_hub_download(SHIPS, "weights/ship.onnx", endpoint=url, token="double-bob", cache_dir=tmp_path)
    assert [Path(path).read_bytes()] == list(project(SHIPS).lfs.values())
    # A guest sees it, and not what is in it.
    assert api(url, "dave").repo_exists(SHIPS)
    with pytest.raises(LocalEntryNotFoundError) as missed:
        hf_hub_download(SHIPS, "README.md", endpoint=url, token="double-dave", cache_dir=tmp_path)
    assert isinstance(missed.value.__cause__, HfHubHTTPError)
    assert missed.value.__cause__.response.status_code == 403
    for name in ("eve", ""):
        assert SHIPS not in {model.id for model in api(url, name).list_models()}
        with pytest.raises(RepositoryNotFoundError):
            api(url, name).model_info(SHIPS)


def test_an_internal_project_is_a_model_and_a_dataset(url: str, tmp_path: Path) -> None:
    data = hf_hub_download(
        WINE, "wine-quality.csv", repo_type="dataset", endpoint=url, token="double-eve", cache_dir=tmp_path
    )
    assert Path(data).read_bytes() == project(WINE).files["wine-quality.csv"]
    assert api(url, "eve").repo_exists(WINE)
    assert not api(url, "").repo_exists(WINE, repo_type="dataset")


def test_a_processor_is_no_repository(url: str) -> None:
    assert not api(url, "bob").repo_exists(NDWI.rpartition("/")[2])


def test_files_whose_size_a_list_does_not_tell_are_read(url: str) -> None:
    files = HfFileSystem(endpoint=url, token="double-bob", use_listings_cache=False)
    assert files.info(f"datasets/{WINE}/wine-quality.csv")["size"] == len(project(WINE).files["wine-quality.csv"])
    assert files.glob(f"datasets/{WINE}/*.csv") == [f"datasets/{WINE}/wine-quality.csv"]
    assert files.read_bytes(f"{FLOODS}/checkpoints/flood-unet.onnx") == next(iter(project(FLOODS).lfs.values()))


def test_a_token_that_gitlab_does_not_take_is_refused(url: str) -> None:
    for name in ("alice-revoked", "nobody"):
        with pytest.raises(HfHubHTTPError) as refused:
            api(url, name).model_info(FLOODS)
        assert refused.value.response.status_code == 401
        assert f"double-{name}" not in str(refused.value)
