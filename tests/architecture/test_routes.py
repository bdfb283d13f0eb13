"""Law 3: a route cannot be declared without its permission; start-up refuses one."""

from typing import Any

import pytest
from litestar import get

from mainspring.kit.errors import Internal
from mainspring.server import v1


def start_with(monkeypatch: pytest.MonkeyPatch, *more: Any) -> None:
    """Build ``/api/v1`` as start-up does; nothing is asked of the database or the store."""
    monkeypatch.setattr(v1, "ROUTES", [*v1.ROUTES, *more])
    nothing: Any = None
    v1.create_v1(nothing, nothing)


def test_every_route_declares_its_permission(monkeypatch: pytest.MonkeyPatch) -> None:
    start_with(monkeypatch)


def test_a_route_without_permission_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    async def handler() -> None: ...

    handler.__module__ = v1.__name__  # as if it were declared in the sources
    with pytest.raises(Internal, match=r"/attic.*declares no permission"):
        start_with(monkeypatch, get("/attic")(handler))
