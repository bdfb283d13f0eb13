"""The door to configuration and secrets."""

from mainspring.modules.configuration.store import documents as documents
