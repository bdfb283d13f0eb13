"""A folder of more files than one page holds, as MLflow's endpoints list it."""

from pathlib import Path

from tests.components.server import MainspringServer
from tests.mlflow.artifacts.conftest import PROXY
from tests.mlflow.rest import Rest

MANY = 20_001


def test_all_of_many(tmp_path: Path) -> None:
    names = [f"{number:05}" for number in range(MANY)]
    with MainspringServer(tmp_path / "data") as server, Rest(server.url) as rest:
        run_id = rest.post("runs/create", {"experiment_id": "0"}).ok()["run"]["info"]["run_id"]
        folder = tmp_path / "data" / "artifacts" / "0" / run_id / "artifacts" / "many"
        folder.mkdir(parents=True)
        for name in names:
            (folder / name).touch()

        # The proxy's clients know no pages: all come, one page after the other.
        files = rest.get(PROXY, {"path": f"0/{run_id}/artifacts/many"}).ok()["files"]
        assert files == [{"path": name, "is_dir": False} for name in names]

        found: list[str] = []
        token = ""
        for count in (10_000, 10_000, 1):
            page = rest.get("artifacts/list", {"run_id": run_id, "path": "many", "page_token": token}).ok()
            assert len(page["files"]) == count
            found += [each["path"] for each in page["files"]]
            token = page.get("next_page_token", "")
        assert (found, token) == ([f"many/{name}" for name in names], "")
        rest.get("artifacts/list", {"run_id": run_id, "page_token": "x"}).invalid("Invalid page token")
