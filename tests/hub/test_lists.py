"""What there is, by ``huggingface_hub``: repositories, their revisions and files."""

from __future__ import annotations

import hashlib

import httpx
import pytest
from huggingface_hub import HfApi, HfFileSystem
from huggingface_hub.errors import RemoteEntryNotFoundError, RepositoryNotFoundError, RevisionNotFoundError
from huggingface_hub.hf_api import RepoFile, RepoFolder

from tests.hub.conftest import CHANGED, DATASET, FILES, GIT, LARGE, LFS, MODEL, Hub

FLOODS = [f"many/flood-{index}" for index in range(7)]


@pytest.fixture(scope="module")
def many(hub: Hub) -> list[str]:
    """Return models that everyone sees, in the order in which they were made."""
    for index, path in enumerate(FLOODS):
        topics = ["sharinghub:aimodel", "even" if index % 2 == 0 else "odd"]
        body = {"path": path, "topics": topics, "visibility": "public", "description": f"Number {index}"}
        assert hub.server.admin.post("/api/v1/projects", json=body).status_code == 201
    return FLOODS


def ids(hub: Hub, name: str = "eve", **query: object) -> list[str]:
    return [model.id for model in hub.api(name).list_models(author="many", **query)]  # type: ignore[arg-type]


def test_a_list_has_what_one_may_see(hub: Hub) -> None:
    assert MODEL in {model.id for model in hub.api().list_models()}
    for name in ("eve", ""):
        assert MODEL not in {model.id for model in hub.api(name).list_models()}
        assert DATASET in {data.id for data in hub.api(name).list_datasets()}
        assert GIT in {model.id for model in hub.api(name).list_models()}
    assert DATASET not in {model.id for model in hub.api("root").list_models()}


def test_lists_are_searched_filtered_and_sorted(hub: Hub, many: list[str]) -> None:
    assert ids(hub) == many[::-1]
    assert ids(hub, search="number 3") == [many[3]]
    assert sorted(ids(hub, filter="even")) == many[::2]
    assert ids(hub, filter=["even", "odd"]) == []
    assert sorted(ids(hub, pipeline_tag="odd")) == many[1::2]
    assert ids(hub, sort="created_at") == many[::-1]
    assert set(ids(hub, sort="likes")) == set(many)
    assert ids(hub, gated=True) == []
    assert [model.id for model in hub.api("eve").list_models(search="number", author="nobody")] == []


def test_a_list_comes_page_by_page(hub: Hub, many: list[str]) -> None:
    whole = [model.id for model in hub.api("root").list_models(sort="created_at")]
    assert [model.id for model in hub.api("root").list_models(sort="created_at", limit=3)] == whole[:3]
    found, url = [], "/api/models?sort=createdAt&limit=2&search=number"
    with hub.server.client("eve") as client:
        while url:
            answer = client.get(url)
            assert len(answer.json()) <= 2
            found += [model["id"] for model in answer.json()]
            url = answer.links["next"]["url"] if "next" in answer.links else ""
            assert url.startswith((hub.server.url, "")) if url else True
    assert found == many[::-1]


@pytest.mark.parametrize("query", ["limit=0", "limit=x", "limit=-1", "sort=size", "cursor=x", "filter=" + "a," * 30])
def test_a_list_that_cannot_be_had_is_refused(hub: Hub, query: str) -> None:
    answer = hub.server.client("eve").get(f"/api/models?{query}")
    assert answer.status_code == 400
    assert answer.json()["error"] == answer.headers["x-error-message"]


def test_a_repository_is_described(hub: Hub) -> None:
    api = hub.api()
    info = api.model_info(MODEL, files_metadata=True)
    assert (info.id, info.author, info.private, info.gated, info.tags) == (MODEL, "lab", True, False, ["vision"])
    assert info.created_at is not None
    assert info.last_modified is not None
    files = {each.rfilename: each for each in info.siblings or []}
    assert files.keys() == FILES.keys()
    large = files["weights/model.bin"]
    assert large.size == len(LARGE)
    assert large.lfs is not None
    assert large.lfs.sha256 == hashlib.sha256(LARGE).hexdigest()
    old = api.model_info(MODEL, revision="v1.0")
    assert old.sha != info.sha
    assert api.repo_info(MODEL, revision=info.sha).sha == info.sha
    data = api.dataset_info(DATASET)
    assert (data.id, data.private, data.description, data.tags) == (DATASET, False, "Tides of a year", ["sea level"])
    with pytest.raises(RevisionNotFoundError):
        api.model_info(MODEL, revision="nothing")


def test_a_guest_learns_of_a_repository_and_not_of_its_files(hub: Hub) -> None:
    info = hub.api("gil").model_info(MODEL)
    assert (info.id, info.sha, info.siblings) == (MODEL, None, [])


def test_an_empty_repository_has_no_revision(hub: Hub) -> None:
    info = hub.api("root").model_info("lab/empty")
    assert (info.sha, info.siblings) == (None, [])
    assert hub.api("root").list_repo_refs("lab/empty").branches == []


def test_a_project_is_found_where_it_was_before(hub: Hub) -> None:
    body = {"path": "lab/before", "topics": ["sharinghub:aimodel"]}
    assert hub.server.admin.post("/api/v1/projects", json=body).status_code == 201
    assert hub.server.admin.patch("/p/lab/before/api/v1/project", json={"path": "lab/after"}).status_code == 200
    assert hub.api("root").model_info("lab/before").id == "lab/after"


def test_refs_are_the_default_branch_and_the_tags(hub: Hub) -> None:
    refs = hub.api().list_repo_refs(MODEL)
    assert [(each.name, each.ref) for each in refs.branches] == [("main", "refs/heads/main")]
    assert [(each.name, each.ref) for each in refs.tags] == [("v1.0", "refs/tags/v1.0")]
    assert refs.tags[0].target_commit == hub.api().model_info(MODEL, revision="v1.0").sha
    git = hub.api().list_repo_refs(GIT)
    assert [each.name for each in (*git.branches, *git.tags)] == ["trunk", "v1"]


def tree(hub: Hub, *arguments: str, **more: object) -> list[tuple[str, int | None]]:
    found = hub.api().list_repo_tree(*arguments, **more)  # type: ignore[arg-type]
    return [(each.path, each.size if isinstance(each, RepoFile) else None) for each in found]


def test_a_tree_is_listed_by_folders(hub: Hub) -> None:
    assert tree(hub, MODEL, "weights") == [("weights/model.bin", len(LARGE)), ("weights/old", None)]
    assert tree(hub, MODEL, "weights/old") == [("weights/old/first.bin", 5)]
    top = {"README.md", "config.json", "empty.txt", "odd name +1 100%25.txt", "tracking", "weights"}
    assert {path for path, _ in tree(hub, MODEL)} == top
    whole = tree(hub, MODEL, recursive=True)
    assert {path for path, size in whole if size is not None} == set(FILES)
    assert [path for path, size in whole if size is None] == ["tracking", "weights", "weights/old"]
    assert ("config.json", 13) in tree(hub, MODEL, revision="v1.0")
    assert tree(hub, GIT, "in", revision="main") == [("in/side.txt", 4)]
    assert [path for path, _ in tree(hub, GIT, revision="feature/x")] == ["a.txt"]
    for folder in ("nothing", "config.json", "weights/model.bin/x"):
        with pytest.raises(RemoteEntryNotFoundError):
            tree(hub, MODEL, folder)


def test_files_are_known_by_their_hashes(hub: Hub) -> None:
    found = {each.path: each for each in hub.api().list_repo_tree(GIT) if isinstance(each, RepoFile)}
    large = found["flood.onnx"]
    assert large.lfs is not None
    assert (large.size, large.lfs.sha256) == (len(LFS), hashlib.sha256(LFS).hexdigest())
    assert found["a.txt"].blob_id == hashlib.sha1(b"blob 6\0second").hexdigest()
    assert found["a.txt"].lfs is None


def test_paths_are_looked_up(hub: Hub) -> None:
    found = hub.api().get_paths_info(MODEL, ["weights", "config.json", "nothing", "weights/old/first.bin"])
    assert [(type(each), each.path) for each in found] == [
        (RepoFolder, "weights"),
        (RepoFile, "config.json"),
        (RepoFile, "weights/old/first.bin"),
    ]
    with hub.server.client("bob") as client:
        url = f"/api/models/{MODEL}/paths-info/main"
        assert [each["path"] for each in client.post(url, json={"paths": ["config.json"]}).json()] == ["config.json"]
        for body in (b"[", b'{"paths": [1]}', b'{"paths": 1}', b"[" * 100_000):
            answer = client.post(url, content=body, headers={"content-type": "application/json"})
            assert answer.status_code == 400, body[:20]
        assert client.post(url, data={"paths": ["x"] * 2000}).status_code == 400


def test_what_is_there_is_told(hub: Hub) -> None:
    api = hub.api()
    assert sorted(api.list_repo_files(MODEL)) == sorted(FILES)
    assert api.file_exists(MODEL, "weights/model.bin")
    assert not api.file_exists(MODEL, "nothing")
    assert not api.file_exists(MODEL, "config.json", revision="nothing")
    assert api.repo_exists(MODEL)
    assert not api.repo_exists(MODEL, repo_type="dataset")
    assert api.repo_exists(DATASET, repo_type="dataset")
    assert api.revision_exists(MODEL, "v1.0")
    assert not api.revision_exists(MODEL, "v2.0")
    assert not hub.api("eve").repo_exists(MODEL)
    assert not hub.api("").repo_exists(MODEL)
    with pytest.raises(RepositoryNotFoundError):
        hub.api("eve").model_info(MODEL)


def test_a_dataset_is_read_as_a_file_system(hub: Hub) -> None:
    """As the library ``datasets`` finds its files."""
    files = HfFileSystem(endpoint=hub.server.url, token=hub.token("bob"), use_listings_cache=False)
    assert files.glob(f"datasets/{DATASET}/**/*.csv") == [f"datasets/{DATASET}/data/a.csv"]
    assert files.read_text(f"datasets/{DATASET}/data/a.csv") == "a,b\n1,2\n"
    assert files.info(f"{MODEL}/config.json")["size"] == len(CHANGED)
    with files.open(f"{MODEL}/weights/model.bin") as file:
        file.seek(1_234_567)
        assert file.read(100) == LARGE[1_234_567:1_234_667]


def test_it_is_known_who_asks(hub: Hub) -> None:
    assert hub.api().whoami()["name"] == "bob"
    answer = httpx.get(f"{hub.server.url}/api/whoami-v2")
    assert answer.status_code == 401


def test_a_server_that_shows_nothing_to_strangers_says_so(sqlite_guarded: object) -> None:
    url = sqlite_guarded.url  # type: ignore[attr-defined]
    for path in ("/api/models", f"/api/models/{MODEL}", f"/{MODEL}/resolve/main/x", "/api/whoami-v2"):
        assert httpx.get(url + path).status_code == 401
    with pytest.raises(RepositoryNotFoundError):
        HfApi(endpoint=url, token=False).model_info(MODEL)
