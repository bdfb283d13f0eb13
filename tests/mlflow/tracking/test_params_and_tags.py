"""Parameters, which are written once, and tags, which may change."""

from __future__ import annotations

from typing import Any

import pytest

from tests.mlflow.rest import Rest, bad_name, bad_path, missing, wrong_type
from tests.mlflow.tracking.conftest import Runs

AWKWARD = ["", " ", "a\nb\tc", "'\"`\\", "ünïcode 名 🎉", '{"json": [1]}', "NaN", "x" * 6000, "-- ; drop table runs"]


class TestParams:
    def test_body(self, rest: Rest, runs: Runs, run: str) -> None:
        assert rest.post("runs/log-parameter", {"run_id": run, "key": "p", "value": "1"}).ok() == {}
        assert runs.get(run)["data"]["params"] == [{"key": "p", "value": "1"}]

    @pytest.mark.parametrize("value", AWKWARD, ids=range(len(AWKWARD)))
    def test_values(self, rest: Rest, runs: Runs, run: str, value: str) -> None:
        rest.post("runs/log-parameter", {"run_id": run, "key": "p", "value": value}).ok()
        assert runs.data(run, "params") == {"p": value}

    @pytest.mark.parametrize("fields", [{}, {"value": None}])
    def test_no_value_is_empty(self, rest: Rest, runs: Runs, run: str, fields: dict[str, Any]) -> None:
        rest.post("runs/log-parameter", {"run_id": run, "key": "p", **fields}).ok()
        assert runs.data(run, "params") == {"p": ""}

    def test_same_value_again(self, rest: Rest, runs: Runs, run: str) -> None:
        for _ in range(2):
            assert rest.post("runs/log-parameter", {"run_id": run, "key": "p", "value": "1"}).ok() == {}
        assert runs.data(run, "params") == {"p": "1"}

    def test_other_value(self, rest: Rest, runs: Runs, run: str) -> None:
        rest.post("runs/log-parameter", {"run_id": run, "key": "p", "value": "1"}).ok()
        answer = rest.post("runs/log-parameter", {"run_id": run, "key": "p", "value": "2"})
        answer.invalid(
            "Changing param values is not allowed. Param with key='p' was already logged with value='1' for run "
            f"ID='{run}'. Attempted logging new value '2'."
        )
        assert runs.data(run, "params") == {"p": "1"}

    def test_long_value_is_cut(self, rest: Rest, runs: Runs, run: str) -> None:
        for value in ("x" * 6001, "x" * 7000, "x" * 6000):
            rest.post("runs/log-parameter", {"run_id": run, "key": "p", "value": value}).ok()
        assert runs.data(run, "params") == {"p": "x" * 6000}

    def test_long_value_is_cut_by_characters(self, rest: Rest, runs: Runs, run: str) -> None:
        rest.post("runs/log-parameter", {"run_id": run, "key": "p", "value": "é" * 6001}).ok()
        assert runs.data(run, "params") == {"p": "é" * 6000}

    @pytest.mark.parametrize(
        ("fields", "message"),
        [
            ({"key": None}, missing("key")),
            ({"key": ""}, missing("key")),
            ({"value": 5}, wrong_type("value", "5")),
            ({"value": 0.1}, wrong_type("value", "0.1")),
            ({"value": True}, wrong_type("value", "true")),
            ({"value": ["a"]}, wrong_type("value", '["a"]')),
            ({"value": {"b": 1, "a": 2}}, wrong_type("value", '{"a":2,"b":1}')),
            ({"key": "k" * 251}, "'Param key' exceeds the maximum length of 250 characters"),
            ({"key": "a?b"}, bad_name('"a?b"', "key")),
            ({"key": "a/../b"}, bad_path('"a/../b"', "key", "b")),
            ({"key": "a/./b"}, bad_path('"a/./b"', "key", "a/b")),
        ],
    )
    def test_refused(self, rest: Rest, runs: Runs, run: str, fields: dict[str, Any], message: str) -> None:
        body = {"run_id": run, "key": "p", "value": "1", **fields}
        rest.post("runs/log-parameter", body).invalid(message)
        assert "params" not in runs.get(run)["data"]


class TestTags:
    @pytest.mark.parametrize("value", AWKWARD, ids=range(len(AWKWARD)))
    def test_values(self, rest: Rest, runs: Runs, run: str, value: str) -> None:
        assert rest.post("runs/set-tag", {"run_id": run, "key": "t", "value": value}).ok() == {}
        assert runs.data(run, "tags")["t"] == value

    def test_change(self, rest: Rest, runs: Runs, run: str) -> None:
        for fields in ({"value": "1"}, {"value": "2"}):
            rest.post("runs/set-tag", {"run_id": run, "key": "t", **fields}).ok()
        assert runs.data(run, "tags")["t"] == "2"
        rest.post("runs/set-tag", {"run_id": run, "key": "t"}).ok()
        assert runs.data(run, "tags")["t"] == ""

    def test_long_value_is_cut(self, rest: Rest, runs: Runs, run: str) -> None:
        rest.post("runs/set-tag", {"run_id": run, "key": "t", "value": "x" * 8001}).ok()
        assert runs.data(run, "tags")["t"] == "x" * 8000

    def test_delete(self, rest: Rest, runs: Runs, run: str) -> None:
        rest.post("runs/set-tag", {"run_id": run, "key": "t", "value": "1"}).ok()
        assert rest.post("runs/delete-tag", {"run_id": run, "key": "t"}).ok() == {}
        assert "t" not in runs.data(run, "tags")
        answer = rest.post("runs/delete-tag", {"run_id": run, "key": "t"})
        answer.absent(f"No tag with name: t in run with id {run}")

    @pytest.mark.parametrize(
        ("fields", "message"),
        [
            ({"key": None}, missing("key")),
            ({"key": ""}, missing("key")),
            ({"value": 5}, wrong_type("value", "5")),
            ({"key": "k" * 251}, "'key' exceeds the maximum length of 250 characters"),
            ({"key": "a*"}, bad_name('"a*"', "key")),
            ({"key": "/a"}, bad_path('"/a"', "key", "/a")),
        ],
    )
    def test_refused(self, rest: Rest, runs: Runs, run: str, fields: dict[str, Any], message: str) -> None:
        body = {"run_id": run, "key": "t", "value": "1", **fields}
        rest.post("runs/set-tag", body).invalid(message)
        assert runs.data(run, "tags") == {"mlflow.runName": "a run"}

    def test_missing_key_of_delete(self, rest: Rest, run: str) -> None:
        rest.post("runs/delete-tag", {"run_id": run}).invalid(missing("key"))
