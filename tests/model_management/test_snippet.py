"""The snippet that row D6 promises runs word for word."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.model_management.models import classifier

SNIPPET = Path(__file__).with_name("snippet_of_row_d6.txt")


def test_the_snippet_runs_verbatim(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    lines = SNIPPET.read_text().splitlines()
    code = "\n".join(line.removeprefix("  ") for line in lines)
    names: dict[str, object] = {"model": classifier()}

    exec(compile(code, SNIPPET.name, "exec"), names)

    loaded, stats, models = names["loaded_model"], names["stats"], names["models"]
    rows = np.array([[0.0, 1.0], [3.0, 0.5]])
    assert list(loaded.predict(rows)) == list(names["model"].predict(rows))  # type: ignore[attr-defined]
    assert stats["models"] == stats["versions"] == 1  # type: ignore[index]
    assert [(model.name, model.version, model.description) for model in models] == [  # type: ignore[attr-defined]
        ("my_model", 1, "Description")
    ]
    assert models[0].tags == {"type": "classifier", "author": "team_a"}  # type: ignore[index]
    assert {path.name for path in (tmp_path / "model-registry").iterdir()} == {"models", "registry.db"}
