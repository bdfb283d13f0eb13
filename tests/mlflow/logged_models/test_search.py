"""Search of logged models: filters, datasets, order and page tokens that carry the query."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass
from typing import Any

import pytest

from tests.mlflow.conftest import differs
from tests.mlflow.rest import Rest

PATH = "logged-models/search"


@dataclass(frozen=True)
class Sample:
    """Models a, b, c, d of one experiment: acc 1 and then 9 on dataset ds (a), 2 (b), 3 (c), none (d)."""

    experiment: str
    run_id: str
    ids: dict[str, str]

    def fill(self, text: str) -> str:
        return text.replace("RUN", self.run_id).replace("IDA", self.ids["a"]).replace("EXP", self.experiment)


@pytest.fixture(scope="module")
def sample(rest: Rest) -> Sample:
    experiment = rest.post("experiments/create", {"name": f"s-{uuid.uuid4().hex}"}).ok()["experiment_id"]
    start = {"experiment_id": experiment, "start_time": 1}
    run_id = rest.post("runs/create", start).ok()["run"]["info"]["run_id"]
    ids = {}
    for number, name in enumerate("abcd"):
        body = {"experiment_id": experiment, "name": name, "model_type": "T" if number % 2 else "U"}
        if name == "a":
            body |= {"source_run_id": run_id}
        if name != "d":
            body |= {"params": [{"key": "p", "value": str(number)}], "tags": [{"key": "t", "value": name}]}
        ids[name] = rest.post("logged-models", body).ok()["model"]["info"]["model_id"]
        time.sleep(0.002)
    dataset = {"dataset_name": "ds", "dataset_digest": "d1"}
    for name, value, more in (("a", 1, {}), ("b", 2, {}), ("c", 3, {}), ("a", 9, dataset)):
        point = {"run_id": run_id, "key": "acc", "value": value, "step": 0, "model_id": ids[name]}
        rest.post("runs/log-metric", point | more | {"timestamp": 10 + value}).ok()
    rest.patch(f"logged-models/{ids['b']}", {"model_id": ids["b"], "status": "LOGGED_MODEL_READY"}).ok()
    return Sample(experiment, run_id, ids)


def names(answer: Any) -> str:
    return " ".join(model["info"]["name"] for model in answer.get("models", []))


def search(rest: Rest, sample: Sample, **fields: Any) -> str:
    """Return the names found; in the filter RUN, IDA and EXP are the run, the id of a and the experiment."""
    body = {"experiment_ids": [sample.experiment]} | fields
    if "filter" in body:
        body["filter"] = sample.fill(body["filter"])
    return names(rest.post(PATH, body).ok())


@pytest.mark.parametrize(
    ("filter", "found"),
    [
        ("", "d c b a"),
        ("name = 'a'", "a"),
        ("attributes.name = 'a'", "a"),
        ("name != 'a'", "d c b"),
        ("name LIKE '%'", "d c b a"),
        ("name LIKE 'A'", ""),
        ("name ILIKE 'A'", "a"),
        ("name like 'a'", "a"),
        ("name IN ('a', 'b')", "b a"),
        ("name in ('a')", "a"),
        ("name NOT IN ('a', 'b')", "d c"),
        ("model_id = 'IDA'", "a"),
        ("attributes.model_id IN ('IDA')", "a"),
        ("model_type = 'T'", "d b"),
        ("source_run_id = 'RUN'", "a"),
        ("experiment_id = 'EXP'", "d c b a"),
        ("creation_timestamp > 0", "d c b a"),
        ("creation_time > 0", "d c b a"),
        ("creation_timestamp_ms > 0", "d c b a"),
        ("last_updated_timestamp < 5", ""),
        ("last_updated_timestamp > 0 AND name = 'a'", "a"),
        ("params.p = '1'", "b"),
        ("params.`p` = '1'", "b"),
        ("params.p != '1'", "c a"),
        ("params.p LIKE '%1'", "b"),
        ("params.p IN ('1', '2')", "c b"),
        ("params.none = '1'", ""),
        ("tags.t = 'a'", "a"),
        ("tags.t != 'a'", "c b"),
        ("tags.t IN ('a', 'b')", "b a"),
        ("tags.t ILIKE 'A'", "a"),
        ("metrics.acc > 1", "c b a"),
        ("metrics.acc >= 2.0", "c b a"),
        ("metrics.acc = 1", "a"),
        ("metrics.acc != 1", "c b a"),
        ("metrics.`acc` > 5", "a"),
        ("metrics.acc < 0", ""),
        ("metrics.none > 1", ""),
        ("metrics.acc > 0.5 AND params.p = '1'", "b"),
        ("metrics.acc > 0.5 and tags.t = 'c' AND params.p = '2'", "c"),
    ],
)
def test_filters(rest: Rest, sample: Sample, filter: str, found: str) -> None:
    assert search(rest, sample, filter=filter) == found


@pytest.mark.parametrize(
    ("filter", "says"),
    [
        ("attribute.name = 'a'", "Invalid entity type"),
        ("param.p = '1'", "'param'"),
        ("tag.t = 'a'", "'tag'"),
        ("metric.acc > 1", "'metric'"),
        ("name > 'a'", "'>'"),
        ("params.p > '1'", "'>'"),
        ("metrics.acc LIKE '1'", "'LIKE'"),
        ("name = 'a' OR name = 'b'", "OR"),
        ("name", "name"),
        ("name = 'a'; x", "Invalid filter"),
    ],
)
def test_filters_that_are_refused(rest: Rest, sample: Sample, filter: str, says: str) -> None:
    rest.post(PATH, {"experiment_ids": [sample.experiment], "filter": filter}).invalid(says)


@pytest.mark.parametrize(
    "filter", ["foo = 'x'", "metrics.acc > 'x'", "metrics.acc > abc", "creation_timestamp = 'x'", "name IS NULL"]
)
@differs("the original answers most of these with 500, and clients retry a 500")
def test_filters_that_make_no_sense(rest: Rest, sample: Sample, filter: str) -> None:
    body = {"experiment_ids": [sample.experiment], "filter": filter}
    rest.post(PATH, body).error(400, "INVALID_PARAMETER_VALUE")


@pytest.mark.parametrize(
    ("datasets", "filter", "found"),
    [
        ([{"dataset_name": "ds", "dataset_digest": "d1"}], "", "a"),
        ([{"dataset_name": "ds", "dataset_digest": "d1"}], "metrics.acc > 5", "a"),
        ([{"dataset_name": "ds", "dataset_digest": "d1"}], "metrics.acc < 5", ""),
        ([{"dataset_name": "ds", "dataset_digest": "other"}], "", ""),
        ([{"dataset_name": "other"}], "metrics.acc > 0", ""),
        ([{"dataset_name": "other", "dataset_digest": "d1"}, {"dataset_name": "ds", "dataset_digest": "d1"}], "", "a"),
        ([{"dataset_name": "ds", "dataset_digest": "d1"}], "name = 'b'", ""),
    ],
)
def test_datasets_narrow_the_metrics(rest: Rest, sample: Sample, datasets: Any, filter: str, found: str) -> None:
    assert search(rest, sample, datasets=datasets, filter=filter) == found


@differs("the original compares a digest that was not given, and so finds nothing")
def test_a_dataset_without_digest_is_any_of_that_name(rest: Rest, sample: Sample) -> None:
    assert search(rest, sample, datasets=[{"dataset_name": "ds"}]) == "a"
    assert search(rest, sample, datasets=[{"dataset_name": "other"}, {"dataset_name": "ds"}]) == "a"


def test_a_dataset_has_a_name(rest: Rest, sample: Sample) -> None:
    rest.post(PATH, {"experiment_ids": [sample.experiment], "datasets": [{}]}).invalid("dataset_name")


ON_DATASET = {"field_name": "metrics.acc", "dataset_name": "ds", "dataset_digest": "d1"}


@pytest.mark.parametrize(
    ("order", "found"),
    [
        ([], "d c b a"),
        ([{"field_name": "name"}], "a b c d"),
        ([{"field_name": "name", "ascending": True}], "a b c d"),
        ([{"field_name": "name", "ascending": False}], "d c b a"),
        ([{"field_name": "creation_timestamp"}], "a b c d"),
        ([{"field_name": "creation_time", "ascending": False}], "d c b a"),
        ([{"field_name": "last_updated_timestamp", "ascending": False}], "b d c a"),
        ([{"field_name": "model_type"}, {"field_name": "name", "ascending": False}], "d b c a"),
        ([{"field_name": "metrics.acc"}], "b c a d"),
        ([{"field_name": "metrics.acc", "ascending": False}], "a c b d"),
        ([ON_DATASET, {"field_name": "name"}], "a b c d"),
        ([ON_DATASET | {"ascending": False}, {"field_name": "name"}], "a b c d"),
    ],
)
def test_order(rest: Rest, sample: Sample, order: Any, found: str) -> None:
    assert search(rest, sample, order_by=order) == found


@pytest.mark.parametrize("field", ["foo", "params.p", "attributes.name", ""])
def test_fields_that_do_not_order(rest: Rest, sample: Sample, field: str) -> None:
    reply = rest.post(PATH, {"experiment_ids": [sample.experiment], "order_by": [{"field_name": field}]})
    reply.invalid(field)


def test_pages(rest: Rest, sample: Sample) -> None:
    body: dict[str, Any] = {
        "experiment_ids": [sample.experiment],
        "filter": "name != 'c'",
        "order_by": [{"field_name": "name"}],
        "max_results": 2,
    }
    first = rest.post(PATH, body).ok()
    second = rest.post(PATH, body | {"page_token": first["next_page_token"]}).ok()
    assert (names(first), names(second)) == ("a b", "d")
    assert "next_page_token" not in second


def test_a_page_token_belongs_to_its_query(rest: Rest, sample: Sample) -> None:
    body: dict[str, Any] = {"experiment_ids": [sample.experiment], "max_results": 2}
    token = rest.post(PATH, body).ok()["next_page_token"]
    assert names(rest.post(PATH, body | {"page_token": token, "max_results": 1}).ok()) == "b"
    for changed in (
        {"filter": "name = 'a'"},
        {"order_by": [{"field_name": "name"}]},
        {"experiment_ids": [sample.experiment, "0"]},
    ):
        rest.post(PATH, body | {"page_token": token} | changed).invalid("page token")


@differs("the original answers 500 to a token it cannot read")
@pytest.mark.parametrize("token", ["x", "MQ==", "e30="])
def test_page_tokens_that_cannot_be_read(rest: Rest, sample: Sample, token: str) -> None:
    body = {"experiment_ids": [sample.experiment], "page_token": token}
    rest.post(PATH, body).error(400, "INVALID_PARAMETER_VALUE")


def test_experiments(rest: Rest, sample: Sample, experiment: str) -> None:
    assert rest.post(PATH, {"experiment_ids": [experiment]}).ok() == {}
    assert rest.post(PATH, {"experiment_ids": []}).ok() == {}
    assert rest.post(PATH, {"experiment_ids": ["999999999"]}).ok() == {}
    assert names(rest.post(PATH, {"experiment_ids": [experiment, sample.experiment]}).ok()) == "d c b a"
    message = rest.post(PATH, {}).error(400, "INVALID_PARAMETER_VALUE")
    assert "Missing value for required parameter 'experiment_ids'." in message
    message = rest.post(PATH, {"experiment_ids": sample.experiment}).error(400, "INVALID_PARAMETER_VALUE")
    assert f"Invalid value \"{sample.experiment}\" for parameter 'experiment_ids' supplied" in message


def test_max_results(rest: Rest, sample: Sample) -> None:
    assert search(rest, sample, max_results=1) == "d"
    assert search(rest, sample, max_results="2") == "d c"
    reply = rest.post(PATH, {"experiment_ids": [sample.experiment], "max_results": "x"})
    reply.error(400, "INVALID_PARAMETER_VALUE")


@differs("the original takes any string in double quotes for another one, and so finds nothing")
def test_double_quotes(rest: Rest, sample: Sample) -> None:
    assert search(rest, sample, filter='name = "a"') == "a"
