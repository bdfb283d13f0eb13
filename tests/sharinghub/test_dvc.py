"""A folder is pushed and pulled by DVC itself, with ``/api/store`` for its remote."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.components.accounts import Guarded
from tests.components.environment import fresh_environment
from tests.mlflow.legacy.environments import python_with

pytestmark = pytest.mark.slow

DVC = "3.67.*"
FILES = {
    "raw/a.csv": b"a,b\n1,2\n",
    "raw/sub dir/ü.bin": bytes(range(256)) * 20_000,
    "raw/empty": b"",
    "raw/copy.csv": b"a,b\n1,2\n",
}
AUTH = {
    "bearer": [("auth", "custom"), ("custom_auth_header", "Authorization"), ("password", "Bearer {token}")],
    "basic": [("auth", "basic"), ("user", "dvc-dev"), ("password", "{token}"), ("method", "PUT")],
}


@pytest.fixture(scope="module")
def dvc() -> Path:
    """Return DVC's command, in an environment of its own."""
    return python_with("dvc", [f"dvc[http]=={DVC}"], ["3.12", "3.11", "3.10"]).with_name("dvc")


@pytest.fixture(scope="module")
def server(sqlite_guarded: Guarded) -> Guarded:
    for name in ("dvc-dev", "dvc-stranger"):
        sqlite_guarded.add_user(name)
    return sqlite_guarded


class Working:
    """A folder in which DVC works."""

    def __init__(self, dvc: Path, folder: Path, url: str, auth: list[tuple[str, str]], token: str) -> None:
        self._dvc, self.folder = dvc, folder
        folder.mkdir()
        self.run("init", "--no-scm")
        self.run("remote", "add", "--default", "store", url)
        for name, value in auth:
            self.run("remote", "modify", "--local", "store", name, value.format(token=token))

    def run(self, *arguments: str, fails: bool = False) -> str:
        """Run a command of DVC, and return what it prints."""
        environment = fresh_environment() | {"DVC_NO_ANALYTICS": "1", "DO_NOT_TRACK": "1"}
        done = subprocess.run(
            [self._dvc, *arguments], cwd=self.folder, env=environment, capture_output=True, text=True, timeout=120
        )
        assert (done.returncode != 0) == fails, done.stdout + done.stderr
        return done.stdout + done.stderr


@pytest.mark.parametrize(("auth", "by"), [("bearer", "slug"), ("basic", "path")])
def test_what_is_pushed_is_pulled(server: Guarded, dvc: Path, tmp_path: Path, auth: str, by: str) -> None:
    path, slug = f"dvc/{auth}-{by}", f"dvc-{auth}-{by}"
    server.add_project(path, **{"dvc-dev": "developer"})
    url = f"{server.url}/api/store/{slug if by == 'slug' else path}"
    mine = Working(dvc, tmp_path / "mine", url, AUTH[auth], server.tokens["dvc-dev"])
    for name, content in FILES.items():
        (mine.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (mine.folder / name).write_bytes(content)
    mine.run("add", "raw")
    assert "4 files pushed" in mine.run("push")
    assert "Everything is up to date" in mine.run("push")

    theirs = Working(dvc, tmp_path / "theirs", url, AUTH[auth], server.tokens["dvc-dev"])
    shutil.copy(mine.folder / "raw.dvc", theirs.folder)
    theirs.run("pull")
    assert {name: (theirs.folder / name).read_bytes() for name in FILES} == FILES
    assert "in sync" in theirs.run("status", "--cloud")

    stranger = Working(dvc, tmp_path / "stranger", url, AUTH["bearer"], server.tokens["dvc-stranger"])
    shutil.copy(mine.folder / "raw.dvc", stranger.folder)
    stranger.run("pull", fails=True)
    assert not (stranger.folder / "raw" / "a.csv").exists()
