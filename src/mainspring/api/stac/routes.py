"""All routes of the dialect, each at both of its roots."""

from mainspring.api.routing import Handler, Routes
from mainspring.api.stac import handlers, transactions
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

_WRITERS: list[tuple[str, str, Handler]] = [
    ("POST", "/collections/{collection}/items", transactions.create),
    ("POST", "/collections/{collection}/bulk_items", transactions.create_many),
    ("PUT", "/collections/{collection}/items/{id:path}", transactions.replace),
    ("PATCH", "/collections/{collection}/items/{id:path}", transactions.patch),
    ("DELETE", "/collections/{collection}/items/{id:path}", transactions.delete),
]

ROUTES = Routes()
for _routes, _permission in ((_HANDLERS, Permission.PROJECTS_DISCOVER), (_WRITERS, Permission.SIGNED_IN)):
    for _method, _path, _handler in _routes:
        ROUTES.add(_method, *(f"{root}{_path}" for root in handlers.ROOTS), permission=_permission)(_handler)
