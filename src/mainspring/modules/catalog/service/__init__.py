"""The door to the catalog."""

from mainspring.modules.catalog import tables as _tables  # noqa: F401 - the schema is what the doors bring
