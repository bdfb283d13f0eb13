"""What our tables cannot hold is made to fit or left out, and told."""

from __future__ import annotations

from mainspring.modules.registry.schemas import ModelVersion, Stage
from mainspring.modules.registry.service.imports import RegisteredModelRecord
from mainspring.modules.tracking.schemas import (
    Dataset,
    DatasetInput,
    Experiment,
    LifecycleStage,
    ModelOutput,
    ModelStatus,
    RunStatus,
)
from mainspring.modules.tracking.service.imports import ModelRecord, RunRecord
from mainspring.transfer.fitting import Fitting
from mainspring.transfer.source import MAX_EXAMPLES, Notes

LONG = "x" * 600


def run_of(run_id: str = "r", **more: object) -> RunRecord:
    described = ("e", "name", "user", RunStatus.FINISHED, LifecycleStage.ACTIVE, "/a")
    return RunRecord(run_id, *described, **more)  # type: ignore[arg-type]


def test_what_fits_stays_as_it_is() -> None:
    notes = Notes()
    fitting = Fitting(notes)
    run = run_of(
        params={"a/b": "ü 🙂\n"}, started_at=1, datasets=[DatasetInput(Dataset("d", "1", "local", "{}"), {"k": "v"})]
    )
    assert fitting.run(run) == run
    assert list(fitting.points([("r", "k", 1, 2, 3.0, False)])) == [("r", "k", 1, 2, 3.0, False)]
    assert notes.all() == []


def test_runs() -> None:
    notes = Notes()
    fitting = Fitting(notes)
    assert fitting.run(run_of("r" * 33)) is None
    run = fitting.run(
        run_of(
            params={LONG: "v", "nul": "a\0b", "half": "\ud83d"},
            tags={"bad\0key": "v"},
            datasets=[DatasetInput(Dataset(LONG, "1", "local", "{}")), DatasetInput(Dataset("d", "1", "t", "a\0"))],
            model_inputs=["m" * 35, "m-1"],
            model_outputs=[ModelOutput("m" * 35), ModelOutput("m-2")],
        )
    )
    assert run is not None
    assert run.params == {"nul": "a\N{REPLACEMENT CHARACTER}b", "half": "\N{REPLACEMENT CHARACTER}"}
    assert run.tags == {}
    assert [given.dataset.source for given in run.datasets] == ["a\N{REPLACEMENT CHARACTER}"]
    assert (run.model_inputs, run.model_outputs) == (["m-1"], [ModelOutput("m-2")])
    assert run.started_at == 0
    assert sum(note.count for note in notes.all()) == 9


def test_points_models_and_experiments() -> None:
    notes = Notes()
    fitting = Fitting(notes)
    assert list(fitting.points([("r", LONG, 1, 2, 3.0, False)])) == []
    experiment = fitting.experiment(Experiment("1", LONG, "/a\0", LifecycleStage.ACTIVE, 1, 2))
    assert (experiment.name, experiment.artifact_location) == ("x" * 500, "/a\N{REPLACEMENT CHARACTER}")
    model = ModelRecord("m-1", "1", LONG, "/a", ModelStatus.READY, 1, 2, status_message="\0")
    fitting_model = fitting.logged_model(model)
    assert fitting_model is not None
    assert (len(fitting_model.name), fitting_model.status_message) == (500, "\N{REPLACEMENT CHARACTER}")
    assert fitting.logged_model(ModelRecord("m" * 35, "1", "n", "/a", ModelStatus.READY, 1, 2)) is None
    registered = RegisteredModelRecord("m", 1, 2, "d\0", aliases={"y" * 256: 1, "z": 2})
    fitting_registered = fitting.registered_model(registered)
    assert fitting_registered is not None
    assert fitting_registered.aliases == {"z": 2}
    assert fitting.registered_model(RegisteredModelRecord(LONG, 1, 2)) is None
    version = ModelVersion("m", 1, Stage.NONE, "s", "s", LONG, 1, 2)
    assert len(fitting.version(version).user_id) == 256
    assert len(notes.all()) == 8


def test_notes_keep_some_examples() -> None:
    notes = Notes()
    for number in range(100):
        notes.add("something", str(number))
    [note] = notes.all()
    assert (note.count, len(note.examples)) == (100, MAX_EXAMPLES)
