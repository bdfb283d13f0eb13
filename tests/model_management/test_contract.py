"""What every kind of registry promises, asked of each of them."""

from __future__ import annotations

import threading
import time
import uuid

import numpy as np
import pytest

from mainspring.kit.errors import InvalidArgument, NotFound
from tests.model_management.conftest import KINDS, Open
from tests.model_management.models import classifier
from tests.model_management.writers import Thresholds

pytestmark = pytest.mark.parametrize("registry_url", KINDS, indirect=True)


def test_a_model_comes_back_as_it_was_saved(opened: Open, name: str) -> None:
    saved = opened().save_model(classifier(), name, "Finds wines", tags={"type": "classifier"})

    loaded = opened().load_model(name)

    rows = np.array([[0.0, 1.0], [3.0, 0.5]])
    assert np.array_equal(loaded.predict_proba(rows), classifier().predict_proba(rows))  # type: ignore[attr-defined]
    assert (saved.name, saved.version, saved.description) == (name, 1, "Finds wines")
    assert saved.tags == {"type": "classifier"}
    assert saved.format == "skops"
    assert abs(saved.created_ms / 1000 - time.time()) < 60
    assert opened().get_model(name) == saved


def test_versions_count_up_and_each_one_loads(opened: Open, name: str) -> None:
    registry = opened()
    numbers = [registry.save_model(Thresholds([float(turn)]), name).version for turn in range(12)]

    assert numbers == list(range(1, 13))
    assert [version.version for version in registry.list_versions(name)] == list(range(12, 0, -1))
    assert registry.load_model(name) == Thresholds([11.0])
    assert registry.load_model(name, version=2) == Thresholds([1.0])
    assert registry.get_model(name).version == 12


def test_a_deleted_version_leaves_and_its_number_is_not_given_again(opened: Open, name: str) -> None:
    registry = opened()
    for turn in range(3):
        registry.save_model(Thresholds([float(turn)]), name)

    registry.delete_model(name, version=2)

    assert [version.version for version in registry.list_versions(name)] == [3, 1]
    with pytest.raises(NotFound, match="no version 2"):
        registry.load_model(name, 2)
    with pytest.raises(NotFound, match="no version 2"):
        registry.delete_model(name, 2)
    assert registry.save_model(Thresholds([9.0]), name).version == 4
    assert registry.load_model(name, 1) == Thresholds([0.0])


def test_a_deleted_model_is_gone_and_its_name_is_free(opened: Open, name: str) -> None:
    registry = opened()
    registry.save_model(Thresholds([1.0]), name, tags={"mark": name})
    registry.save_model(Thresholds([2.0]), name)

    registry.delete_model(name)

    for ask in (registry.get_model, registry.load_model, registry.list_versions, registry.delete_model):
        with pytest.raises(NotFound, match=name):
            ask(name)
    assert registry.find_models_by_tag("mark", name) == []
    assert registry.save_model(Thresholds([3.0]), name).version == 1
    assert registry.load_model(name) == Thresholds([3.0])


def test_models_are_listed_by_name_with_their_newest_version(opened: Open, name: str) -> None:
    registry = opened()
    for suffix in ("b", "a", "b"):
        registry.save_model(Thresholds([1.0]), f"{name} {suffix}")

    listed = [(model.name, model.version) for model in registry.list_models() if model.name.startswith(name)]

    assert listed == [(f"{name} a", 1), (f"{name} b", 2)]


@pytest.mark.parametrize(
    "value",
    ["classifier", "it's", 'say "hi"', 'it\'s "both"', "`tick`", "a\\b", "100%", "grün", "two\nlines", "", "x "],
)
def test_tags_are_found_exactly(opened: Open, name: str, value: str) -> None:
    registry = opened()
    key = f"key {uuid.uuid4().hex}"
    registry.save_model(Thresholds([1.0]), name, tags={key: value, "other": "tag"})
    registry.save_model(Thresholds([2.0]), name, tags={key: "another"})
    registry.save_model(Thresholds([3.0]), name, tags={key: value})

    found = registry.find_models_by_tag(key, value)

    assert [(model.name, model.version) for model in found] == [(name, 3), (name, 1)]
    assert found[1].tags == {key: value, "other": "tag"}
    assert registry.metadata_backend.backend.find_models_by_tag(key, value) == found
    assert registry.find_models_by_tag(key, value + " ") == []
    assert registry.find_models_by_tag(key, value.upper() + "!") == []


def test_names_differ_by_case_and_accent(opened: Open, name: str) -> None:
    registry = opened()
    names = [f"{name} Wine", f"{name} wine", f"{name} winé", f"{name} 葡萄酒", f"{name} it's"]
    for place, one in enumerate(names):
        registry.save_model(Thresholds([float(place)]), one)

    assert [registry.load_model(one) for one in names] == [Thresholds([float(place)]) for place in range(len(names))]
    assert [registry.get_model(one).version for one in names] == [1] * len(names)


def test_statistics_count_models_versions_bytes_and_formats(opened: Open, name: str) -> None:
    registry = opened()
    before = registry.get_statistics()
    saved = [registry.save_model(model, name) for model in (classifier(), Thresholds([1.0]))]
    saved.append(registry.save_model(Thresholds([2.0]), f"{name} 2"))

    after = registry.metadata_backend.backend.get_statistics()

    assert after["models"] - before["models"] == 2
    assert after["versions"] - before["versions"] == 3
    assert after["size_bytes"] - before["size_bytes"] == sum(version.size or 0 for version in saved) > 0
    assert after["formats"]["pickle"] - before["formats"].get("pickle", 0) == 2
    assert after["formats"]["skops"] - before["formats"].get("skops", 0) == 1


def test_a_refused_model_leaves_nothing_behind(opened: Open, name: str) -> None:
    registry = opened()
    with pytest.raises(InvalidArgument, match="cannot be pickled"):
        registry.save_model(threading.Lock(), name)
    with pytest.raises(InvalidArgument, match="Unknown format 'joblib'"):
        registry.save_model(classifier(), name, format="joblib")
    with pytest.raises(NotFound):
        registry.get_model(name)
