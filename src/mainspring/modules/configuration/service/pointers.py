"""Places in JSON documents by JSON Pointer (RFC 6901): what changed between two, and what was merged from where."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from mainspring.modules.configuration.schemas import Change, ChangeKind


def pointer_of(parts: Iterable[str | int]) -> str:
    """Return the JSON Pointer of a path; the whole document's is empty."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def changes_between(before: Any, after: Any, path: tuple[str | int, ...] = ()) -> Iterator[Change]:
    """Yield what was added, removed or changed, by key; elements of lists are told apart by their position."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted(before.keys() | after.keys()):
            yield from _change(before, after, key, path)
    elif isinstance(before, list) and isinstance(after, list):
        yield from _list_changes(before, after, path)
    elif not same(before, after):
        yield Change(pointer_of(path), ChangeKind.CHANGED, before, after)


@dataclass(frozen=True, slots=True)
class _Leaf:
    """A value that is taken whole, and whose it is."""

    value: Any
    source: str


def merged(layers: Sequence[tuple[str, dict[str, Any]]]) -> tuple[dict[str, Any], dict[str, str]]:
    """Merge documents, the later over the earlier, and tell by pointer whose each value is.

    Objects are merged key by key; everything else, lists too, is taken whole. ``layers`` are names and documents.
    """
    tree: dict[str, Any] = {}
    for name, layer in layers:
        _lay(tree, layer, name)
    sources: dict[str, str] = {}
    return _plain(tree, sources, ""), sources


def same(one: Any, other: Any) -> bool:
    """Say whether two values are the same JSON: true is not 1 there."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def _change(before: dict[str, Any], after: dict[str, Any], key: str, path: tuple[str | int, ...]) -> Iterator[Change]:
    if key not in after:
        yield Change(pointer_of((*path, key)), ChangeKind.REMOVED, before=before[key])
    elif key not in before:
        yield Change(pointer_of((*path, key)), ChangeKind.ADDED, after=after[key])
    else:
        yield from changes_between(before[key], after[key], (*path, key))


def _list_changes(before: list[Any], after: list[Any], path: tuple[str | int, ...]) -> Iterator[Change]:
    shared = min(len(before), len(after))
    for place in range(shared):
        yield from changes_between(before[place], after[place], (*path, place))
    for place in range(shared, len(before)):
        yield Change(pointer_of((*path, place)), ChangeKind.REMOVED, before=before[place])
    for place in range(shared, len(after)):
        yield Change(pointer_of((*path, place)), ChangeKind.ADDED, after=after[place])


def _lay(tree: dict[str, Any], layer: dict[str, Any], name: str) -> None:
    """Put a document over what was merged so far."""
    for key, each in layer.items():
        below = tree.get(key)
        if isinstance(each, dict) and (each or isinstance(below, dict)):
            if not isinstance(below, dict):
                below = tree[key] = {}
            _lay(below, each, name)
        else:
            tree[key] = _Leaf(each, name)


def _plain(tree: dict[str, Any], sources: dict[str, str], path: str) -> dict[str, Any]:
    """Return what was merged as a document, and note whose each value is."""
    value: dict[str, Any] = {}
    for key, each in tree.items():
        here = path + pointer_of([key])
        if isinstance(each, _Leaf):
            value[key], sources[here] = each.value, each.source
        else:
            value[key] = _plain(each, sources, here)
    return value
