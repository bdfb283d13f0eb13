"""The door to projects."""

from mainspring.modules.projects import store as store
