"""The catalog: projects as STAC items, in collections, found by each user among what they may see."""
