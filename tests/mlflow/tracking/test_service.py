"""What a client asks before it does anything: health, version, server-info."""

from __future__ import annotations

from tests.mlflow.rest import Rest


def test_health_and_version_are_plain_text(rest: Rest) -> None:
    health = rest.get("/health")
    assert (health.status, health.text) == (200, "OK")
    version = rest.get("/version")
    assert (version.status, version.text) == (200, "3.17.2")
