"""``mainspring config`` and ``mainspring db``: what is set here, and which schema the database has."""

import sqlite3
from dataclasses import fields
from pathlib import Path

import pytest

from mainspring.settings import Settings
from tests.cli.conftest import Typed
from tests.components.postgres import Postgres, create_database
from tests.components.server import MainspringServer


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_config_shows_every_setting(typed: Typed) -> None:
    shown = {each["name"]: each for each in typed("config", "show", "--json").json}
    assert list(shown) == [setting.name for setting in fields(Settings)]
    assert {each["source"] for each in shown.values()} == {"default"}
    assert all(each["doc"] for each in shown.values())


def test_config_tells_where_values_come_from(typed: Typed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mainspring.toml").write_text('port = 1\nhost = "0.0.0.0"\nauth = "off"\nlog_level = "debug"\n')
    monkeypatch.setenv("MAINSPRING_PORT", "2")
    monkeypatch.setenv("MAINSPRING_HOST", "::1")
    shown = {
        each["name"]: (each["value"], each["source"]) for each in typed("config", "show", "--port", 3, "--json").json
    }
    assert shown["port"] == ("3", "flag --port")
    assert shown["host"] == ("::1", "environment MAINSPRING_HOST")
    assert shown["log_level"] == ("debug", "file mainspring.toml")
    assert shown["log_format"] == ("auto", "default")
    table = typed("config", "show").out
    assert "environment MAINSPRING_PORT" in table


def test_config_masks_secrets(typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAINSPRING_DATABASE_URL", "postgresql://me:hunter2@db/mainspring?sslpassword=hunter2")
    for words in (["config", "show"], ["config", "show", "--json"]):
        said = typed(*words)
        assert "postgresql://me:***@db/mainspring?sslpassword=***" in said.out
        assert "hunter2" not in said.out + said.err


def test_upgrade_makes_a_database_that_a_server_starts_on(typed: Typed, tmp_path: Path) -> None:
    data = tmp_path / "data"
    assert "mainspring db upgrade" in typed("db", "check", "--data", data, code=7).err
    assert not data.exists()
    assert "Upgraded: 0001" in typed("db", "upgrade", "--data", data).out
    assert "the newest" in typed("db", "upgrade", "--data", data).out
    assert "the newest" in typed("db", "check", "--data", data).out
    with MainspringServer(data) as server:
        assert "Default" in typed("experiments", "search", "--url", server.url).out
        assert f"process {server.pid}" in typed("db", "upgrade", "--data", data, code=7).err


def test_upgrade_on_postgresql(typed: Typed, postgres: Postgres) -> None:
    url = postgres.database_url(create_database(postgres))
    typed("db", "check", "--database-url", url, code=7)
    typed("db", "upgrade", "--database-url", url)
    typed("db", "check", "--database-url", url)


def test_a_database_of_a_newer_release(typed: Typed, tmp_path: Path) -> None:
    typed("db", "upgrade", "--data", tmp_path)
    with sqlite3.connect(tmp_path / "mainspring.db") as database:
        database.execute("UPDATE mainspring_version SET version_num = '9999'")
    assert "9999" in typed("db", "check", "--data", tmp_path, code=7).err
    assert "9999" in typed("db", "upgrade", "--data", tmp_path, code=7).err
