"""SQL of projects."""

from mainspring.modules.projects import tables as tables
