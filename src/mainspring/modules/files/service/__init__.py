"""The door to the files of projects and to their releases."""

from mainspring.modules.files import tables as _tables  # noqa: F401 - the schema is what the doors bring
