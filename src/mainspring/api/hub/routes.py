"""All routes of the dialect: importing these modules declares them."""

from mainspring.api.hub import files, lists, repository
from mainspring.api.hub.answers import ROUTES, HubRouter, refuse

__all__ = ["ROUTES", "HubRouter", "files", "lists", "refuse", "repository"]
