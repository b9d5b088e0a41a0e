"""Which of several records stays, and what each field of the others adds to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.arrow import FILE, OTHER, ROW
from airflow_crm_migration.core.canonical import canonical_json
from airflow_crm_migration.core.fields import FieldType
from airflow_crm_migration.core.values.emails import normal_email
from airflow_crm_migration.core.values.phones import phone_key
from airflow_crm_migration.core.values.text import fold

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_crm_migration.core.fields import ObjectSpec
    from airflow_crm_migration.core.protocols import Values

TOGETHER = (
    ("first_name", "last_name"),
    ("company", "company_id", "company_domain"),
    ("city", "state", "country"),
)
"""Fields that make sense only together: taken from one record, never mixed."""

FOLLOWING = dict.fromkeys(("company_industry", "company_size", "company_revenue"), "company")
"""What is told of another record -> the field that names it, and with which it goes."""

_OWN = ("id", "updated_at")


@dataclass(frozen=True)
class Merged:
    """
    One record made of several.

    :param origins: field -> ids of the records whose values it has
    :param unused: field -> id -> value that is not in the result
    """

    values: Values
    origins: dict[str, tuple[str, ...]] = field(default_factory=dict)
    unused: dict[str, dict[str, Any]] = field(default_factory=dict)


def choose_survivor(records: Sequence[Values]) -> str:
    """
    Return the id of the record that stays: most complete, then changed last, then smallest id.

    :param records: typed records with their ids
    """
    by_id = sorted(records, key=lambda record: str(record["id"]))
    best = max(by_id, key=lambda record: (_completeness(record), record.get("updated_at") or ""))
    return str(best["id"])


def merged_values(members: Sequence[Values], survivor: str, spec: ObjectSpec) -> Merged:
    """
    Return one record for several, the survivor's values first.

    Multi-values are united, long texts follow one another, the oldest creation time counts, blanks
    are filled from the other members in order of completeness.

    :param members: typed records with their ids, the survivor among them
    :param survivor: id of the record that stays
    :param spec: of the object, for the types of the fields
    """
    ordered = sorted(members, key=lambda r: (r["id"] != survivor, -_completeness(r), str(r["id"])))
    result = Merged({name: ordered[0][name] for name in _OWN if name in ordered[0]})
    for name in dict.fromkeys(name for record in ordered for name in record):
        given = {str(r["id"]): r[name] for r in ordered if not _blank(r.get(name))}
        holder = _holder(name, ordered)
        if name in _OWN or not given:
            continue
        if holder is None:
            kind = spec.fields[name].type if name in spec.fields else FieldType.JSON
            _add(result, name, kind, given)
        else:
            _keep(result, name, holder, given)
    return result


def _holder(name: str, ordered: list[Values]) -> str | None:
    """Return the id of the record that has most of the fields that belong with one."""
    leading = FOLLOWING.get(name, name)
    group = next((fields for fields in TOGETHER if leading in fields), None)
    if group is None:
        return None
    best = min(ordered, key=lambda record: sum(_blank(record.get(field)) for field in group))
    return str(best["id"])


def _keep(result: Merged, name: str, source: str, given: Mapping[str, Any]) -> None:
    """Take a field from one record and note where another one differs."""
    if source in given:
        result.values[name], result.origins[name] = given[source], (source,)
    kept = _spelling(given.get(source, ""))
    unused = {other: value for other, value in given.items() if _spelling(value) != kept}
    if unused:
        result.unused[name] = unused


def _add(result: Merged, name: str, kind: FieldType, given: Mapping[str, Any]) -> None:
    if name == "created_at":
        source = min(given, key=lambda i: str(given[i]))
        result.values[name], result.origins[name] = given[source], (source,)
    elif kind.many:
        result.values[name], result.origins[name] = _united(given)
    elif kind is FieldType.LONG_TEXT:
        result.values[name], result.origins[name] = _joined(given)
    elif kind is FieldType.JSON and all(isinstance(v, dict) for v in given.values()):
        result.values[name], result.origins[name] = _filled(given)
    else:
        _keep(result, name, next(iter(given)), given)


def _united(given: Mapping[str, Any]) -> tuple[list[Any], tuple[str, ...]]:
    found: dict[str, Any] = {}
    sources: dict[str, None] = {}
    for source, elements in given.items():
        for element in elements if isinstance(elements, list) else [elements]:
            if _spelling(element) not in found:
                found[_spelling(element)] = element
                sources[source] = None
    return list(found.values()), tuple(sources)


def _joined(given: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    found: dict[str, tuple[str, str]] = {}
    for source, text in given.items():
        found.setdefault(fold(text), (source, text))
    sources, texts = zip(*found.values(), strict=True)
    return "\n\n".join(texts), sources


def _filled(given: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Unite columns that nobody declared: each one is a field of its own."""
    found: dict[str, Any] = {}
    sources: dict[str, None] = {}
    for source, columns in given.items():
        for column, value in columns.items():
            if _blank(found.get(column)) and not _blank(value):
                found[column] = value
                sources[source] = None
    return found, tuple(sources)


def _spelling(value: Any) -> str:
    """Return what spellings of one value share."""
    if isinstance(value, dict):
        number = value.get("number")
        if number:
            return phone_key(str(number)) or canonical_json(value)
        return fold(str(value["url"])).rstrip("/") if value.get("url") else canonical_json(value)
    text = str(value)
    return (normal_email(text) if "@" in text else None) or fold(text)


def _completeness(record: Values) -> int:
    """Count what is declared of the record itself: all else says nothing of its worth."""
    other = {OTHER, FILE, ROW, *FOLLOWING}
    return sum(not _blank(value) for name, value in record.items() if name not in other)


def _blank(value: Any) -> bool:
    return value is None or value in ("", [], {}) or (isinstance(value, str) and not value.strip())
