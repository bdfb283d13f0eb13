"""The door to the catalog."""

from mainspring.modules.catalog import tables as _tables  # noqa: F401 - the schema is what the doors bring
from mainspring.modules.catalog.service.aggregating import TYPES as AGGREGATIONS
from mainspring.modules.catalog.service.aggregating import Aggregation, aggregate
from mainspring.modules.catalog.service.archives import Archive, ArchiveFormat, open_archive
from mainspring.modules.catalog.service.builtin import use_categories
from mainspring.modules.catalog.service.categories import Category, categories_of
from mainspring.modules.catalog.service.downloads import (
    SIGNATURE,
    ProjectFiles,
    check_signed,
    enter,
    file_signer,
    file_url,
    files_of,
    list_tree,
    open_file,
    resolve_ref,
    sign_download,
)
from mainspring.modules.catalog.service.entries import OWN_ARCHIVE, OWN_FILE, OWN_PROJECT, Content
from mainspring.modules.catalog.service.filter_grammar import decode_json
from mainspring.modules.catalog.service.filters import property_name, read_filter, read_query
from mainspring.modules.catalog.service.indexing import drop_project, index_project
from mainspring.modules.catalog.service.linting import lint_readme, list_warnings
from mainspring.modules.catalog.service.model_links import ModelFile, ModelLink
from mainspring.modules.catalog.service.models import add_models, linked_models
from mainspring.modules.catalog.service.opening import open_sources
from mainspring.modules.catalog.service.readmes import get_readme
from mainspring.modules.catalog.service.searching import (
    DEFAULT_LIMIT,
    MAX_IDS,
    MAX_LIMIT,
    MAX_SORT_KEYS,
    ItemPage,
    ItemQuery,
    ItemRecord,
    Shelf,
    Surroundings,
    find_item,
    list_properties,
    list_shelves,
    search_items,
)
from mainspring.modules.catalog.service.shapes import read_box, read_shape
from mainspring.modules.catalog.service.signed_files import reach_of
from mainspring.modules.catalog.service.sources_state import list_source_states, request_sync, stale_sources
from mainspring.modules.catalog.service.stars import star_project
from mainspring.modules.catalog.service.syncing import take_own
from mainspring.modules.catalog.service.times import read_interval, write_moment
from mainspring.modules.catalog.store.search_conditions import STARS
from mainspring.modules.catalog.store.search_terms import Box, Compare, During, SortKey, Spatial, Term, Time, Words

__all__ = [
    "AGGREGATIONS",
    "DEFAULT_LIMIT",
    "MAX_IDS",
    "MAX_LIMIT",
    "MAX_SORT_KEYS",
    "OWN_ARCHIVE",
    "OWN_FILE",
    "OWN_PROJECT",
    "SIGNATURE",
    "STARS",
    "Aggregation",
    "Archive",
    "ArchiveFormat",
    "Box",
    "Category",
    "Compare",
    "Content",
    "During",
    "ItemPage",
    "ItemQuery",
    "ItemRecord",
    "ModelFile",
    "ModelLink",
    "ProjectFiles",
    "Shelf",
    "SortKey",
    "Spatial",
    "Surroundings",
    "Term",
    "Time",
    "Words",
    "add_models",
    "aggregate",
    "categories_of",
    "check_signed",
    "decode_json",
    "drop_project",
    "enter",
    "file_signer",
    "file_url",
    "files_of",
    "find_item",
    "get_readme",
    "index_project",
    "linked_models",
    "lint_readme",
    "list_properties",
    "list_shelves",
    "list_source_states",
    "list_tree",
    "list_warnings",
    "open_archive",
    "open_file",
    "open_sources",
    "property_name",
    "reach_of",
    "read_box",
    "read_filter",
    "read_interval",
    "read_query",
    "read_shape",
    "request_sync",
    "resolve_ref",
    "search_items",
    "sign_download",
    "stale_sources",
    "star_project",
    "take_own",
    "use_categories",
    "write_moment",
]
