"""Searches against MLflow's own store: the same rows in the same order, or both refuse."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mlflow.exceptions import MlflowException
from sqlalchemy import Connection, create_engine, select
from sqlalchemy.exc import SQLAlchemyError

from mainspring.db.engine import check_url
from mainspring.kit.actors import DEFAULT_PROJECT
from mainspring.kit.errors import InvalidArgument
from mainspring.modules.tracking import search, tables
from mainspring.modules.tracking.schemas import DatasetScope, ModelOrder, ViewType
from mainspring.modules.tracking.search import RunQuery, walks
from mainspring.modules.tracking.search import runs as runs_search
from mainspring.server.schema import metadata
from tests.components.postgres import create_database, drop_database
from tests.modules.tracking.reference import NUMBERS, START, STATUSES, WORDS, Reference

EXPERIMENTS = ["0", "1", "2", "3"]
VIEWS = {ViewType.ACTIVE_ONLY: 1, ViewType.DELETED_ONLY: 2, ViewType.ALL: 3}
REFUSED = "refused"

quick = settings(max_examples=120, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
thorough = settings(quick, max_examples=600)


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Reference:
    return Reference(tmp_path_factory.mktemp("reference"))


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def tx(request: pytest.FixtureRequest, reference: Reference, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A connection to our tables, filled like the reference."""
    if request.param == "sqlite":
        yield from _filled(f"sqlite:///{tmp_path_factory.mktemp('ours') / 'ours.db'}", reference)
        return
    server = request.getfixturevalue("postgres")
    name = create_database(server)
    try:
        yield from _filled(server.database_url(name), reference)
    finally:
        drop_database(server, name)


def _filled(url: str, reference: Reference) -> Iterator[Connection]:
    engine = create_engine(check_url(url))
    metadata.create_all(engine)
    with engine.begin() as tx:
        tx.exec_driver_sql("DELETE FROM experiments")  # the reference brings its own
        reference.copy(tx)
    with engine.connect() as tx:
        yield tx
    engine.dispose()


# What is searched for


def quoted(text: str) -> str:
    """Write a value as MLflow reads it: it knows no escapes, so a text takes the quotes that it does not have."""
    return f'"{text}"' if "'" in text else f"'{text}'"


def clause(names: list[str], comparators: list[str], values: list[str]) -> st.SearchStrategy[str]:
    parts = st.tuples(st.sampled_from(names), st.sampled_from(comparators), st.sampled_from(values))
    spaces = st.sampled_from([" ", "  ", "\t", "\n"])
    return st.builds(lambda part, space: space.join(part), parts, spaces)


ORDER = ["=", "!=", "<", "<=", ">", ">="]
TEXTS = ["=", "!=", "LIKE", "ILIKE"]
TEXT_VALUES = [
    *(quoted(word) for word in WORDS if '"' not in word and not word.endswith("\\")),
    *(quoted(pattern) for pattern in ("x%", "%y", "_", "%", "%_%", "X_", "50%", "a[*]b", "%*%", "[[]x]", "1_", "ab%%")),
    '"x"',
    '"X%"',
]
NUMBER_VALUES = [
    "0",
    "1",
    "-1.5",
    "1e300",
    "1e-3",
    ".5",
    "2.",
    "1e999",
    "-1e999",
    "0.0",
    "5",
    "12345678901234567890123",
]
TOO_LARGE = "99999999999999999999"
TIME_VALUES = [str(START), str(START + 1), str(START + 2), f"{START}.5", "0", "-1", "1e12", TOO_LARGE]
NONSENSE = [
    "OR",
    "params.a",
    "params.a =",
    "= 'x'",
    "(params.a = 'x')",
    "metrics.a > 'x'",
    "params.a > 'x'",
    "params.a = 5",
    "params.a = x",
    "foo.a = 'x'",
    "foo = 'x'",
    "metrics.a IS NULL",
    "params.a IN ('x')",
    "status IN ('RUNNING')",
    "params.a NOT LIKE 'x'",
    "params.a RLIKE 'x'",
    "params.a == 'x'",
    "params.a <> 'x'",
    "metrics.a => 1",
    "metrics.a = 1 AND NOT metrics.a = 1",
    "run_id = ('a', 'b')",
    "run_id IN ()",
    "run_id IN (1)",
    "params.a = 'x' ; params.a = 'y'",
    "params.a-b = 'x'",
    "metrics.1 > 0",
    "params.from = 'x'",
    "end_time IS NULL",
    "start_time > '1'",
    "params.a = 'x",
]


def keyed(prefixes: list[str]) -> list[str]:
    keys = ["a", "b", "`learning rate`", '"learning rate"', "'learning rate'", "mlflow.user", "`mlflow.user`", "nosuch"]
    return [f"{prefix}.{key}" for prefix in prefixes for key in keys]


def presence(prefixes: list[str]) -> st.SearchStrategy[str]:
    words = st.sampled_from(["IS NULL", "IS NOT NULL", "is null", "Is  Not Null"])
    return st.builds("{} {}".format, st.sampled_from(keyed(prefixes)), words)


def joined(clauses: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    some = st.lists(clauses, max_size=3)
    return st.builds(lambda parts, word: f" {word} ".join(parts), some, st.sampled_from(["AND", "and", "And"]))


RUN_CLAUSES = st.one_of(
    clause(keyed(["metrics", "metric", "`metrics`"]), ORDER, NUMBER_VALUES),
    clause(keyed(["params", "param", "parameter", "parameters"]), [*TEXTS, "like", "iLike"], TEXT_VALUES),
    clause(keyed(["tags", "tag"]), TEXTS, TEXT_VALUES),
    presence(["params", "tags"]),
    clause(["status", "attributes.status", "attr.status", "run.status"], TEXTS, [quoted(word) for word in STATUSES]),
    clause(["run_name", "`run name`", "attribute.`Run name`"], TEXTS, ["'fast'", "'FAST'", "'%1'", "'slow 1'"]),
    clause(["user_id"], TEXTS, ["'ann'", "'A%'"]),
    clause(["start_time", "attributes.end_time", "created", "Created", "end_time"], ORDER, TIME_VALUES),
    clause(["artifact_uri"], ["LIKE"], ["'%/artifacts'", "'%nosuch%'"]),
    clause(["dataset.name", "datasets.name"], TEXTS, ["'wine'", "'WINE'", '"it\'s"', "'%i%'"]),
    clause(["dataset.name", "dataset.digest", "dataset.context"], ["IN", "NOT IN", "in", "not  in"], ["('wine', '1')"]),
    clause(["dataset.context"], TEXTS, ["'train'", "'eval'", "'T%'"]),
    clause(["dataset.digest"], ["=", "!="], ["'1'", "'9'"]),
    st.sampled_from(NONSENSE),
)
RUN_ORDERS = st.lists(
    st.builds(
        "{}{}".format,
        st.sampled_from(
            [
                *keyed(["metrics", "params", "tag"]),
                *("start_time", "created", "end_time", "status", "run_name", "attributes.user_id", "run_id"),
                *("`metrics`.a", "dataset.name", "foo", "metrics.a-b", "lifecycle_stage"),
            ]
        ),
        st.sampled_from(["", " ASC", " DESC", " desc", "  asc", " foo", " "]),
    ),
    max_size=3,
)


PLANS = {"sorted": (1.0, 200), "walked": (0.0, 0), "by turns": (0.04, 0)}
"""How few runs, of those wanted, are rather sorted than searched for, and how few in each of several experiments."""


@contextmanager
def plan(name: str) -> Iterator[None]:
    few, few_each = PLANS[name]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(walks, "FEW", few)
        patch.setattr(runs_search, "FEW_EACH", few_each)
        yield


def check_runs(
    tx: Connection,
    reference: Reference,
    text: str,
    order: list[str],
    view: ViewType,
    page: tuple[int, int],
    plan_name: str,
    experiments: list[str],
) -> None:
    limit, offset = page
    try:
        found = reference.store._search_runs(experiments, text, VIEWS[view], 1000, order, None)[0]
        expected: Any = [run.info.run_id for run in found]
    except (MlflowException, ValueError, SQLAlchemyError, OverflowError):
        expected = REFUSED
    with plan(plan_name):
        try:
            query = RunQuery([int(key) for key in experiments], text, view, order)
            ours: Any = _public(tx, tables.runs.c.id, tables.runs.c.run_id, query.find(tx, limit, offset=offset))
        except InvalidArgument:
            ours = REFUSED
        if expected == REFUSED and TOO_LARGE in text:
            return  # MLflow fails on a whole number that 64 bits do not hold; ours compares with it.
        assert ours == (expected if expected == REFUSED else expected[offset : offset + limit])
        if ours != REFUSED:
            assert _public(tx, tables.runs.c.id, tables.runs.c.run_id, paged(tx, query, limit)) == expected


def paged(tx: Connection, query: RunQuery, limit: int) -> list[Any]:
    """Return what a search finds page by page, each behind the position of the last run of the page before."""
    found = query.find(tx, limit)
    while len(page := query.find(tx, limit, found[-1][1:] if found else ())) == limit:
        found += page
    return found + page if found else page


def _public(tx: Connection, key: Any, name: Any, found: list[Any]) -> list[Any]:
    keys = [each[0] if isinstance(each, tuple) else each for each in found]
    names = dict(tx.execute(select(key, name).where(key.in_(keys))).tuples().all())
    return [names[key] for key in keys]


runs_arguments = given(
    text=joined(RUN_CLAUSES),
    order=RUN_ORDERS,
    view=st.sampled_from(ViewType),
    page=st.one_of(st.just((1000, 0)), st.tuples(st.integers(1, 60), st.integers(0, 40))),
    plan_name=st.sampled_from(sorted(PLANS)),
    experiments=st.sampled_from([EXPERIMENTS, ["1"], ["2", "0"]]),
)


@runs_arguments
@quick
def test_runs(tx: Connection, reference: Reference, **search: Any) -> None:
    check_runs(tx, reference, **search)


@pytest.mark.slow
@runs_arguments
@thorough
def test_many_searches_of_runs(tx: Connection, reference: Reference, **search: Any) -> None:
    check_runs(tx, reference, **search)


PAGED_ORDERS = ["metrics.a", "metrics.b DESC", "params.a DESC", "end_time", "status DESC", "run_name", "user_id"]


@pytest.mark.parametrize("order", PAGED_ORDERS)
@pytest.mark.parametrize("text", ["", "metrics.a != 1", "metrics.a > 0 AND metrics.b <= 5", "params.b IS NULL"])
def test_pages_of_runs_follow_each_other(tx: Connection, reference: Reference, text: str, order: str) -> None:
    for experiments, view in itertools.product((EXPERIMENTS, ["1"]), (ViewType.ALL, ViewType.ACTIVE_ONLY)):
        found = reference.store._search_runs(experiments, text, VIEWS[view], 1000, [order], None)[0]
        expected = [run.info.run_id for run in found]
        query = RunQuery([int(key) for key in experiments], text, view, [order])
        for name in PLANS:
            with plan(name):
                assert _public(tx, tables.runs.c.id, tables.runs.c.run_id, paged(tx, query, 4)) == expected
                for offset in range(0, len(expected) + 20, 13):
                    page = query.find(tx, 7, offset=offset)
                    assert _public(tx, tables.runs.c.id, tables.runs.c.run_id, page) == expected[offset : offset + 7]


# Experiments

EXPERIMENT_CLAUSES = st.one_of(
    clause(["name", "attribute.name", "`name`"], TEXTS, ["'alpha'", "'ALPHA'", "'%a'", "'beta 50%'", "'gam_ma'"]),
    clause(["experiment_id"], ["=", "!="], ["'1'", "'4'", f"'{TOO_LARGE}'", "'x'", "1"]),
    clause(["experiment_id"], ["IN", "NOT IN", "not in"], ["('1', '2')", "('0',)", "('x')"]),
    clause(["creation_time", "attribute.last_update_time"], ORDER, [*TIME_VALUES[:3], f"{START}.5", "'1'", "-1"]),
    clause(keyed(["tags", "tag"]), TEXTS, TEXT_VALUES),
    presence(["tags", "tag"]),
    st.sampled_from([*NONSENSE, "name IS NULL", "attributes.name = 'x'", "name > 'a'", "name IN ('alpha')"]),
)
EXPERIMENT_ORDERS = st.lists(
    st.builds(
        "{}{}".format,
        st.sampled_from(
            ["name", "experiment_id", "creation_time", "attribute.last_update_time", "`name`", "tags.a", "foo"]
        ),
        st.sampled_from(["", " ASC", " DESC", " desc", " foo"]),
    ),
    max_size=4,
)


def check_experiments(tx: Connection, reference: Reference, text: str, order: list[str], view: ViewType) -> None:
    try:
        found = reference.store.search_experiments(VIEWS[view], 1000, text, order)
        expected: Any = [int(experiment.experiment_id) for experiment in found]
    except (MlflowException, ValueError, SQLAlchemyError, OverflowError):
        expected = REFUSED
    try:
        ours: Any = search.search_experiments(tx, DEFAULT_PROJECT, text, view, 1000, 0, order)
    except InvalidArgument:
        ours = REFUSED
    if expected == REFUSED and TOO_LARGE in text:
        return  # Too large an id is a server error there; it is an id of no experiment here.
    assert ours == expected


experiments_arguments = given(text=joined(EXPERIMENT_CLAUSES), order=EXPERIMENT_ORDERS, view=st.sampled_from(ViewType))


@experiments_arguments
@quick
def test_experiments(tx: Connection, reference: Reference, **search: Any) -> None:
    check_experiments(tx, reference, **search)


@pytest.mark.slow
@experiments_arguments
@thorough
def test_many_searches_of_experiments(tx: Connection, reference: Reference, **search: Any) -> None:
    check_experiments(tx, reference, **search)


# Logged models

MODEL_KEYS = ["a", "b", "`learning rate`", "mlflow.user", "`mlflow.user`", "nosuch"]
MODEL_TEXTS = [value for value in TEXT_VALUES if value.startswith("'") and value != "''"]
MODEL_CLAUSES = st.one_of(
    clause([f"metrics.{key}" for key in MODEL_KEYS], ORDER, NUMBER_VALUES),
    clause([f"{entity}.{key}" for entity in ("params", "tags") for key in MODEL_KEYS], [*TEXTS, "like"], MODEL_TEXTS),
    clause(["params.a", "tags.b"], ["=", "!="], ["10", "9", "x", "xy", "-1.5"]),
    clause(["params.a", "tags.`learning rate`", "name"], ["IN", "NOT IN"], ["('x', 'forest')", "('x',)", "('10')"]),
    clause(["name", "attributes.name", "`name`"], TEXTS, ["'forest'", "'FOREST'", "'net_50'", "'net%'"]),
    clause(["model_type", "source_run_id", "attributes.status_message"], ["=", "!=", "LIKE"], ["'sklearn'", "'%t%'"]),
    clause(
        ["creation_time", "creation_timestamp", "creation_timestamp_ms", "last_updated_timestamp"], ORDER, TIME_VALUES
    ),
    st.sampled_from(
        [
            "metric.a > 1",
            "foo = 'x'",
            "params.a > 'x'",
            "metrics.a LIKE 1",
            "tags.a IS NULL",
            "name = 'x' OR name = 'y'",
            "(name = 'x')",
            "metrics.a > '1'",
            "metrics.a > x",
            "experiment_id = '1'",
            "lifecycle_stage = 'active'",
        ]
    ),
)
MODEL_ORDERS = st.lists(
    st.builds(
        ModelOrder,
        field_name=st.sampled_from(
            [
                *("metrics.a", "metrics.b", "metrics.learning rate", "metrics.nosuch", "name", "model_id", "status"),
                *("creation_time", "last_updated_timestamp", "model_type", "source_run_id", "experiment_id"),
                *("params.a", "nosuch"),
            ]
        ),
        ascending=st.booleans(),
        dataset_name=st.sampled_from([None, "wine"]),
        dataset_digest=st.sampled_from([None, "1"]),
    ),
    max_size=2,
)
SCOPES = st.lists(
    st.builds(DatasetScope, st.sampled_from(["wine", "iris", "nosuch", ""]), st.sampled_from([None, "1"])), max_size=2
)


def check_models(
    tx: Connection,
    reference: Reference,
    text: str,
    order: list[ModelOrder],
    scopes: list[DatasetScope],
    page: tuple[int, int],
) -> None:
    limit, offset = page
    orders = [
        {
            "field_name": entry.field_name,
            "ascending": entry.ascending,
            "dataset_name": entry.dataset_name,
            "dataset_digest": entry.dataset_digest,
        }
        for entry in order
    ]
    datasets = [
        {
            "dataset_name": scope.dataset_name,
            **({"dataset_digest": scope.dataset_digest} if scope.dataset_digest else {}),
        }
        for scope in scopes
    ]
    try:
        found = reference.store.search_logged_models(EXPERIMENTS, text, datasets, 1000, orders)
        expected: Any = [model.model_id for model in found][offset : offset + limit]
    except (MlflowException, ValueError, SQLAlchemyError, OverflowError, AttributeError):
        expected = REFUSED
    try:
        keys = search.search_logged_models(tx, [int(key) for key in EXPERIMENTS], text, scopes, limit, offset, order)
        ours: Any = _public(tx, tables.logged_models.c.id, tables.logged_models.c.model_id, keys)
    except InvalidArgument:
        ours = REFUSED
    assert ours == expected


models_arguments = given(
    text=joined(MODEL_CLAUSES),
    order=MODEL_ORDERS,
    scopes=SCOPES,
    page=st.one_of(st.just((1000, 0)), st.tuples(st.integers(1, 30), st.integers(0, 10))),
)


@models_arguments
@quick
def test_logged_models(tx: Connection, reference: Reference, **search: Any) -> None:
    check_models(tx, reference, **search)


@pytest.mark.slow
@models_arguments
@thorough
def test_many_searches_of_logged_models(tx: Connection, reference: Reference, **search: Any) -> None:
    check_models(tx, reference, **search)


# Datasets


@pytest.mark.parametrize("experiments", [["0"], ["0", "1", "2", "3"], ["99"]])
def test_datasets(tx: Connection, reference: Reference, experiments: list[str]) -> None:
    expected = {
        (found.experiment_id, found.name, found.digest, found.context)
        for found in reference.store._search_datasets(experiments)
    }
    ours = search.search_datasets(tx, [int(key) for key in experiments])
    assert {(found.experiment_id, found.name, found.digest, found.context) for found in ours} == expected
    assert len(ours) == len(expected)


def test_the_data_has_every_kind_of_value(tx: Connection, reference: Reference) -> None:
    values = tx.execute(select(tables.latest_metrics.c.value, tables.latest_metrics.c.is_nan)).all()
    assert {value for value, is_nan in values if not is_nan} >= {1.7976931348623157e308, -1.7976931348623157e308, 0.0}
    assert any(is_nan for _, is_nan in values)
    assert len(NUMBERS) > 5
    assert tx.execute(select(tables.run_dataset_tags)).all()
    assert tx.execute(select(tables.logged_model_metrics)).all()
