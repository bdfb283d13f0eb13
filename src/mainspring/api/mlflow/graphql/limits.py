"""How much one GraphQL query may ask for: checked before it is validated, which takes long for a large one."""

from __future__ import annotations

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
)

MAX_DEPTH = 10
MAX_SELECTIONS = 1000
MAX_ROOT_FIELDS = 10
MAX_ALIASES = 10


def check_limits(document: DocumentNode) -> None:
    """Raise GraphQLError for a query that is too deep, too long, or asks for too much at once.

    A fragment counts wherever it is spread; in one that spreads itself the counting comes to its end too.
    """
    fragments = {each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)}
    selections = root_fields = aliases = 0
    waiting = [(each.selection_set, 1) for each in document.definitions if isinstance(each, OperationDefinitionNode)]
    while waiting:
        selection_set, depth = waiting.pop()
        _check("maximum depth", depth, MAX_DEPTH)
        for selection in selection_set.selections:
            selections += 1
            is_field = isinstance(selection, FieldNode)
            root_fields += is_field and depth == 1
            aliases += isinstance(selection, FieldNode) and selection.alias is not None
            _check("number of selections", selections, MAX_SELECTIONS)
            _check("number of root fields", root_fields, MAX_ROOT_FIELDS)
            _check("number of aliases", aliases, MAX_ALIASES)
            if inner := _inside(selection, fragments):
                waiting.append((inner, depth + 1 if is_field else depth))


def _check(what: str, count: int, limit: int) -> None:
    if count > limit:
        raise GraphQLError(f"The query exceeds the {what}: at most {limit}.")


def _inside(selection: SelectionNode, fragments: dict[str, FragmentDefinitionNode]) -> SelectionSetNode | None:
    """Return what a selection selects in turn, None where there is nothing, or no such fragment."""
    if isinstance(selection, FieldNode | InlineFragmentNode):
        return selection.selection_set
    fragment = fragments.get(selection.name.value)  # type: ignore[attr-defined]
    return fragment.selection_set if fragment else None
