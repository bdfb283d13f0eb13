"""Bytes of runs and models: upload, download, listing and deletion."""
