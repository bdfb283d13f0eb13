"""Front matter as text: the lines of what has not changed stay as they were written, comments and all."""

from __future__ import annotations

from typing import Any

import yaml

from mainspring.modules.catalog.service.generating import front_matter
from mainspring.modules.catalog.service.generating.front_matter import is_plain_text
from mainspring.modules.catalog.service.generating.reporting import Report
from mainspring.modules.catalog.service.said import same

_LINE = "---"


class _Dumper(yaml.SafeDumper):
    """Writes values so that our reader, which is not PyYAML's, finds them again; nothing is an alias."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def represent_text(self, text: str) -> yaml.ScalarNode:
        """Return a text in quotes where it could be taken for something else, in lines of its own if it has some."""
        style = "|" if "\n" in text else None if is_plain_text(text) else '"'
        return self.represent_scalar("tag:yaml.org,2002:str", text, style=style)

    def represent_values(self, values: list[Any]) -> yaml.SequenceNode:
        """Return a list, in one line where its values are short."""
        long = any(isinstance(each, dict | list) or "\n" in str(each) for each in values)
        return self.represent_sequence("tag:yaml.org,2002:seq", values, flow_style=not long)


_Dumper.add_representer(str, _Dumper.represent_text)
_Dumper.add_representer(list, _Dumper.represent_values)


def write_readme(readme: str, front: dict[str, Any]) -> str:
    """Return a README with other front matter; the text below it stays, byte for byte."""
    text, body, _ = front_matter.split(readme)
    written = _changed(text or "", front)
    if not written and front_matter.split(body)[0] is None and body.partition("\n")[0].rstrip() != _LINE:
        return body
    return f"{_LINE}\n{written}{_LINE}\n{body}"


def _changed(text: str, front: dict[str, Any]) -> str:
    """Return front matter with the entries that are still the same as they were written."""
    before = _read(text)
    lines = _entries(text)
    kept = {name for name in before if name in front and name in lines and same(before[name], front[name])}
    places = {**{name: None for name in lines if name}, **front}
    parts = [lines[name] if name in kept else _dump({name: front[name]}) for name in places if name in front]
    written = lines.get("", "") + "".join(parts)
    return written if same(_read(written), front) else _dump(front)


def _read(text: str) -> dict[str, Any]:
    return front_matter.read(f"{_LINE}\n{text}\n{_LINE}\n", Report())[0]


def _dump(front: dict[str, Any]) -> str:
    if not front:
        return ""
    return yaml.dump(front, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=float("inf"))


def _entries(text: str) -> dict[str, str]:
    """Return the lines of each entry of a mapping that is written in lines, with the comments above it.

    What stands before the first entry is under "". Without such a mapping there are none.
    """
    lines = text.splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    starts = _starts(text)
    bounds = [_with_comments(lines, line) for line, _ in starts] + [len(lines)]
    found = {name: "".join(lines[bounds[i] : bounds[i + 1]]) for i, (_, name) in enumerate(starts)}
    if len(found) < len(starts):  # a name twice
        return {}
    return {"": "".join(lines[: bounds[0]]), **found} if starts else {}


def _with_comments(lines: list[str], line: int) -> int:
    while line and lines[line - 1].startswith("#"):
        line -= 1
    return line


def _starts(text: str) -> list[tuple[int, str]]:
    """Return the line and the name of each entry of the outermost mapping."""
    found: list[tuple[int, str]] = []
    depth, is_key = 0, True
    try:
        for event in yaml.parse(text, Loader=front_matter.LOADER):
            if depth == 1 and is_key and isinstance(event, yaml.ScalarEvent):
                found.append((event.start_mark.line if event.start_mark else 0, event.value))
            if depth == 1 and not isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
                is_key = not is_key
            if isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
                if depth == 0 and (event.flow_style or not event.start_mark or event.start_mark.column):
                    return []
                depth += 1
            elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
                depth -= 1
    except yaml.YAMLError:
        return []
    return found
