"""The configuration tree: flag > environment > file > default, checked, secrets masked."""

from pathlib import Path
from typing import Any

import pytest

from mainspring.kit.errors import InvalidArgument
from mainspring.settings import Settings, load_settings, mask


def load(tmp_path: Path, flags: dict[str, Any] | None = None, env: dict[str, str] | None = None) -> Settings:
    return load_settings(flags, env or {}, tmp_path)[0]


def sources(tmp_path: Path, flags: dict[str, Any] | None = None, env: dict[str, str] | None = None) -> dict[str, str]:
    return {origin.name: origin.source for origin in load_settings(flags, env or {}, tmp_path)[1]}


@pytest.mark.parametrize(
    ("flag", "variable", "in_file", "port", "source"),
    [
        (1, "2", "3", 1, "flag --port"),
        (None, "2", "3", 2, "environment MAINSPRING_PORT"),
        (None, None, "3", 3, "file {folder}/mainspring.toml"),
        (None, None, None, 5000, "default"),
        (0, "2", "3", 0, "flag --port"),
    ],
)
def test_precedence(
    tmp_path: Path, flag: int | None, variable: str | None, in_file: str | None, port: int, source: str
) -> None:
    if in_file:
        (tmp_path / "mainspring.toml").write_text(f"port = {in_file}\n")
    env = {"MAINSPRING_PORT": variable} if variable else {}
    assert load(tmp_path, {"port": flag}, env).port == port
    assert sources(tmp_path, {"port": flag}, env)["port"] == source.format(folder=tmp_path)


def test_a_setting_of_one_layer_leaves_the_others_theirs(tmp_path: Path) -> None:
    (tmp_path / "mainspring.toml").write_text('log_format = "json"\ndata = "elsewhere"\n')
    settings = load(tmp_path, {"host": "::1"}, {"MAINSPRING_LOG_LEVEL": "debug"})
    assert (settings.host, settings.log_level, settings.log_format, settings.data, settings.port) == (
        "::1",
        "debug",
        "json",
        Path("elsewhere"),
        5000,
    )


def test_the_data_folder_holds_what_is_not_set(tmp_path: Path) -> None:
    settings = load(tmp_path, {"data": tmp_path / "d"})
    assert settings.resolved_database_url == f"sqlite:///{tmp_path}/d/mainspring.db"
    assert settings.resolved_artifacts_url == f"file://{tmp_path}/d/artifacts"
    settings = load(tmp_path, {"database_url": "postgresql://h/d", "artifacts_url": "s3://bucket/prefix"})
    assert (settings.resolved_database_url, settings.resolved_artifacts_url) == (
        "postgresql://h/d",
        "s3://bucket/prefix",
    )


@pytest.mark.parametrize(("given", "value"), [("true", True), ("False", False), (False, False)])
def test_switches(tmp_path: Path, given: Any, value: bool) -> None:
    (tmp_path / "mainspring.toml").write_text(f"background = {str(given).lower()}\n")
    assert load(tmp_path).background is value
    assert load(tmp_path, env={"MAINSPRING_BACKGROUND": str(given)}).background is value
    assert load(tmp_path, {"background": not value}).background is not value


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"port": 65536}, "port is '65536'; it must be a port from 0 to 65535"),
        ({"port": -1}, "port is '-1'"),
        ({"workers": 0}, "workers is '0'; it must be a number from 1 to 64"),
        ({"workers": 65, "database_url": "postgresql://h/d"}, "workers is '65'"),
        ({"workers": 2}, "workers is '2'; it must be 1 on SQLite"),
        ({"log_format": "xml"}, "log_format is 'xml'; it must be auto, json or pretty"),
        ({"log_level": "loud"}, "log_level is 'loud'"),
        ({"read_timeout": 0}, "read_timeout is '0'"),
        ({"shutdown_grace": 0}, "shutdown_grace is '0'"),
        ({"background": "maybe"}, r"background \(flag --background\) is 'maybe'; it must be true or false"),
        ({"port": "80 80"}, r"port \(flag --port\) is '80 80'; it must be a whole number"),
        ({"port": "٣"}, "must be a whole number"),
        ({"port": "1" * 5000}, "must be a whole number"),
    ],
)
def test_wrong_values(tmp_path: Path, flags: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgument, match=message):
        load(tmp_path, flags)


def test_several_workers_need_postgresql(tmp_path: Path) -> None:
    assert load(tmp_path, {"workers": 2, "database_url": "postgresql://h/d"}).workers == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("port = true\n", "must be a whole number"),
        ("port = 1.5\n", "must be a whole number"),
        ("host = 5\n", "must be text"),
        ("hots = 'x'\n", "unknown settings: hots. Known are allowed_hosts, api_key_days, artifacts_url"),
        ("port = \n", "cannot be read"),
    ],
)
def test_a_wrong_file(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "mainspring.toml").write_text(text)
    with pytest.raises(InvalidArgument, match=message):
        load(tmp_path)


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "mainspring.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidArgument, match="cannot be read"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("postgresql://me:pw@h:5432/d", "postgresql://me:***@h:5432/d"),
        ("postgresql://me:p%40:w@h/d", "postgresql://me:***@h/d"),
        ("postgresql://me:p/w?x#y@z@h/d?a=b", "postgresql://me:***@h/d?a=***"),
        ("postgresql://me@h:5432/d", "postgresql://me@h:5432/d"),
        ("file:///data/a@b:c", "file:///data/a@b:c"),
        ("postgresql://h/d?password=x&sslmode=require", "postgresql://h/d?password=***&sslmode=***"),
        ("s3://bucket/prefix", "s3://bucket/prefix"),
        ("sqlite:////data/mainspring.db", "sqlite:////data/mainspring.db"),
        ("info", "info"),
    ],
)
def test_secrets_are_masked(value: str, shown: str) -> None:
    assert mask(value) == shown


def test_origins_are_masked(tmp_path: Path) -> None:
    _, origins = load_settings({"database_url": "postgresql://me:hunter2@h/d"}, {}, tmp_path)
    assert "hunter2" not in repr(origins)
    assert {origin.name: origin.value for origin in origins}["database_url"] == "postgresql://me:***@h/d"


PROVIDER = {"auth": "oidc", "oidc_issuer": "https://sso.example.org", "oidc_client_id": "mainspring"}


def test_secrets_are_not_shown(tmp_path: Path) -> None:
    settings, origins = load_settings({**PROVIDER, "oidc_client_secret": "very-secret"}, {}, tmp_path)
    shown = {origin.name: origin.value for origin in origins}
    assert (shown["oidc_client_secret"], shown["gitlab_client_secret"]) == ("***", "")
    assert "very-secret" not in f"{settings!r} {origins!r}"


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"auth": "local"}, "auth"),
        ({"oidc_issuer": "", "oidc_client_id": ""}, "auth"),
        ({"oidc_client_id": ""}, "oidc_client_id"),
        ({"oidc_issuer": "http://sso.example.org"}, "oidc_issuer"),
        ({"oidc_issuer": "sso.example.org"}, "oidc_issuer"),
        ({"gitlab_url": "https://gitlab.example.org", "gitlab_access_ttl": "3601"}, "gitlab_access_ttl"),
        ({"gitlab_client_id": "x"}, "gitlab_client_id"),
        ({"gitlab_url": "ftp://gitlab.example.org", "gitlab_client_id": "x"}, "gitlab_url"),
    ],
)
def test_providers_are_whole(tmp_path: Path, changed: dict[str, str], field: str) -> None:
    assert load(tmp_path, PROVIDER).oidc_issuer
    assert load(tmp_path, {**PROVIDER, "oidc_issuer": "http://127.0.0.1:8080/realms/r"})
    with pytest.raises(InvalidArgument) as caught:
        load(tmp_path, {**PROVIDER, **changed})
    assert caught.value.field == field
