"""The language of searches: ``metrics.loss < 0.5 AND params.`learning rate` = '0.1'`` and ``metrics.loss DESC``.

The grammar is MLflow's. It knows no domain: a ``Vocabulary`` says which entities, keys, kinds of value
and comparators there are. Texts are read once, left to right, so the time is linear in their length.

    filter      = { "AND" | clause }
    clause      = name comparator value
                | name ["NOT"] "IN" "(" string { "," string } [","] ")"
                | name "IS" ["NOT"] "NULL"
    comparator  = "=" | "!=" | "<" | "<=" | ">" | ">=" | "LIKE" | "ILIKE"
    name        = [entity "."] key
    order by    = name ["ASC" | "DESC"]

Words of the language may be in any case, names may not. A key is bare, or in backticks, double or
single quotes; a value is a number, or a string in single or double quotes. In a value's quotes nothing
is an escape: ``'it''s'`` and ``'it\\'s'`` end at their last quote and keep all between as written. In a
list the strings are Python's: ``\\'`` is a quote and adjacent strings are one.

A number that does not fit 64 bits is given as a float. No text can raise anything but InvalidArgument.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NoReturn

from mainspring.kit.errors import InvalidArgument

MAX_LENGTH = 200_000
"""Characters of a filter: room for a list of some thousand ids."""
MAX_CLAUSES = 60
"""Clauses of a filter: each may be a join, whose number databases limit, or take ages to plan."""
MAX_LISTED = 5_000
"""Strings in all lists of a filter: databases limit the parameters of a statement."""
MAX_ORDERS = 30
"""Sort keys: one may be two terms of an ORDER BY, and SQLite 3.40 crashes on more than 64 of them."""

NUMERIC = frozenset({"=", "!=", "<", "<=", ">", ">="})
TEXT = frozenset({"=", "!=", "LIKE", "ILIKE"})
LIST = frozenset({"IN", "NOT IN"})
PRESENCE = frozenset({"IS NULL", "IS NOT NULL"})

FilterValue = str | int | float | tuple[str | int | float, ...] | None


@dataclass(frozen=True, slots=True)
class Field:
    """What a key may be compared with.

    ``kind``: ``number``, ``integer`` (no fraction), ``digits`` (an integer, in quotes or not),
    ``id`` (an integer in quotes) or ``string``.
    """

    kind: Literal["number", "integer", "digits", "id", "string"]
    comparators: frozenset[str]


@dataclass(frozen=True, slots=True)
class Entity:
    """One kind of thing that has keys: ``metric``, ``tag``, ``attribute``.

    ``spellings`` are the prefixes that mean it. ``keys`` are all there are; without them every key is
    allowed and is an ``any_key``. ``key_aliases`` maps other names of a key to the one in ``keys``.
    """

    name: str
    spellings: tuple[str, ...] = ()
    any_key: Field | None = None
    keys: Mapping[str, Field] = field(default_factory=dict)
    key_aliases: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What a search may speak of. ``default`` is the entity of a name without prefix.

    ``bare_values``: strings may stand without quotes (``params.lr = 0.01``).
    """

    default: Entity
    others: tuple[Entity, ...] = ()
    bare_values: bool = False

    @property
    def entities(self) -> tuple[Entity, ...]:
        return (self.default, *self.others)


@dataclass(frozen=True, slots=True)
class Clause:
    """One condition. ``entity`` and ``key`` are canonical, ``comparator`` is in upper case.

    ``value`` is a tuple for IN and NOT IN, None for IS NULL and IS NOT NULL. ``position`` is the
    column where the clause begins, from 1.
    """

    entity: str
    key: str
    comparator: str
    value: FilterValue
    position: int


@dataclass(frozen=True, slots=True)
class Order:
    """One sort key; ``entity`` and ``key`` are canonical."""

    entity: str
    key: str
    ascending: bool


def parse_filter(text: str | None, vocabulary: Vocabulary) -> list[Clause]:
    """Read a filter; all its clauses must hold. No text is no clause.

    Raises InvalidArgument with the column and the reason.
    """
    if not text:
        return []
    _check(text, "filter")
    return _Parser(text, vocabulary, "filter").filter()


def parse_order_by(text: str, vocabulary: Vocabulary) -> Order:
    """Read one sort key, ascending unless it says DESC. Raises InvalidArgument."""
    _check(text, "order_by")
    return _Parser(text, vocabulary, "order_by").order_by()


def parse_orders(texts: Sequence[str], vocabulary: Vocabulary, *, unique: bool = True) -> list[Order]:
    """Read a list of sort keys; with ``unique`` each may be named once. Raises InvalidArgument."""
    if len(texts) > MAX_ORDERS:
        raise InvalidArgument(f"`order_by` has {len(texts)} keys, at most {MAX_ORDERS} are used.", field="order_by")
    orders: dict[tuple[str, str], Order] = {}
    for text in texts:
        order = parse_order_by(text, vocabulary)
        if orders.setdefault((order.entity, order.key), order) is not order and unique:
            raise InvalidArgument(
                f"`order_by` contains duplicate fields: '{_clip(text)}' names a key for the second time.",
                field="order_by",
            )
    return list(orders.values())


_WORD = re.compile(r"[^\W\d]\w*")
_SORT_KEY = re.compile(r"_[\w$#]*|\w+")
# What reads as a number, and six words of SQL, must be in quotes in a filter.
_KEY = re.compile(
    r"(?!0x[\da-f]|\de\d|(?:as|case|from|in|using|values)(?!\w))(?:[^\W\d_]\w*|_[\w$#]*|\d(?=[^\W\d])[\w$#]*)",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"-?(?:\d+(?:\.\d+)?[eE]-?\d+|\d+\.\d*|\.\d+|\d+)(?!\w)")
_DIGITS = re.compile(r"\s*[+-]?\d+\s*")
_OPERATOR = re.compile(r"[<>=~!]+")
_SPACE = re.compile(r"\s*")
_NOT_TEXT = re.compile(r"[\0\ud800-\udfff]")
_LIST_STRING = re.compile(r"'(?:[^'\\]|\\.)*+'|\"(?:[^\"\\]|\\.)*+\"", re.DOTALL)
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|([\\'\"abfnrtv]))")
_ESCAPED = dict(zip("\\'\"abfnrtv", "\\'\"\a\b\f\n\r\t\v", strict=True))


def _clip(text: str) -> str:
    return text if len(text) <= 100 else f"{text[:100]}…"


def _listed(names: list[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)


def _check(text: str, subject: str) -> None:
    """Refuse what no database can store or what is too long to read."""
    if len(text) > MAX_LENGTH:
        raise InvalidArgument(
            f"Invalid {subject}: it has {len(text)} characters, at most {MAX_LENGTH} are read.", field=subject
        )
    stray = _NOT_TEXT.search(text)
    if stray is not None:
        raise InvalidArgument(
            f"Invalid {subject}: the character {stray[0]!r} at column {stray.start() + 1} is not text.", field=subject
        )


def _end(pattern: re.Pattern[str], text: str, start: int) -> int:
    """Return where a match that begins here ends; ``start`` where there is none."""
    match = pattern.match(text, start)
    return match.end() if match else start


def _unescape(match: re.Match[str]) -> str:
    return _ESCAPED[match[3]] if match[3] else chr(int(match[1] or match[2], 16))


def _unquote(part: str, quotes: str) -> str:
    """Take one pair of these quotes off, where there is one."""
    return part[1:-1] if len(part) >= 2 and part[0] in quotes and part[-1] == part[0] else part


class _Parser:
    """Reads one text; ``at`` is where it has got to."""

    def __init__(self, text: str, vocabulary: Vocabulary, subject: str) -> None:
        self.text = text
        self.vocabulary = vocabulary
        self.subject = subject
        self.at = 0
        self.listed = 0

    def filter(self) -> list[Clause]:
        clauses: list[Clause] = []
        self.skip_space()
        if self.at == len(self.text):
            self.fail("it has only spaces. Could not be parsed.")
        while self.at < len(self.text):
            if not self.keyword("AND"):
                clauses.append(self.clause())
            if len(clauses) > MAX_CLAUSES:
                self.fail(f"more than {MAX_CLAUSES} clauses.")
            self.skip_space()
        return clauses

    def order_by(self) -> Order:
        start = self.at
        name = self.name(_SORT_KEY)
        if name[0] in '`"' and self.quoted_end(0) == len(name):
            name = name[1:-1]
        entity, key, _ = self.resolve(name, start)
        self.skip_space()
        direction = self.text[self.at :].lower()
        if direction not in ("", "asc", "desc") or (not direction and self.text[-1].isspace()):
            self.fail(
                f"Invalid ordering key in order_by clause '{_clip(self.text)}': a name may be followed by ASC or DESC, "
                f"found '{_clip(self.text[self.at :])}'."
            )
        return Order(entity.name, key, direction != "desc")

    def clause(self) -> Clause:
        start = self.at
        name = self.name(_KEY)
        if name.upper() in ("OR", "NOT"):
            self.at = start
            self.fail(self.expected_a_name())
        entity, key, allowed = self.resolve(name, start)
        self.skip_space()
        column = self.at
        comparator = self.comparator(name)
        if comparator not in allowed.comparators:
            self.at = column
            self.fail(f"Invalid comparator '{comparator}' for '{name}' not one of {sorted(allowed.comparators)}.")
        self.skip_space()
        value: FilterValue = None
        if comparator in LIST:
            value = self.list_value(name, allowed)
        elif comparator not in PRESENCE:
            value = self.value(name, allowed)
        return Clause(entity.name, key, comparator, value, start + 1)

    def name(self, key: re.Pattern[str]) -> str:
        """Read ``key`` or ``entity.key`` as it is written; ``key`` is what an unquoted part behind a dot may be."""
        start = self.at
        self.at = self.part_end(start, _WORD, '"`')
        if self.at == start:
            self.fail(self.expected_a_name())
        while self.text.startswith(".", self.at):
            self.at = self.part_end(self.at + 1, key, "\"`'")
        return self.text[start : self.at]

    def part_end(self, start: int, word: re.Pattern[str], quotes: str) -> int:
        """Return where the word or quoted part that begins here ends; ``start`` where there is none."""
        if self.text.startswith(tuple(quotes), start):
            return self.quoted_end(start)
        return _end(word, self.text, start)

    def resolve(self, name: str, start: int) -> tuple[Entity, str, Field]:
        """Return the entity and canonical key that a name means, and what the key may be compared with."""
        prefix, dot, key = name.partition(".")
        if not dot:
            entity, key = self.vocabulary.default, prefix
        else:
            entity = self.entity(_unquote(prefix, '"`' if self.subject == "order_by" else "`"), start)
        key = _unquote(_unquote(key, "'\""), "`")
        key = entity.key_aliases.get(key, key)
        allowed = entity.keys.get(key, entity.any_key)
        if allowed is None:
            self.at = start
            known = [*entity.keys, *entity.key_aliases]
            self.fail(f"Invalid {entity.name} key '{_clip(key)}' specified. Valid keys are {_listed(known)}.")
        return entity, key, allowed

    def entity(self, prefix: str, start: int) -> Entity:
        for entity in self.vocabulary.entities:
            if prefix in entity.spellings:
                return entity
        self.at = start
        known = [spelling for entity in self.vocabulary.entities for spelling in entity.spellings]
        self.fail(
            f"Invalid entity type '{_clip(prefix)}'. Valid values are {_listed(known)}; "
            "a key with other characters than letters, digits, '_' and '.' stands in backticks."
        )

    def comparator(self, name: str) -> str:
        operator = _OPERATOR.match(self.text, self.at)
        if operator is not None:
            self.at = operator.end()
            return operator[0]
        for words in (("LIKE",), ("ILIKE",), ("IN",), ("NOT", "IN"), ("IS", "NULL"), ("IS", "NOT", "NULL")):
            if self.keywords(words):
                return " ".join(words)
        self.fail(
            f"Invalid clause: expected a comparator after '{_clip(name)}', such as =, !=, <, LIKE or IS NULL, "
            f"found {self.found()}. A key with other characters than letters, digits, '_' and '.' stands in backticks."
        )

    def value(self, name: str, allowed: Field) -> str | int | float:
        start = self.at
        if self.text.startswith(("'", '"'), start) and self.quoted_end(start) > start:
            self.at = self.quoted_end(start)
            return self.quoted_value(self.text[start + 1 : self.at - 1], name, allowed, start)
        number = _NUMBER.match(self.text, start)
        if number is not None:
            self.at = number.end()
            return self.number_value(number[0], name, allowed, start)
        if allowed.kind != "string" or start == len(self.text):
            self.fail(f"{self.expected_kind(name, allowed)} Found {self.found()}.")
        if self.vocabulary.bare_values and _WORD.match(self.text, start):
            return self.name(_KEY)
        self.fail(
            "Parameter value is either not quoted or unidentified quote types used for string value "
            f"{self.found()}. Use either single or double quotes."
        )

    def quoted_value(self, text: str, name: str, allowed: Field, start: int) -> str | int | float:
        if allowed.kind == "string":
            return text
        if allowed.kind in ("id", "digits") and _DIGITS.fullmatch(text):
            return _integer(text)
        self.at = start
        self.fail(f"{self.expected_kind(name, allowed)} Found {self.found()}.")

    def number_value(self, text: str, name: str, allowed: Field, start: int) -> str | int | float:
        if allowed.kind == "string" and self.vocabulary.bare_values:
            return text
        if allowed.kind == "number" and not text.lstrip("-").isdecimal():
            return float(text)
        if allowed.kind in ("number", "integer", "digits") and text.lstrip("-").isdecimal():
            return _integer(text)
        self.at = start
        self.fail(f"{self.expected_kind(name, allowed)} Found {self.found()}.")

    def expected_kind(self, name: str, allowed: Field) -> str:
        return {
            "number": f"Expected numeric value type for '{_clip(name)}', such as 0.5 or 1e-3.",
            "integer": f"Expected a whole number for '{_clip(name)}', such as 42, without quotes.",
            "digits": f"Expected a whole number for '{_clip(name)}', such as 42.",
            "id": f"Expected a quoted whole number for '{_clip(name)}', such as '42'.",
            "string": f"Expected a quoted string value for '{_clip(name)}' (e.g. 'my-value').",
        }[allowed.kind]

    def list_value(self, name: str, allowed: Field) -> tuple[str | int | float, ...]:
        start = self.at
        strings = self.strings()
        return tuple(self.quoted_value(string, name, allowed, start) for string in strings)

    def strings(self) -> tuple[str, ...]:
        """Read a list of strings in parentheses."""
        if not self.text.startswith("(", self.at):
            self.fail(f"Expected a list of quoted strings, such as ('a', 'b'), found {self.found()}.")
        self.at += 1
        found: list[str] = []
        while True:
            self.skip_space()
            if found and self.text.startswith(")", self.at):
                break
            found.append(self.list_string())
            self.listed += 1
            if self.listed > MAX_LISTED:
                self.fail(f"more than {MAX_LISTED} strings in lists.")
            if self.text.startswith(",", self.at):
                self.at += 1
            elif not self.text.startswith(")", self.at):
                self.fail(f"While parsing a list in the query, expected ',' or ')', found {self.found()}.")
        self.at += 1
        return tuple(found)

    def list_string(self) -> str:
        """Read one string of a list, and the spaces after it; adjacent strings are one."""
        if not self.text.startswith(("'", '"'), self.at):
            self.fail(
                "While parsing a list in the query, expected a non-empty list of string values, such as ('a', 'b'), "
                f"found {self.found()}."
            )
        parts: list[str] = []
        while self.text.startswith(("'", '"'), self.at):
            parts.append(self.escaped_string())
            self.skip_space()
        return "".join(parts)

    def escaped_string(self) -> str:
        match = _LIST_STRING.match(self.text, self.at)
        if match is None:
            self.fail("a string that begins here has no closing quote.")
        string = _ESCAPE.sub(_unescape, match[0][1:-1])
        if _NOT_TEXT.search(string):
            self.fail("the string that begins here has characters that are not text.")
        self.at = match.end()
        return string

    def quoted_end(self, start: int) -> int:
        """Return where the quoted part that begins here ends, ``start`` where it never does.

        A doubled quote and, but in backticks, one behind a backslash do not end it, unless no other does.
        """
        quote = self.text[start]
        last_resort = start
        at = start + 1
        while (at := self.text.find(quote, at)) >= 0:
            if quote != "`" and self.text[at - 1] == "\\" and at - 1 > start:
                last_resort = at + 1
                at += 1
            elif self.text.startswith(quote, at + 1):
                last_resort = at + 1
                at += 2
            else:
                return at + 1
        return last_resort

    def keywords(self, words: tuple[str, ...]) -> bool:
        """Read these words in this order, or nothing."""
        start = self.at
        for word in words:
            self.skip_space()
            if not self.keyword(word):
                self.at = start
                return False
        return True

    def keyword(self, word: str) -> bool:
        match = _WORD.match(self.text, self.at)
        if match is None or match[0].upper() != word:
            return False
        self.at = match.end()
        return True

    def skip_space(self) -> None:
        self.at = _end(_SPACE, self.text, self.at)

    def found(self) -> str:
        rest = self.text[self.at : self.at + 101]
        return f"'{_clip(rest)}'" if rest else "the end"

    def expected_a_name(self) -> str:
        if self.subject == "order_by":
            clause = _clip(self.text)
            return f"Invalid order_by clause '{clause}'. Could not be parsed: expected a name, such as metrics.a."
        if self.text.startswith(";", self.at):
            return "Search filter contained multiple expression. Provide AND-ed expression list."
        return (
            f"Invalid clause(s) in filter string: {self.found()}. Expected a comparison, such as params.a = 'x'; "
            "comparisons are joined by AND, there is no OR, NOT or grouping."
        )

    def fail(self, reason: str) -> NoReturn:
        if self.subject == "filter":
            reason = f"Invalid filter at column {self.at + 1}: {reason}"
        else:
            reason = f"{reason} (column {self.at + 1})"
        raise InvalidArgument(reason, field=self.subject)


def _integer(text: str) -> int | float:
    """Return a whole number, as a float where 64 bits do not hold it."""
    value = int(text) if len(text) <= 20 else float(text)
    return value if -(2**63) <= value < 2**63 else float(value)
