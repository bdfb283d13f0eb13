"""stac-api-validator finds no error; the schemas of extensions that it would fetch are those beside the tests."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

import pytest
import requests
from pystac.validation import RegisteredValidator
from requests.adapters import BaseAdapter
from stac_api_validator.validations import QueryConfig, validate_api

from tests.components.stac import known_schemas
from tests.stac.conftest import ROOTS, Catalog

CLASSES = [
    "core",
    "browseable",
    "children",
    "collections",
    "features",
    "features#filter",
    "item-search",
    "filter",
    "item-search#filter",
    "item-search#sort",
    "item-search#fields",
]
GEOMETRY = {"type": "Polygon", "coordinates": [[[0, 0], [30, 0], [30, 60], [0, 60], [0, 0]]]}
NO_QUERY = QueryConfig(*[None] * len(fields(QueryConfig)))
"""Of the query extension the validator asks for numbers as texts; tests of ours try it."""
SITES = ("https://schemas.stacspec.org/", "https://stac-extensions.github.io/", "https://geojson.org/")


class LocalSchemas(BaseAdapter):
    """Answers for the sites of STAC's schemas from those that are at hand."""

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        """Return the schema of a URL such as ``https://stac-extensions.github.io/file/v2.1.0/schema.json``."""
        answer = requests.Response()
        answer.status_code, answer.request = 200, request
        answer._content = json.dumps(known_schemas()[str(request.url)]).encode()
        return answer

    def close(self) -> None:
        """Close nothing."""


@pytest.fixture
def _offline(monkeypatch: pytest.MonkeyPatch) -> None:
    found = requests.Session.get_adapter

    def get_adapter(self: requests.Session, url: str) -> BaseAdapter:
        return LocalSchemas() if url.startswith(SITES) else found(self, url)

    monkeypatch.setattr(requests.Session, "get_adapter", get_adapter)
    monkeypatch.setattr(RegisteredValidator.get_validator(), "schema_cache", dict(known_schemas()))


@pytest.mark.usefixtures("_offline")
def test_the_validator_finds_no_error(catalog: Catalog) -> None:
    # It takes long: each root is tried on one of the databases.
    root = ROOTS[catalog.server.database_url.startswith("postgresql")]
    _, errors = validate_api(
        root_url=f"{catalog.url}{root}",
        ccs_to_validate=CLASSES,
        collection="processor",
        geometry=json.dumps(GEOMETRY),
        auth_bearer_token=None,
        auth_query_parameter=None,
        fields_nested_property="properties.kind",
        validate_pagination=True,
        query_config=NO_QUERY,
        transaction_collection=None,
        headers={},
        open_assets_urls=False,
    )
    assert errors.as_list() == []
