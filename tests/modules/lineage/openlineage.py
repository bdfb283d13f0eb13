"""What OpenLineage 2-0-2 says of events, as far as ours go: written after its specification."""

from __future__ import annotations

from typing import Any

TEXT = {"type": "string"}
URI = {"type": "string", "format": "uri"}
TIME = {"type": "string", "format": "date-time"}
FACET = {
    "type": "object",
    "properties": {"_producer": URI, "_schemaURL": URI},
    "required": ["_producer", "_schemaURL"],
}
FACETS = {"type": "object", "additionalProperties": FACET}
RUN = {
    "type": "object",
    "properties": {"runId": {"type": "string", "format": "uuid"}, "facets": FACETS},
    "required": ["runId"],
}
NAMED = {"namespace": TEXT, "name": TEXT, "facets": FACETS}
JOB = {"type": "object", "properties": NAMED, "required": ["namespace", "name"]}
INPUT = JOB | {"properties": NAMED | {"inputFacets": FACETS}}
OUTPUT = JOB | {"properties": NAMED | {"outputFacets": FACETS}}
RUN_EVENT: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {
        "eventTime": TIME,
        "producer": URI,
        "schemaURL": URI,
        "eventType": {"enum": ["START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER"]},
        "run": RUN,
        "job": JOB,
        "inputs": {"type": "array", "items": INPUT},
        "outputs": {"type": "array", "items": OUTPUT},
    },
    "required": ["eventTime", "producer", "schemaURL", "run", "job"],
    "not": {"required": ["dataset"]},
}
VERSION_FACET = FACET | {"properties": {"datasetVersion": TEXT}, "required": ["datasetVersion"]}
SOURCE_FACET = FACET | {"properties": {"name": TEXT, "uri": URI}}
