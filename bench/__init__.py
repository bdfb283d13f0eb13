"""Mainspring beside its peers: the same work, on the same machine, in one run. Run `python -m bench --help`."""


class BenchError(Exception):
    """A figure could not be had: the server refused, lost or changed something, or did not start."""
