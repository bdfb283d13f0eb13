"""Lineage: what came from what, from the dataset to the published item, in one graph."""
