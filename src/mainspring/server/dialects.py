"""The dialects beside MLflow's and our own: STAC, SharingHub's and the Hugging Face Hub's; and MLflow's web page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from mainspring.api.hub import routes as hub
from mainspring.api.routing import Router
from mainspring.api.sharinghub.routes import ROUTES as SHARINGHUB
from mainspring.api.stac.routes import ROUTES as STAC
from mainspring.kit.actors import Actor
from mainspring.kit.http import Request
from mainspring.modules.services import Services
from mainspring.server import mlflow_page
from mainspring.server.refusals import refuse_by_problem

ROUTES = (*STAC, *SHARINGHUB, *mlflow_page.ROUTES, *hub.ROUTES)


def create_routers(services: Services, authenticate: Callable[[Request], Awaitable[Actor]]) -> Sequence[Router]:
    """Return the routers in the order in which they are asked."""
    return [
        *(Router(services, authenticate, routes, refuse_by_problem) for routes in (STAC, SHARINGHUB)),
        Router(services, authenticate, mlflow_page.ROUTES, mlflow_page.refuse),
        hub.HubRouter(services, authenticate, hub.ROUTES, hub.refuse),
    ]
