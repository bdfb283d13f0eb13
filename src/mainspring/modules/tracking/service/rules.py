"""What tracking accepts: limits, ids, and the forms of names (MLflow's, as its clients rely on them)."""

from __future__ import annotations

import math
import re
from collections import Counter

from mainspring.kit.errors import InvalidArgument, NotFound
from mainspring.kit.names import check_key, check_length, invalid_value
from mainspring.modules.tracking.schemas import Batch, DatasetInput, Metric

MAX_METRICS = 1000
MAX_PARAMS = 100
MAX_TAGS = 100
MAX_ENTITIES = 1000
MAX_KEY = 250
MAX_PARAM_VALUE = 6000
MAX_TAG_VALUE = 8000
MAX_EXPERIMENT_NAME = 500
MAX_EXPERIMENT_TAG_VALUE = 20_000
MAX_RESULTS = 50_000
MAX_DATASETS = 1000
MAX_DATASET_NAME = 500
MAX_DATASET_DIGEST = 36
LARGEST = 1.7976931348623157e308
INT64 = 2**63

RUN_NAME_TAG = "mlflow.runName"
USER_TAG = "mlflow.user"


def experiment_key(experiment_id: str) -> int:
    """Return the number that an experiment id is, else raise InvalidArgument."""
    # Within 64 bits; int() by itself would take "1_0" and numbers without end.
    if not re.fullmatch(r"\s*-?[0-9]{1,18}\s*", experiment_id, re.ASCII):
        raise InvalidArgument(
            f"Invalid experiment ID '{experiment_id[:100]}'. Experiment ID must be a valid integer.",
            field="experiment_id",
        )
    return int(experiment_id)


def check_experiment_name(name: str) -> str:
    if not name:
        raise InvalidArgument(f"Invalid experiment name: '{name}'", field="name")
    return check_length("name", name, MAX_EXPERIMENT_NAME)


def check_experiment_tag(key: str, value: str) -> tuple[str, str]:
    check_key(key, "key")
    check_length("key", key, MAX_KEY)
    check_length("value", value, MAX_EXPERIMENT_TAG_VALUE)
    return key, value


def check_param(param: tuple[str, str], path: str = "") -> tuple[str, str]:
    """Return a (key, value) as it is stored: a value past the limit is cut."""
    key, value = param
    check_key(key, _join(path, "key"))
    check_length("Param key", key, MAX_KEY)
    return key, value[:MAX_PARAM_VALUE]


def check_tag(tag: tuple[str, str], path: str = "") -> tuple[str, str]:
    """Return a run's (key, value) as it is stored: a value past the limit is cut."""
    key, value = tag
    check_key(key, _join(path, "key"))
    check_length(_join(path, "key"), key, MAX_KEY)
    return key, value[:MAX_TAG_VALUE]


def check_metric(metric: Metric, path: str = "") -> tuple[float, bool]:
    """Return (value, is_nan) as a point is stored, or raise InvalidArgument."""
    check_key(metric.key, f"{path}.name" if path else "name")
    if not 0 <= metric.timestamp < INT64:
        raise invalid_value(
            _join(path, "timestamp"),
            metric.timestamp,
            f"metric '{metric.key}' (value={metric.value}). Timestamp must be a nonnegative long (64-bit integer) ",
        )
    if not -INT64 <= metric.step < INT64:
        raise invalid_value(
            _join(path, "step"),
            metric.step,
            f"metric '{metric.key}' (value={metric.value}). Step must be a valid long (64-bit integer).",
        )
    check_length("Metric name", metric.key, MAX_KEY)
    if metric.dataset_name or metric.dataset_digest:
        _check_measured_on(metric, path)
    value = metric.value
    if value == "NaN" or value != value:
        return 0.0, True
    return (value if -LARGEST <= value <= LARGEST else math.copysign(LARGEST, value)), False


def _check_measured_on(metric: Metric, path: str) -> None:
    check_length(_join(path, "dataset_name"), metric.dataset_name or "", MAX_DATASET_NAME)
    check_length(_join(path, "dataset_digest"), metric.dataset_digest or "", MAX_DATASET_DIGEST)
    if not (metric.dataset_name and metric.dataset_digest):
        raise InvalidArgument(
            f"Metric '{metric.key}' has only one of dataset_name and dataset_digest: give both or neither.",
            field=_join(path, "dataset_digest" if metric.dataset_name else "dataset_name"),
        )


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def missing_run(run_id: str) -> NotFound:
    return NotFound(f"Run with id={run_id} not found", field="run_id")


def inactive_run(run_id: str, stage: str) -> InvalidArgument:
    return InvalidArgument(f"The run {run_id} must be in the 'active' state. Current state is {stage}.", field="run_id")


def check_batch_limits(batch: Batch) -> None:
    """Raise InvalidArgument where a batch holds more than one request may."""
    if len(batch.metrics) + len(batch.params) + len(batch.tags) <= MAX_PARAMS and len(batch.params) < 2:
        return
    counts = (
        ("metrics", MAX_METRICS, len(batch.metrics)),
        ("params", MAX_PARAMS, len(batch.params)),
        ("tags", MAX_TAGS, len(batch.tags)),
        ("metrics, params, and tags", MAX_ENTITIES, len(batch.metrics) + len(batch.params) + len(batch.tags)),
    )
    for what, limit, count in counts:
        if count > limit:
            raise InvalidArgument(
                f"A batch logging request can contain at most {limit} {what}. Got {count} {what}. "
                f"Please split up {what} across multiple requests and try again."
            )
    repeated = [key for key, times in Counter(key for key, _ in batch.params).items() if times > 1]
    if repeated:
        raise InvalidArgument(
            f"Duplicate parameter keys have been submitted: {repeated}. Please ensure the request contains only one "
            "param value per param key.",
            field="params",
        )


def check_max_results(value: int, limit: int = MAX_RESULTS) -> int:
    if value < 1:
        raise InvalidArgument(
            f"Invalid value {value} for parameter 'max_results' supplied. It must be a positive integer.",
            field="max_results",
        )
    if value > limit:
        raise InvalidArgument(
            f"Invalid value {value} for parameter 'max_results' supplied. It must be at most {limit}.",
            field="max_results",
        )
    return value


def check_datasets(inputs: list[DatasetInput]) -> list[DatasetInput]:
    """Return the inputs, one for each (name, digest), or raise InvalidArgument."""
    if len(inputs) > MAX_DATASETS:
        raise InvalidArgument(f"At most {MAX_DATASETS} datasets a request; got {len(inputs)}.", field="datasets")
    distinct: dict[tuple[str, str], DatasetInput] = {}
    for given in inputs:
        dataset = given.dataset
        for field, value, limit in (
            ("name", dataset.name, MAX_DATASET_NAME),
            ("digest", dataset.digest, MAX_DATASET_DIGEST),
            ("source_type", dataset.source_type, 36),
            ("source", dataset.source, 65_535),
            ("schema", dataset.schema or "", 1_048_575),
            ("profile", dataset.profile or "", 16_777_215),
        ):
            check_length(field, value, limit)
        for key, value in given.tags.items():
            check_length("key", key, 255)
            check_length("value", value, 500)
        distinct.setdefault((dataset.name, dataset.digest), given)
    return list(distinct.values())
