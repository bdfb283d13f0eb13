"""What the routes of this module have in common."""

from __future__ import annotations

from typing import Annotated

from litestar.di import NamedDependency
from litestar.params import QueryParameter

from mainspring.db.engine import Database
from mainspring.kit.actors import Actor
from mainspring.kit.permissions import Permission, needs

READ, WRITE = needs(Permission.TRACKING_READ), needs(Permission.TRACKING_WRITE)
READ_FILES, WRITE_FILES = needs(Permission.ARTIFACTS_READ), needs(Permission.ARTIFACTS_WRITE)
Db = NamedDependency[Database]
Who = NamedDependency[Actor]
Filter = Annotated[str, QueryParameter(description="Conditions joined by AND, such as `metrics.loss < 0.1`.")]
OrderBy = Annotated[list[str] | None, QueryParameter(description="Such as `metrics.loss ASC`; may come repeatedly.")]
MaxResults = Annotated[int, QueryParameter(description="How many at most.")]
PageToken = Annotated[str | None, QueryParameter(description="The `next_page_token` of the page before.")]
RUNS = "/api/v1/runs"
