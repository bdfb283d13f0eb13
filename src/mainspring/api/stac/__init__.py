"""STAC API 1.1.0 over the catalog."""
