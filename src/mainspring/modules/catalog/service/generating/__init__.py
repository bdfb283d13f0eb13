"""Items out of what projects tell of themselves: pure functions, without a database and without a network."""

from mainspring.modules.catalog.service.generating.items import generate, lint
from mainspring.modules.catalog.service.generating.rendering import render_readme
from mainspring.modules.catalog.service.generating.reporting import CODES
from mainspring.modules.catalog.service.generating.values import values_of, words_of

__all__ = ["CODES", "generate", "lint", "render_readme", "values_of", "words_of"]
