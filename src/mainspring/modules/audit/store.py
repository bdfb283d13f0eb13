"""SQL of the audit log."""

from mainspring.modules.audit import tables as tables
