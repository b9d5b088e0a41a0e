from __future__ import annotations

import pytest

from airflow_crm_migration.core.cells import BadCell, CellRules, type_record
from airflow_crm_migration.core.fields import FieldSpec, FieldType, ObjectSpec


def typed(
    kind: FieldType, cell: object, rules: CellRules | None = None, separator: str = ";"
) -> object:
    field = FieldSpec("f", kind, separator=separator)
    values, bad = type_record(ObjectSpec("o", "O", {"f": field}), {"f": cell}, rules or CellRules())
    return bad[0] if bad else values.get("f")


@pytest.mark.parametrize(
    ("kind", "cell", "value"),
    [
        (FieldType.TEXT, "  Ada ", "Ada"),
        (FieldType.TEXT, 12.50, "12.5"),
        (FieldType.TEXT, True, "true"),
        (FieldType.TEXT, {"b": 1, "a": 2}, '{"a":2,"b":1}'),
        (FieldType.LONG_TEXT, "  indented\n\nnote ", "  indented\n\nnote "),
        (FieldType.NUMBER, "1,234.50", "1234.5"),
        (FieldType.NUMBER, 1234.5, "1234.5"),
        (FieldType.NUMBER, 10**21, "1000000000000000000000"),
        (FieldType.BOOLEAN, "TRUE", True),
        (FieldType.BOOLEAN, False, False),
        (FieldType.BOOLEAN, 0, False),
        (FieldType.DATE, "2024-01-31T22:00:00Z", "2024-01-31"),
        (FieldType.DATETIME, "2024-01-31T22:00:00+02:00", "2024-01-31T20:00:00.000Z"),
        (FieldType.DATETIME, 1_706_738_400_000, "2024-01-31T22:00:00.000Z"),
        (FieldType.SELECT, " Won ", "Won"),
        (FieldType.MULTI_SELECT, "VIP; a, b ;VIP;", ["VIP", "a, b"]),
        (FieldType.MULTI_SELECT, ["p1", "p2"], ["p1", "p2"]),
        (FieldType.EMAILS, "Ada@Example.com;not an address", ["Ada@Example.com", "not an address"]),
        (
            FieldType.EMAILS,
            "ada@example.com, office@example.com",
            ["ada@example.com, office@example.com"],
        ),
        (FieldType.PHONES, "ask Maria", [{"number": "ask Maria"}]),
        (FieldType.LINKS, "example.com/a;b,c", [{"url": "example.com/a;b,c"}]),
        (FieldType.JSON, {"any": ["thing"]}, {"any": ["thing"]}),
    ],
)
def test_a_cell_becomes_a_value_of_its_type(kind: FieldType, cell: object, value: object) -> None:
    assert typed(kind, cell) == value


@pytest.mark.parametrize("kind", FieldType)
@pytest.mark.parametrize("cell", [None, "", "  \n", [], {}])
def test_a_blank_is_left_out_whatever_the_type(kind: FieldType, cell: object) -> None:
    assert typed(kind, cell) is None


@pytest.mark.parametrize(
    ("kind", "cell"),
    [
        (FieldType.NUMBER, "twelve"),
        (FieldType.NUMBER, True),
        (FieldType.NUMBER, float("nan")),
        (FieldType.BOOLEAN, "maybe"),
        (FieldType.DATE, "31/02/2024"),
        (FieldType.DATETIME, "yesterday at Ada's"),
    ],
)
def test_a_cell_without_a_reading_is_bad_and_its_problem_does_not_quote_it(
    kind: FieldType, cell: object
) -> None:
    bad = typed(kind, cell)
    assert isinstance(bad, BadCell)
    assert (bad.field, repr(bad.value)) == ("f", repr(cell))
    assert bad.problem
    assert str(cell) not in bad.problem


def test_formats_decimal_mark_and_timezone_are_obeyed() -> None:
    rules = CellRules({"f": "DD/MM/YYYY HH:mm"}, ",", "Europe/Berlin")
    assert typed(FieldType.DATETIME, "31/01/2024 08:00", rules) == "2024-01-31T07:00:00.000Z"
    assert typed(FieldType.NUMBER, "1.234,5", rules) == "1234.5"


def test_a_field_may_have_a_separator_of_its_own() -> None:
    assert typed(FieldType.MULTI_SELECT, "VIP, a;b", separator=",") == ["VIP", "a;b"]


def test_what_is_not_declared_is_kept_as_it_is() -> None:
    spec = ObjectSpec("o", "O", {"f": FieldSpec("f", FieldType.TEXT)})
    values, bad = type_record(spec, {"f": "x", "score": 7, "blank": None}, CellRules())
    assert (values, bad) == ({"f": "x", "_other": {"score": 7}}, [])


def test_one_bad_cell_leaves_the_others_readable() -> None:
    kinds = {"a": FieldType.NUMBER, "b": FieldType.DATE}
    spec = ObjectSpec("o", "O", {n: FieldSpec(n, k) for n, k in kinds.items()})
    values, bad = type_record(spec, {"a": "x", "b": "2024-01-31"}, CellRules())
    assert values == {"b": "2024-01-31"}
    assert [b.field for b in bad] == ["a"]
