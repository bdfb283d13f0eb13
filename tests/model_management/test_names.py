"""Names, descriptions, tags and versions that a registry refuses, with a message that says why."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mainspring.kit.errors import InvalidArgument, NotFound
from model_management import ModelRegistry, create_registry
from model_management.records import check_name
from tests.model_management.writers import Thresholds


@pytest.fixture
def registry(tmp_path: Path) -> ModelRegistry:
    return create_registry("local", url=tmp_path / "registry")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "it is empty"),
        ("a/b", "contains '/'"),
        ("../../etc/passwd", "contains '/'"),
        ("..", "begins or ends with a space or a dot"),
        (".", "begins or ends with a space or a dot"),
        ("..\\up", "contains '\\\\\\\\'"),
        ("models:name", "contains ':'"),
        (" name", "begins or ends with a space or a dot"),
        ("name ", "begins or ends with a space or a dot"),
        ("a\nb", "contains '\\\\n'"),
        ("a\0b", "NUL"),
        ("a\ud800b", "half a surrogate"),
        ("a\u202eb", "contains '\\\\u202e'"),
        ("cafe\u0301", "not composed"),
        ("n" * 251, "250 is the limit"),
        (7, "pass a string"),
        (None, "pass a string"),
    ],
)
def test_unwanted_names_are_refused_by_every_method(registry: ModelRegistry, name: str, reason: str) -> None:
    for ask in (
        lambda: registry.save_model(Thresholds([1.0]), name),
        lambda: registry.load_model(name),
        lambda: registry.get_model(name),
        lambda: registry.list_versions(name),
        lambda: registry.delete_model(name),
    ):
        with pytest.raises(InvalidArgument, match=reason):
            ask()
    assert registry.list_models() == []


@given(st.text(max_size=300))
def test_a_name_is_refused_or_harmless(name: str) -> None:
    try:
        check_name(name)
    except InvalidArgument:
        return
    assert 1 <= len(name) <= 250
    assert not {"/", "\\", ":", "\0", "\n"} & set(name)
    assert name not in (".", "..")
    assert name.encode().decode() == name


@pytest.mark.parametrize("version", [0, -1, 1.0, "1", True, 2**31])
def test_versions_are_whole_numbers_from_one(registry: ModelRegistry, version: int) -> None:
    registry.save_model(Thresholds([1.0]), "wine")
    for ask in (registry.load_model, registry.get_model, registry.delete_model):
        with pytest.raises(InvalidArgument, match="whole number from 1"):
            ask("wine", version)
    assert registry.get_model("wine").version == 1


@pytest.mark.parametrize(
    ("tags", "reason"),
    [
        ({"accuracy": 0.9}, "value of tag 'accuracy' is 0.9, of type float"),
        ({"": "x"}, "it is empty"),
        ({3: "x"}, "tag key is 3"),
        ({"k": "a\0"}, "NUL"),
        ({"k" * 251: "x"}, "250 is the limit"),
        ({"k": "v" * 5001}, "5000 is the limit"),
    ],
)
def test_unwanted_tags_are_refused(registry: ModelRegistry, tags: dict[str, str], reason: str) -> None:
    with pytest.raises(InvalidArgument, match=reason):
        registry.save_model(Thresholds([1.0]), "wine", tags=tags)
    with pytest.raises(NotFound):
        registry.get_model("wine")


def test_unwanted_descriptions_are_refused(registry: ModelRegistry) -> None:
    with pytest.raises(InvalidArgument, match="5000 is the limit"):
        registry.save_model(Thresholds([1.0]), "wine", "d" * 5001)
    with pytest.raises(InvalidArgument, match="pass a string"):
        registry.save_model(Thresholds([1.0]), "wine", {"type": "classifier"})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"kind": "cloud"}, "Unknown kind of registry 'cloud'"),
        ({"kind": "ftp://host/x"}, "Unknown kind of registry 'ftp'"),
        ({"kind": "http://host", "url": "http://other"}, "Unknown kind"),
        ({"kind": "server"}, "needs its address"),
        ({"kind": "server", "url": "host:5000"}, "write http://host:port"),
        ({"kind": "http://host", "storage": "folder"}, "own store"),
        ({"kind": "database", "url": "sqlite://"}, "needs an SQLite file"),
        ({"kind": "database", "url": "oracle://host/x"}, "Unknown kind of database 'oracle'"),
        ({"kind": "database", "url": "nonsense"}, "Not a database URL"),
        ({"kind": "local", "url": "file://host/folder"}, "not a local folder"),
        ({"kind": "local", "storage": "https://host/models"}, "cannot be stored in https://"),
    ],
)
def test_unknown_places_are_refused(
    arguments: dict[str, str], reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidArgument, match=reason):
        create_registry(**arguments)
