"""The door to lineage."""

from mainspring.modules.lineage import tables as _tables  # noqa: F401 - the schema is what the doors bring
