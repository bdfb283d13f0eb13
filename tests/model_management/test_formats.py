"""Formats: which one is taken, what a load trusts, and what is refused."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from skl2onnx import to_onnx
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from mainspring.kit.errors import FailedPrecondition, InvalidArgument, NotFound, PermissionDenied, Unavailable
from model_management import ModelRegistry, create_registry
from tests.model_management.models import Shift, classifier
from tests.model_management.writers import Thresholds

SHIFT = "tests.model_management.models.Shift"
ROWS = np.array([[0.0, 1.0], [3.0, 0.5]])


@pytest.fixture
def registry(tmp_path: Path) -> ModelRegistry:
    return create_registry("local", url=tmp_path / "registry")


@pytest.fixture
def bytes_of_wine(registry: ModelRegistry, tmp_path: Path) -> Path:
    """The file of a saved pickle."""
    return tmp_path / "registry" / "models" / registry.save_model(Thresholds([1.0]), "wine").key


def test_types_that_skops_does_not_know_must_be_named(registry: ModelRegistry) -> None:
    saved = registry.save_model(make_pipeline(Shift(2.0), classifier()), "wine")

    assert saved.format == "skops"
    with pytest.raises(PermissionDenied, match=SHIFT):
        registry.load_model("wine")
    with pytest.raises(PermissionDenied, match=SHIFT):
        registry.load_model("wine", trusted=["builtins.eval"])
    with pytest.raises(InvalidArgument, match="list of type names"):
        registry.load_model("wine", trusted=SHIFT)
    loaded = registry.load_model("wine", trusted=[SHIFT])
    assert np.array_equal(loaded.predict(ROWS), classifier().predict(ROWS + 2.0))  # type: ignore[attr-defined]


def test_what_skops_cannot_keep_becomes_a_pickle_unless_skops_was_asked_for(registry: ModelRegistry) -> None:
    model = FunctionTransformer(lambda rows: rows + 1)

    assert registry.save_model(model, "wine").format == "pickle"
    assert np.array_equal(registry.load_model("wine").transform(ROWS), ROWS + 1)  # type: ignore[attr-defined]
    with pytest.raises(InvalidArgument, match="no other program can import"):
        registry.save_model(model, "wine", format="skops")
    assert len(registry.list_versions("wine")) == 1


def test_a_class_of_a_script_loads_in_another_program(tmp_path: Path) -> None:
    script = (
        "from model_management import create_registry\n"
        "class Model:\n    limit = 3\n"
        f"create_registry('local', url={str(tmp_path)!r}).save_model(Model(), 'wine')\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=120)

    assert create_registry("local", url=tmp_path).load_model("wine").limit == 3  # type: ignore[attr-defined]


def test_onnx_comes_back_as_the_same_graph(registry: ModelRegistry) -> None:
    graph = to_onnx(classifier(), ROWS[:1].astype(np.float32))

    assert registry.save_model(graph, "wine").format == "onnx"
    loaded = registry.load_model("wine")
    assert isinstance(loaded, onnx.ModelProto)
    assert loaded == graph


def test_onnx_must_be_a_graph_with_its_weights(registry: ModelRegistry) -> None:
    with pytest.raises(InvalidArgument, match="convert it first"):
        registry.save_model(classifier(), "wine", format="onnx")
    graph = to_onnx(classifier(), ROWS[:1].astype(np.float32))
    graph.graph.initializer.add().external_data.add(key="location", value="../../secret")
    with pytest.raises(InvalidArgument, match="weights in other files"):
        registry.save_model(graph, "wine")


def test_a_pickle_can_be_asked_for(registry: ModelRegistry) -> None:
    assert registry.save_model(classifier(), "wine", format="pickle").format == "pickle"
    assert np.array_equal(registry.load_model("wine").predict(ROWS), classifier().predict(ROWS))  # type: ignore[attr-defined]


def test_other_bytes_than_were_saved_are_not_unpickled(
    registry: ModelRegistry, bytes_of_wine: Path, tmp_path: Path
) -> None:
    trace = tmp_path / "attacked"
    bytes_of_wine.write_bytes(pickle.dumps(_Attack(trace)))

    with pytest.raises(FailedPrecondition, match="damaged or replaced"):
        registry.load_model("wine")
    assert not trace.exists()


def test_half_a_file_is_noticed(registry: ModelRegistry, bytes_of_wine: Path) -> None:
    bytes_of_wine.write_bytes(bytes_of_wine.read_bytes()[:-5])
    with pytest.raises(FailedPrecondition, match="damaged or replaced"):
        registry.load_model("wine")


def test_missing_bytes_name_the_store_they_were_saved_to(
    registry: ModelRegistry, bytes_of_wine: Path, tmp_path: Path
) -> None:
    elsewhere = create_registry("local", url=tmp_path / "registry", storage=tmp_path / "elsewhere")
    with pytest.raises(NotFound, match=f"storage='{bytes_of_wine.parent.as_uri()}'"):
        elsewhere.load_model("wine")


@pytest.mark.parametrize("key", ["../../attack.pickle", "/tmp/attack.pickle", "attack.pickle", "", "models/x.pickle"])
def test_metadata_cannot_point_out_of_the_store(
    registry: ModelRegistry, bytes_of_wine: Path, tmp_path: Path, key: str
) -> None:
    _edit(tmp_path / "registry" / "registry.json", key=key)
    for ask in (registry.load_model, registry.delete_model):
        with pytest.raises(FailedPrecondition, match="never wrote that"):
            ask("wine")


def test_metadata_cannot_turn_other_bytes_into_a_pickle(registry: ModelRegistry, tmp_path: Path) -> None:
    registry.save_model(classifier(), "wine")
    _edit(tmp_path / "registry" / "registry.json", format="pickle")
    with pytest.raises(FailedPrecondition, match="never wrote that"):
        registry.load_model("wine")


def test_a_damaged_registry_file_is_named_and_left_alone(registry: ModelRegistry, tmp_path: Path) -> None:
    file = tmp_path / "registry" / "registry.json"
    file.write_text('{"models": {"wine": ')
    for ask in (registry.list_models, lambda: registry.save_model(Thresholds([1.0]), "wine")):
        with pytest.raises(FailedPrecondition, match="is not a model registry"):
            ask()
    assert file.read_text() == '{"models": {"wine": '


def test_a_full_disk_is_said_and_saves_nothing(registry: ModelRegistry, tmp_path: Path) -> None:
    """A limit on the size of files stands in for a full disk: the system refuses the same write."""
    script = (
        "import resource, signal\n"
        "from model_management import create_registry\n"
        "from mainspring.kit.errors import Unavailable\n"
        f"registry = create_registry('local', url={str(tmp_path / 'registry')!r})\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "try:\n    registry.save_model(bytes(1_000_000), 'wine')\n"
        "except Unavailable as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], check=True, timeout=120, capture_output=True, text=True)

    assert "cannot be written" in done.stdout
    assert registry.list_models() == []
    assert list((tmp_path / "registry" / "models").iterdir()) == []


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Unavailable, match="cannot be made"):
        create_registry("local", url=tmp_path / "file" / "registry")


class _Attack:
    """A pickle that leaves a trace when it is loaded."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (self.trace,))


def _edit(file: Path, **fields: str) -> None:
    document = json.loads(file.read_text())
    document["models"]["wine"]["versions"][0].update(fields)
    file.write_text(json.dumps(document))
