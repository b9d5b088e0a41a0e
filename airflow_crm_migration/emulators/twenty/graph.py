"""The core GraphQL API at ``/graphql``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.emulators.twenty import writes
from airflow_crm_migration.emulators.twenty.depth import NESTED_LIMIT, children, parent
from airflow_crm_migration.emulators.twenty.errors import ApiError, not_found
from airflow_crm_migration.emulators.twenty.gql import (
    Selection,
    check_roots,
    pick,
    read_request,
    unknown_field,
)
from airflow_crm_migration.emulators.twenty.listing import DEFAULT_LIMIT, Lister, Page, Wanted
from airflow_crm_migration.emulators.twenty.match import matching, mentions_deleted
from airflow_crm_migration.emulators.twenty.merge import merge
from airflow_crm_migration.emulators.twenty.query import encode_cursor
from airflow_crm_migration.emulators.twenty.removal import destroy, find, restore, soft_delete

if TYPE_CHECKING:
    from airflow_crm_migration.emulators.twenty.query import Filter
    from airflow_crm_migration.emulators.twenty.schema import Field, Object
    from airflow_crm_migration.emulators.twenty.store import Row
    from airflow_crm_migration.emulators.twenty.workspace import Caller, Workspace

_AROUND = ("edges", "node", "cursor", "pageInfo", "totalCount", "__typename")
_MUTATION = re.compile(r"(create|update|delete|destroy|restore|merge)([A-Z]\w*)")


class Graph:
    """Answers GraphQL requests on records.

    :param workspace: where
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._lister = Lister(workspace)

    def answer(self, body: Any, caller: Caller) -> tuple[dict[str, Any], str]:
        """Answer a request; the HTTP status is 200 whatever happens.

        :param body: of the request
        :param caller: who sent it
        :return: body of the reply, and what was asked for the journal
        """
        try:
            roots = read_request(body)
            check_roots(roots)
            for root in roots:
                self._check(root)
        except ApiError as e:
            return {"data": None, "errors": [e.graphql()]}, ""
        data: dict[str, Any] = {}
        errors = []
        for root in roots:
            try:
                data[root.key] = self._resolve(root, caller)
            except ApiError as e:
                data[root.key] = None
                errors.append(e.graphql())
        reply = {"data": data, "errors": errors} if errors else {"data": data}
        return reply, ",".join(root.name for root in roots)

    def _resolve(self, root: Selection, caller: Caller) -> Any:
        if root.name == "__typename":
            return "Query"
        listed = self._workspace.schema.plural(root.name)
        one = self._workspace.schema.objects.get(root.name)
        if listed is not None:
            self._workspace.spend()
            return self._list(listed, root, caller)
        if one is not None:
            self._workspace.spend()
            return self._one(one, root, caller)
        mutation = _MUTATION.fullmatch(root.name)
        if mutation is None:
            raise unknown_field(root.name, "Query")
        return self._mutate(mutation[1], _about(root.name), root, caller)

    def _object(self, name: str) -> Object | None:
        return self._workspace.schema.objects.get(name) or self._workspace.schema.plural(name)

    def _mutate(self, verb: str, name: str, root: Selection, caller: Caller) -> Any:
        owner = self._object(name)
        if owner is None:
            raise unknown_field(root.name, "Mutation")
        self._workspace.spend()
        many = name == owner.plural
        rows = _VERBS[verb](self._workspace, owner, root.arguments, caller, many)
        shown = [self._node(owner, row, root.inner, caller) for row in rows]
        return shown if many and verb != "merge" else shown[0]

    def _one(self, owner: Object, root: Selection, caller: Caller) -> Any:
        ids = matching(self._workspace, owner, root.arguments.get("filter") or {})
        if not ids:
            raise not_found()
        row = self._workspace.table(owner.name).rows[min(ids)]
        return self._node(owner, row, root.inner, caller)

    def _list(self, owner: Object, root: Selection, caller: Caller) -> Any:
        given = root.arguments
        limit = given.get("first", given.get("last", given.get("limit", DEFAULT_LIMIT)))
        if not isinstance(limit, int) or limit < 0:
            raise ApiError(f"Invalid first argument: {limit}")
        order = given.get("orderBy") or []
        wanted = Wanted(
            filter=given.get("filter") or {},
            order=order if isinstance(order, list) else [order],
            limit=limit,
            after=given.get("after") or "",
            before=given.get("before") or "",
        )
        return self._connection(owner, root, caller, self._lister.page(owner, wanted))

    def _connection(
        self, owner: Object, selection: Selection, caller: Caller, page: Page
    ) -> dict[str, Any]:
        picked: dict[str, Any] = {}
        for s in selection.inner:
            if s.name == "edges":
                pairs = zip(page.rows, page.cursors, strict=True)
                picked[s.key] = [self._edge(owner, s, caller, row, c) for row, c in pairs]
            else:
                known = {"totalCount": page.total, "pageInfo": page.info()}
                name = f"{owner.name}Connection"
                picked.update(pick(known, [s], name))
        return picked

    def _edge(
        self, owner: Object, selection: Selection, caller: Caller, row: Row, cursor: str
    ) -> dict[str, Any]:
        picked: dict[str, Any] = {}
        for s in selection.inner:
            if s.name == "node":
                picked[s.key] = self._node(owner, row, s.inner, caller)
            else:
                picked.update(pick({"cursor": cursor}, [s], f"{owner.name}Edge"))
        return picked

    def _node(
        self, owner: Object, row: Row, selections: list[Selection], caller: Caller
    ) -> dict[str, Any]:
        shown = self._workspace.show(owner, row, caller.base_url)
        picked: dict[str, Any] = {}
        for s in selections:
            field = owner.fields.get(s.name)
            if field is not None and field.target:
                picked[s.key] = self._relation(field, row, s, caller)
            else:
                picked.update(pick(shown, [s], owner.name[0].upper() + owner.name[1:]))
        return picked

    def _relation(self, field: Field, row: Row, s: Selection, caller: Caller) -> Any:
        other = self._workspace.schema.objects[field.target]
        if not field.to_many:
            related = parent(self._workspace, field, row)
            return related and self._node(other, related, s.inner, caller)
        rows = children(self._workspace, field, row)
        wanted = s.arguments.get("first", NESTED_LIMIT)
        cursors = [encode_cursor({"id": r["id"]}) for r in rows]
        # The count stops at the cap too.
        page = Page(rows[:wanted], cursors[:wanted], len(rows), more=False, forward=True)
        return self._connection(other, s, caller, page)

    def _check(self, root: Selection) -> None:
        owner = self._object(root.name) or self._object(_about(root.name))
        if owner is not None and _depth(self._workspace, owner, root.inner) > 1:
            raise ApiError(
                "Query complexity is too high. One-to-Many relation cannot be nested in another "
                "One-to-Many relation."
            )


def _about(name: str) -> str:
    """Tell what object a mutation is about, by its name."""
    mutation = _MUTATION.fullmatch(name)
    return mutation[2][0].lower() + mutation[2][1:] if mutation else ""


def _depth(workspace: Workspace, owner: Object, selections: list[Selection]) -> int:
    """Count how many one-to-many relations are nested in each other; refuse unknown fields."""
    deepest = 0
    for s in selections:
        field = owner.fields.get(s.name)
        if field is None and s.name not in owner.joins and s.name not in _AROUND:
            raise unknown_field(s.name, owner.name[0].upper() + owner.name[1:])
        if s.name in ("edges", "node"):
            deepest = max(deepest, _depth(workspace, owner, s.inner))
        elif field is not None and field.target:
            other = workspace.schema.objects[field.target]
            deepest = max(deepest, _depth(workspace, other, s.inner) + field.to_many)
    return deepest


def _create(w: Workspace, o: Object, given: dict[str, Any], c: Caller, many: bool) -> list[Row]:
    data = given.get("data")
    bodies = data if many and isinstance(data, list) else [data]
    return writes.create(w, o, bodies, c, upsert=given.get("upsert") is True)


def _update(w: Workspace, o: Object, given: dict[str, Any], c: Caller, many: bool) -> list[Row]:
    if not many:
        return [writes.update(w, o, writes.require_id(str(given.get("id"))), given.get("data"), c)]
    ids = matching(w, o, given.get("filter") or {})
    return writes.update_many(w, o, ids, given.get("data"), c)


def _delete(w: Workspace, o: Object, given: dict[str, Any], c: Caller, many: bool) -> list[Row]:
    return soft_delete(w, o, _chosen(w, o, given, many, trashed=False), c)


def _restore(w: Workspace, o: Object, given: dict[str, Any], c: Caller, many: bool) -> list[Row]:
    if not many:
        return restore(w, o, _chosen(w, o, given, many, trashed=True), c)
    wanted: Filter = given.get("filter") or {}
    if mentions_deleted(wanted):
        return []
    return restore(w, o, matching(w, o, {"and": [wanted, {"deletedAt": {"is": "NOT_NULL"}}]}), c)


def _destroy(w: Workspace, o: Object, given: dict[str, Any], c: Caller, many: bool) -> list[Row]:
    ids = _chosen(w, o, given, many, trashed=True)
    rows = [w.table(o.name).rows[i] for i in ids]
    destroy(w, o, ids, c)
    return rows


def _merge(w: Workspace, o: Object, given: dict[str, Any], c: Caller, _: bool) -> list[Row]:
    return [merge(w, o, given, c)]


def _chosen(
    w: Workspace, o: Object, given: dict[str, Any], many: bool, *, trashed: bool
) -> list[str]:
    if many:
        return matching(w, o, given.get("filter") or {})
    record_id = writes.require_id(str(given.get("id")))
    return [find(w, o, record_id, trashed=trashed)["id"]]


_VERBS = {
    "create": _create,
    "update": _update,
    "delete": _delete,
    "destroy": _destroy,
    "restore": _restore,
    "merge": _merge,
}
