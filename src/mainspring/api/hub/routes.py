"""All routes of the dialect: importing these modules declares them."""

from mainspring.api.routing import Routes

ROUTES = Routes()
