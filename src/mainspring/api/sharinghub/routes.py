"""All routes of the dialect: importing these modules declares them."""

from mainspring.api.routing import Routes
from mainspring.api.sharinghub import configuration, downloads, stores

ROUTES = Routes([*configuration.ROUTES, *downloads.ROUTES, *stores.ROUTES])
