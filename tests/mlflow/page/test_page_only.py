"""What MLflow's page asks for beside the protocol: it comes up with nothing, and with no error."""

from __future__ import annotations

import pytest

from tests.mlflow.rest import Rest

AJAX = "/ajax-api/3.0/mlflow"


def test_nothing_is_told_to_others(rest: Rest) -> None:
    assert rest.get(f"{AJAX}/ui-telemetry").ok()["disable_ui_telemetry"] is True
    assert rest.get(f"{AJAX}/assistant/config").ok()["remote_access_allowed"] is False


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "assistant/providers"),
        ("GET", "scorers/list?experiment_id=0"),
        ("GET", "datasets/search"),
        ("POST", "datasets/search"),
        ("POST", "traces/search"),
        ("POST", "traces/metrics"),
    ],
)
def test_there_is_none(rest: Rest, method: str, path: str) -> None:
    sent = {"json": {"experiment_ids": ["0"]}} if method == "POST" else {}
    found = rest.send(method, f"{AJAX}/{path}", **sent).ok()
    assert not any(isinstance(each, list) and each for each in found.values()), found


def test_the_gateway_has_no_endpoints(rest: Rest) -> None:
    asked = {"gateway_path": "api/2.0/endpoints/"}
    assert rest.get("/ajax-api/2.0/mlflow/gateway-proxy", asked).ok() == {"endpoints": []}
