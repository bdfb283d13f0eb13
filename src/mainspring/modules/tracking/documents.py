"""A run as one JSON text, written once and handed out many times.

It has the form in which most readers ask for runs, MLflow's ``Run`` (``runs/get`` of its REST API), so
that a page of a search is joined from texts and not built from rows. What was never set is left out.
"""

from __future__ import annotations

import msgspec
from msgspec import Struct

from mainspring.modules.tracking.schemas import (
    Dataset,
    DatasetInput,
    LifecycleStage,
    Metric,
    ModelOutput,
    Number,
    Run,
    RunStatus,
)


class _Header(Struct, omit_defaults=True):
    run_uuid: str
    experiment_id: str
    run_name: str
    user_id: str
    status: RunStatus
    start_time: int | None
    artifact_uri: str
    lifecycle_stage: LifecycleStage
    run_id: str
    end_time: int | None = None


class _Pair(Struct):
    key: str
    value: str


class _Point(Struct):
    key: str
    value: Number
    timestamp: int
    step: int


class _Data(Struct, omit_defaults=True):
    metrics: list[_Point] = []
    params: list[_Pair] = []
    tags: list[_Pair] = []


class _Dataset(Struct, omit_defaults=True):
    name: str
    digest: str
    source_type: str
    source: str
    schema: str | None = None
    profile: str | None = None


class _DatasetInput(Struct, omit_defaults=True):
    dataset: _Dataset
    tags: list[_Pair] = []


class _ModelInput(Struct):
    model_id: str


class _Inputs(Struct, omit_defaults=True):
    dataset_inputs: list[_DatasetInput] = []
    model_inputs: list[_ModelInput] = []


class _Outputs(Struct, omit_defaults=True):
    model_outputs: list[ModelOutput] = []


class _Document(Struct):
    info: _Header
    data: _Data
    inputs: _Inputs
    outputs: _Outputs


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(list[_Document])


def encode(run: Run) -> bytes:
    """Return a run as MLflow's JSON."""
    info = _Header(
        run.run_id,
        run.experiment_id,
        run.name,
        run.user_id,
        run.status,
        run.started_at,
        run.artifact_uri,
        run.lifecycle_stage,
        run.run_id,
        run.ended_at,
    )
    data = _Data(
        [_Point(metric.key, metric.value, metric.timestamp, metric.step) for metric in run.metrics],
        _pairs(run.params),
        _pairs(run.tags),
    )
    inputs = _Inputs([_input(given) for given in run.datasets], [_ModelInput(model) for model in run.model_inputs])
    return _ENCODER.encode(_Document(info, data, inputs, _Outputs(run.model_outputs)))


def decode_joined(documents: bytes) -> list[Run]:
    """Return the runs of documents with commas between them."""
    return [_run(document) for document in _DECODER.decode(b"[%b]" % documents)]


def _run(read: _Document) -> Run:
    info = read.info
    return Run(
        info.run_id,
        info.experiment_id,
        info.run_name,
        info.user_id,
        info.status,
        info.lifecycle_stage,
        info.artifact_uri,
        info.start_time,
        info.end_time,
        {pair.key: pair.value for pair in read.data.params},
        {pair.key: pair.value for pair in read.data.tags},
        [Metric(point.key, point.value, point.timestamp, point.step) for point in read.data.metrics],
        [
            DatasetInput(
                Dataset(*(getattr(given.dataset, name) for name in Dataset.__struct_fields__)),
                {pair.key: pair.value for pair in given.tags},
            )
            for given in read.inputs.dataset_inputs
        ],
        [model.model_id for model in read.inputs.model_inputs],
        read.outputs.model_outputs,
    )


def _pairs(pairs: dict[str, str]) -> list[_Pair]:
    return [_Pair(key, value) for key, value in pairs.items()]


def _input(given: DatasetInput) -> _DatasetInput:
    return _DatasetInput(
        _Dataset(*(getattr(given.dataset, name) for name in Dataset.__struct_fields__)), _pairs(given.tags)
    )
