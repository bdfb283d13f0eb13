"""All routes of the dialect, each at both of its roots."""

from mainspring.api.routing import Handler, Routes
from mainspring.api.stac import handlers
from mainspring.kit.permissions import Permission

_HANDLERS: list[tuple[str, str, Handler]] = [
    ("GET", "", handlers.landing),
    ("GET", "/", handlers.landing),
    ("GET", "/conformance", handlers.conformance),
    ("GET", "/api", handlers.description),
    ("GET", "/api.html", handlers.page),
    ("GET", "/children", handlers.children),
    ("GET", "/search", handlers.search),
    ("POST", "/search", handlers.search_by_body),
    ("GET", "/queryables", handlers.queryables),
    ("GET", "/sortables", handlers.sortables),
    ("GET", "/aggregations", handlers.aggregations),
    ("GET", "/aggregate", handlers.aggregate),
    ("POST", "/aggregate", handlers.aggregate_by_body),
    ("GET", "/collections", handlers.collections),
    ("GET", "/collections/{collection}", handlers.collection),
    ("GET", "/collections/{collection}/browse", handlers.browse),
    ("GET", "/collections/{collection}/queryables", handlers.queryables),
    ("GET", "/collections/{collection}/sortables", handlers.sortables),
    ("GET", "/collections/{collection}/aggregations", handlers.aggregations),
    ("GET", "/collections/{collection}/aggregate", handlers.aggregate),
    ("POST", "/collections/{collection}/aggregate", handlers.aggregate_by_body),
    ("GET", "/collections/{collection}/items", handlers.items),
    ("GET", "/collections/{collection}/items/{id:path}", handlers.item),
]

ROUTES = Routes()
for _method, _path, _handler in _HANDLERS:
    ROUTES.add(_method, *(f"{root}{_path}" for root in handlers.ROOTS), permission=Permission.PROJECTS_DISCOVER)(
        _handler
    )
