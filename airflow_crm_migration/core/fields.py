"""Field types that all hooks share, and how an object of a CRM is described.

Values between steps are plain JSON whatever CRM they come from. Their form by type:

=============  =====================================================================
text           string
long_text      string, Markdown
number         decimal as a string without exponent or trailing zeros: ``"12.5"``
money          ``{"amount": "12.5", "currency": "EUR" | None}``
boolean        true or false
date           ``"2024-01-31"``
datetime       UTC with milliseconds: ``"2024-01-31T08:00:00.000Z"``
select         the option's value
multi_select   list of option values, a set
emails         list of addresses, the primary one first
phones         list of ``{"number", "country", "calling_code"}``, the primary one first
links          list of ``{"url", "label"}``, the primary one first
address        ``{"street1", "street2", "city", "postcode", "state", "country"}``
person_name    ``{"first", "last"}``
actor          the name of whoever made the record
reference      id of a record
user           id of a user
file           list of ``{"file_id", "label"}``
json           any JSON
=============  =====================================================================
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class FieldType(StrEnum):
    """The kinds of value that mappings speak of."""

    TEXT = "text"
    LONG_TEXT = "long_text"
    NUMBER = "number"
    MONEY = "money"
    BOOLEAN = "boolean"
    DATE = "date"
    DATETIME = "datetime"
    SELECT = "select"
    MULTI_SELECT = "multi_select"
    EMAILS = "emails"
    PHONES = "phones"
    LINKS = "links"
    ADDRESS = "address"
    PERSON_NAME = "person_name"
    ACTOR = "actor"
    REFERENCE = "reference"
    USER = "user"
    FILE = "file"
    JSON = "json"

    @property
    def many(self) -> bool:
        """Whether a value has elements that are compared and merged one by one."""
        return self in (FieldType.MULTI_SELECT, FieldType.EMAILS, FieldType.PHONES, FieldType.LINKS)


@dataclass(frozen=True)
class Option:
    """One choice of a select field: the stored value and what people see."""

    value: str
    label: str


@dataclass(frozen=True)
class Join:
    """
    A many-to-many reference kept as rows of an object of its own.

    :param object: the joining object, for example ``taskTarget``
    :param own: its field that names the record at hand, for example ``taskId``
    :param other: object that may be referred to -> the field that names it
    """

    object: str
    own: str
    other: dict[str, str]


@dataclass(frozen=True)
class FieldSpec:
    """
    One field of an object.

    :param name: the platform's own name
    :param label: what people see
    :param options: of a select, in order
    :param required: of a destination: must have a value; of a source: its CSV column must be there
    :param references: objects that a reference may name
    :param join: set when the reference is many-to-many
    :param header: column of a CSV export that carries the field, for sources
    :param separator: between the values of a cell that holds several, for sources
    """

    name: str
    type: FieldType
    label: str = ""
    options: tuple[Option, ...] = ()
    required: bool = False
    unique: bool = False
    custom: bool = False
    references: tuple[str, ...] = ()
    join: Join | None = None
    header: str | None = None
    separator: str = ";"


@dataclass(frozen=True)
class ObjectSpec:
    """
    One object of a CRM with its fields by name; in a source the field ``id`` identifies a record.

    :param csv_name: file that carries the object in a CSV export, for sources
    :param custom_fields: whether the customer may have added fields of his own
    """

    name: str
    label: str
    fields: dict[str, FieldSpec] = field(default_factory=dict)
    csv_name: str = ""
    custom_fields: bool = False
