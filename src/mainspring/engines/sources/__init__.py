"""Sources of projects: the port in ``port.py``, and which back-end serves which kind."""

from collections.abc import Sequence
from importlib import import_module

from mainspring.engines.sources.port import (
    Account,
    Level,
    Release,
    Source,
    SourceFile,
    SourceProject,
    TreeEntry,
    Visibility,
)
from mainspring.kit.errors import InvalidArgument

__all__ = [
    "BACKENDS",
    "Account",
    "Level",
    "Release",
    "Source",
    "SourceFile",
    "SourceProject",
    "TreeEntry",
    "Visibility",
    "open_source",
]

BACKENDS = {
    "gitlab": "mainspring.engines.sources.gitlab:GitlabSource",
    "gitea": "mainspring.engines.sources.gitea:GiteaSource",
    "git": "mainspring.engines.sources.git_folder:GitFolder",
}
"""Kind → "module:Class" of the source, whose constructor takes (url, token, topics)."""


def open_source(name: str, token: str, topics: Sequence[str]) -> Source:
    """Return the source of a name, ``<kind>:<URL>``; it lists projects of these topics.

    No network is touched before the first call. Raises InvalidArgument for a kind that there is not.
    """
    kind, _, url = name.partition(":")
    if kind not in BACKENDS or not url:
        raise InvalidArgument(f"No source of projects '{kind}': expected one of {', '.join(BACKENDS)}, a colon, a URL.")
    module, _, called = BACKENDS[kind].partition(":")
    source: Source = getattr(import_module(module), called)(url, token, tuple(topics))
    return source
