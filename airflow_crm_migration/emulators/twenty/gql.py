"""Reads GraphQL requests and picks what they select."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from graphql import GraphQLError, parse
from graphql.language import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
)
from graphql.pyutils import Undefined
from graphql.utilities import value_from_ast_untyped

from airflow_crm_migration.emulators.twenty.errors import ApiError

MAXIMUM_ROOTS = 20


@dataclass(frozen=True)
class Selection:
    """A selected field.

    :param name: of the field
    :param key: under which the reply has it
    :param arguments: with the variables filled in
    :param inner: what is selected of its value
    """

    name: str
    key: str
    arguments: dict[str, Any] = field(default_factory=dict)
    inner: list[Selection] = field(default_factory=list)


def read_request(body: Any) -> list[Selection]:
    """Read a request.

    :param body: ``{"query", "variables", "operationName"}``
    :return: the root fields
    :raises ApiError: when it cannot be parsed or asks for too much
    """
    if not isinstance(body, dict) or not isinstance(body.get("query"), str):
        raise _bad("Must provide query string.")
    try:
        document = parse(body["query"])
    except GraphQLError as e:
        raise _bad(e.message, "GRAPHQL_PARSE_FAILED") from e
    operation = _operation(document, body.get("operationName"))
    fragments = {
        d.name.value: d.selection_set
        for d in document.definitions
        if isinstance(d, FragmentDefinitionNode)
    }
    variables = {**_defaults(operation), **(body.get("variables") or {})}
    return _Reader(fragments, variables).selections(operation.selection_set)


def check_roots(roots: list[Selection]) -> None:
    """Refuse requests with too many roots or one of them twice.

    :param roots: of the request
    :raises ApiError: when the server would
    """
    if len(roots) > MAXIMUM_ROOTS:
        raise _bad(f"Query too complex - Too many root resolvers requested: {len(roots)}")
    names = [root.name for root in roots]
    twice = next((n for n in names if names.count(n) > 1), None)
    if twice:
        raise _bad(f'Duplicate root resolver: "{twice}"')


def pick(value: Any, selections: list[Selection], type_name: str) -> Any:
    """Pick what is selected of a value.

    :param value: a JSON value
    :param selections: what is selected of it, nothing for a scalar
    :param type_name: for messages
    :return: the picked part
    :raises ApiError: when a field is unknown
    """
    if isinstance(value, list):
        return [pick(v, selections, type_name) for v in value]
    if not isinstance(value, dict) or not selections:
        return value
    picked = {}
    for s in selections:
        if s.name == "__typename":
            picked[s.key] = type_name
        elif s.name not in value:
            raise unknown_field(s.name, type_name)
        else:
            picked[s.key] = pick(value[s.name], s.inner, s.name)
    return picked


def unknown_field(name: str, type_name: str) -> ApiError:
    """Refuse a field that a type does not have.

    :param name: of the field
    :param type_name: of the type
    :return: the error to raise
    """
    message = f'Cannot query field "{name}" on type "{type_name}".'
    return _bad(message, "GRAPHQL_VALIDATION_FAILED")


def _bad(message: str, code: str = "BAD_USER_INPUT") -> ApiError:
    return ApiError(message, extensions={"code": code})


def _operation(document: DocumentNode, name: str | None) -> OperationDefinitionNode:
    operations = [d for d in document.definitions if isinstance(d, OperationDefinitionNode)]
    for operation in operations:
        if not name or (operation.name and operation.name.value == name):
            return operation
    raise _bad(f'Unknown operation named "{name}".')


def _defaults(operation: OperationDefinitionNode) -> dict[str, Any]:
    return {
        v.variable.name.value: value_from_ast_untyped(v.default_value)
        for v in operation.variable_definitions or ()
        if v.default_value
    }


class _Reader:
    """Turns syntax into selections."""

    def __init__(self, fragments: dict[str, SelectionSetNode], variables: dict[str, Any]) -> None:
        self._fragments = fragments
        self._variables = variables

    def selections(self, node: SelectionSetNode | None) -> list[Selection]:
        made: list[Selection] = []
        for inner in node.selections if node else ():
            if isinstance(inner, FieldNode):
                made.append(self._field(inner))
            elif isinstance(inner, FragmentSpreadNode):
                made.extend(self.selections(self._fragments.get(inner.name.value)))
            elif isinstance(inner, InlineFragmentNode):
                made.extend(self.selections(inner.selection_set))
        return made

    def _field(self, node: FieldNode) -> Selection:
        values = {
            a.name.value: value_from_ast_untyped(a.value, self._variables)
            for a in node.arguments or ()
        }
        return Selection(
            name=node.name.value,
            key=node.alias.value if node.alias else node.name.value,
            arguments={k: v for k, v in values.items() if v is not Undefined},
            inner=self.selections(node.selection_set),
        )
