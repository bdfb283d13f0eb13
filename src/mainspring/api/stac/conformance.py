"""What the STAC API promises: the conformance classes that hold."""

_STAC = "https://api.stacspec.org/v1.0.0/"
_FEATURES = "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/"
_CQL2 = "http://www.opengis.net/spec/cql2/1.0/conf/"
_FILTERS = "http://www.opengis.net/spec/ogcapi-features-3/1.0/conf/"
_COMMON = "http://www.opengis.net/spec/ogcapi-common-2/1.0/conf/"
_COLLECTION_SEARCH = "https://api.stacspec.org/v1.0.0-rc.1/collection-search"

CONFORMS_TO = [
    f"{_STAC}core",
    f"{_STAC}collections",
    f"{_STAC}ogcapi-features",
    f"{_STAC}item-search",
    f"{_STAC}item-search#fields",
    f"{_STAC}item-search#query",
    f"{_STAC}item-search#sort",
    f"{_STAC}ogcapi-features#fields",
    f"{_STAC}ogcapi-features#query",
    f"{_STAC}ogcapi-features#sort",
    f"{_STAC}ogcapi-features/extensions/transaction",
    "https://api.stacspec.org/v1.0.0-rc.2/language",
    "https://api.stacspec.org/v1.0.0-rc.2/item-search#filter",
    "https://api.stacspec.org/v1.0.0-rc.1/item-search#free-text",
    "https://api.stacspec.org/v1.0.0-rc.1/ogcapi-features#free-text",
    "https://api.stacspec.org/v1.0.0-rc.2/browseable",
    "https://api.stacspec.org/v1.0.0-rc.2/children",
    "https://api.stacspec.org/v0.3.0/aggregation",
    _COLLECTION_SEARCH,
    f"{_COLLECTION_SEARCH}#fields",
    f"{_COLLECTION_SEARCH}#free-text",
    f"{_COLLECTION_SEARCH}#sort",
    f"{_COMMON}simple-query",
    f"{_FEATURES}core",
    f"{_FEATURES}geojson",
    f"{_FILTERS}filter",
    f"{_FILTERS}features-filter",
    f"{_FILTERS}queryables",
    f"{_CQL2}cql2-text",
    f"{_CQL2}cql2-json",
    f"{_CQL2}basic-cql2",
    f"{_CQL2}advanced-comparison-operators",
    f"{_CQL2}case-insensitive-comparison",
    f"{_CQL2}accent-insensitive-comparison",
    f"{_CQL2}basic-spatial-functions",
    f"{_CQL2}basic-spatial-functions-plus",
    f"{_CQL2}spatial-functions",
    f"{_CQL2}temporal-functions",
    f"{_CQL2}array-functions",
    # What these two were called in drafts, by which older clients know them.
    f"{_CQL2}basic-spatial-operators",
    f"{_CQL2}temporal-operators",
]
