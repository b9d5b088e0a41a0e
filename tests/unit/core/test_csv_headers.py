from __future__ import annotations

import io

import pytest

from airflow_crm_migration.core.csv_export import CsvFile, template
from airflow_crm_migration.core.csv_format import CsvFormat, CustomField
from airflow_crm_migration.core.csv_headers import Columns, read_columns
from airflow_crm_migration.core.fields import FieldType
from airflow_crm_migration.hooks.klipy.objects import OBJECTS

HEADER = "Contact ID,First Name,Last Name,Email"


def read(
    text: str, form: CsvFormat | None = None, name: str = "contact", *, id_needed: bool = True
) -> tuple[Columns, list[str]]:
    spec = OBJECTS[name]
    file = CsvFile(spec.csv_name, lambda: io.BytesIO(text.encode()))
    return read_columns(file, spec, form or CsvFormat(), id_needed=id_needed)


def aliased(**aliases: str) -> CsvFormat:
    return CsvFormat(aliases={"contact": {k.replace("_", " "): v for k, v in aliases.items()}})


@pytest.mark.parametrize("name", OBJECTS)
def test_the_template_is_read_without_a_finding(name: str) -> None:
    spec = OBJECTS[name]
    columns, findings = read(template(spec), name=name)
    assert findings == []
    assert columns.absent == ()
    assert list(columns.fields) == [f.name for f in spec.fields.values() if f.header]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_delimiter_is_recognised(delimiter: str) -> None:
    columns, findings = read(HEADER.replace(",", delimiter))
    assert (columns.delimiter, findings) == (delimiter, [])


def test_a_delimiter_within_a_header_does_not_mislead() -> None:
    for text in (
        'Deal ID;Deal Name;Stage;"Contact Emails (;)"',
        "Deal ID,Deal Name,Stage,Contact Emails (;)",
    ):
        columns, findings = read(text, name="deal")
        assert (columns.delimiter, findings) == (text[7], [])
        assert columns.fields[-1] == "contact_emails"


@pytest.mark.parametrize(
    "header", ["\ufeff" + HEADER, HEADER.upper(), " Contact  ID ,first_name,Last Name,email"]
)
def test_a_mark_and_habits_of_writing_do_not_matter(header: str) -> None:
    columns, findings = read(header)
    assert findings == []
    assert columns.fields == ("id", "first_name", "last_name", "email")


def test_a_remark_in_brackets_does_not_matter() -> None:
    columns, findings = read("Interaction ID,Type,Interaction Date (UTC),Duration", name="activity")
    assert findings == []
    assert columns.fields == ("id", "type", "interaction_date", "duration")


def test_all_mistakes_are_told_at_once() -> None:
    _, findings = read("First Name,Lst Name,Phone,phone,,Fax", name="contact")
    told = "\n".join(findings)
    assert "contacts.csv: column 5 has no name" in told
    assert "columns 'Phone' and 'phone' both carry phone" in told
    assert "column 'Lst Name' is unknown (did you mean 'Last Name'?)" in told
    assert "column 'Contact ID' is missing" in told
    assert "column 'Email' is missing" in told
    assert "column 'Last Name' is missing (is it 'Lst Name'?)" in told
    assert "Fax" not in told
    assert len(findings) == 6


def test_a_strange_column_of_an_object_without_custom_fields_is_refused() -> None:
    _, findings = read("Company ID,Company Name,Budget", name="company")
    [line] = findings
    assert "companies.csv: column 'Budget' is unknown: name its field or 'ignore'" in line


def test_a_strange_column_of_a_contact_is_the_customers_own() -> None:
    columns, findings = read(HEADER + ",Favourite Topic")
    assert findings == []
    assert [(c.name, c.custom) for c in columns.custom] == [("Favourite Topic", True)]
    assert columns.undeclared == {"Favourite Topic"}


def test_custom_columns_can_be_refused() -> None:
    _, findings = read(HEADER + ",Favourite Topic", CsvFormat(custom_columns="refuse"))
    assert "column 'Favourite Topic' is unknown" in findings[0]
    assert "csv.custom_fields" in findings[0]


def test_a_declared_custom_column_has_the_declared_type() -> None:
    own = CustomField(object="contact", header="Score", label="Lead score", type=FieldType.NUMBER)
    form = CsvFormat(custom_columns="refuse", custom_fields=(own,))
    columns, findings = read(HEADER + ",SCORE", form)
    assert findings == []
    assert [(c.name, c.type, c.label) for c in columns.custom] == [
        ("SCORE", FieldType.NUMBER, "Lead score")
    ]
    assert columns.undeclared == frozenset()


def test_a_declared_custom_column_that_is_not_there_is_missing() -> None:
    own = CustomField(object="contact", header="Score")
    _, findings = read(HEADER, CsvFormat(custom_fields=(own,)))
    assert findings == [
        "contacts.csv: column 'Score' of csv.custom_fields is missing: add it, or mend its spelling"
    ]


def test_an_alias_names_a_field() -> None:
    text = "Person Key,Vorname,Nachname,Mail"
    form = aliased(Person_Key="id", vorname="first_name", Nachname="last_name", Mail="email")
    columns, findings = read(text, form)
    assert findings == []
    assert columns.fields == ("id", "first_name", "last_name", "email")


def test_an_alias_leaves_a_column_aside() -> None:
    columns, findings = read(HEADER + ",Row", aliased(Row="ignore"))
    assert (columns.fields[-1], findings) == (None, [])


def test_an_alias_goes_before_the_columns_own_name() -> None:
    columns, findings = read(HEADER + ",Mail", aliased(Email="other_emails", Mail="email"))
    assert findings == []
    assert columns.fields[3:] == ("other_emails", "email")


def test_an_alias_to_no_field_is_told_with_the_likeliest_one() -> None:
    _, findings = read(HEADER, aliased(Mail="e_mail"))
    assert findings == [
        "contacts.csv: csv.aliases.contact.Mail = 'e_mail' is no field; did you mean 'email'?"
    ]


def test_the_id_column_may_be_missing_where_something_else_identifies() -> None:
    columns, findings = read("First Name,Last Name,Email", id_needed=False)
    assert findings == []
    assert "id" in columns.absent


@pytest.mark.parametrize("text", ["", "\n", ",,\n"])
def test_a_file_without_a_header_says_so(text: str) -> None:
    _, findings = read(text)
    assert findings == [
        "contacts.csv: has no header: the first line must name the columns, as in the template"
    ]


def test_a_name_that_we_use_ourselves_cannot_be_a_custom_column() -> None:
    _, findings = read(HEADER + ",_row")
    assert "column '_row' is unknown" in findings[0]


def test_bytes_are_looked_at_before_the_header() -> None:
    file = CsvFile("contacts.csv", lambda: io.BytesIO(HEADER.encode("utf-16")))
    _, findings = read_columns(file, OBJECTS["contact"], CsvFormat())
    assert ["utf-16" in line for line in findings] == [True]
