"""``MLmodel`` as MLflow writes it, and as an attacker does."""

from __future__ import annotations

import time
from pathlib import Path

import mlflow.sklearn
import numpy
import pytest
from mlflow.models import infer_signature
from sklearn.linear_model import LinearRegression

from mainspring.kit.errors import InvalidArgument
from mainspring.modules.registry.service.model_files import parse_model_file
from mainspring.modules.registry.service.rules import MAX_MODEL_FILE


def test_what_mlflow_writes(tmp_path: Path) -> None:
    rows = numpy.array([[1.0], [2.0]])
    model = LinearRegression().fit(rows, rows[:, 0])
    mlflow.sklearn.save_model(
        model, str(tmp_path / "m"), signature=infer_signature(rows, rows[:, 0]), pip_requirements=[], metadata={"k": 1}
    )
    file = parse_model_file((tmp_path / "m" / "MLmodel").read_bytes())
    assert set(file.flavors) == {"python_function", "sklearn"}
    assert file.flavors["python_function"]["loader_module"] == "mlflow.sklearn"
    assert file.signature is not None
    assert '"tensor"' in file.signature["inputs"]
    assert file.metadata == {"k": "1"}
    assert (file.model_size_bytes or 0) > 0
    assert file.mlflow_version == mlflow.__version__


def test_nothing_is_constructed(tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    file = parse_model_file(f'flavors:\n  x: !!python/object/apply:os.system ["touch {trap}"]\n'.encode())
    assert file.flavors == {"x": [f"touch {trap}"]}
    assert not trap.exists()


def test_scalars_stay_text() -> None:
    file = parse_model_file(b"flavors: {f: {a: 1, b: 1:1:1, c: .nan, d: 2024-01-01, e: yes, <<: x}}\nmetadata: null\n")
    assert file.flavors["f"] == {"a": "1", "b": "1:1:1", "c": ".nan", "d": "2024-01-01", "e": "yes", "<<": "x"}
    assert file.metadata is None


def test_aliases_are_followed() -> None:
    file = parse_model_file(b"flavors:\n  a: &env {conda: c.yaml}\n  b: {env: *env}\n")
    assert file.flavors == {"a": {"conda": "c.yaml"}, "b": {"env": {"conda": "c.yaml"}}}


BOMB = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"a{level}: &a{level} [{','.join([f'*a{level - 1}'] * 9)}]\n" for level in range(1, 12)
)
CHAIN = "a0: &a0 [x]\n" + "".join(f"a{level}: &a{level} [*a{level - 1}]\n" for level in range(1, 5000))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"just text",
        b"- a list",
        b"flavors: [not, a, mapping]",
        b"flavors: {a: b",
        b"\xff\xfe\xff",
        b"a: \x00",
        b"flavors: {x: " + b"[" * 100 + b"]" * 100 + b"}",
        b"[" * 500_000,
        b"- " * 400_000,
        b"? [a, b]\n: c\n",
        b"flavors: &f {x: *f}",
        b"flavors: {x: *unknown}",
        f"{BOMB}flavors: {{x: *a11}}\n".encode(),
        f"{CHAIN}flavors: {{x: *a4999}}\n".encode(),
        b"flavors: {x: [" + b"y," * 200_000 + b"]}",
        b"#" * (MAX_MODEL_FILE + 1),
    ],
)
def test_what_is_refused_quickly(content: bytes) -> None:
    started = time.process_time()
    with pytest.raises(InvalidArgument, match="MLmodel"):
        parse_model_file(content)
    assert time.process_time() - started < 10


@pytest.mark.parametrize(
    "scalar", ["1" + ":1" * 400_000, "9" * 900_000, "0x" + "f" * 900_000, "'" + "a" * 900_000 + "'"]
)
def test_long_scalars_cost_nothing(scalar: str) -> None:
    started = time.process_time()
    assert len(parse_model_file(f"flavors: {{x: {scalar}}}".encode()).flavors["x"]) > 800_000
    assert time.process_time() - started < 10
