"""READMEs out of items: what somebody says of an item becomes the front matter and the fields of its project."""

from mainspring.modules.catalog.service.writing.checking import check_kept
from mainspring.modules.catalog.service.writing.composing import Composed, compose

__all__ = ["Composed", "check_kept", "compose"]
