"""Objects and fields of a workspace."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

MANY_TO_ONE, ONE_TO_MANY = "MANY_TO_ONE", "ONE_TO_MANY"
RELATIONS = ("RELATION", "MORPH_RELATION")
# Kept by the server; a client's value is refused or ignored.
SERVER_SIDE = ("searchVector", "updatedBy")

_BLANKS: dict[str, Any] = {
    "TEXT": "",
    "FULL_NAME": {"firstName": "", "lastName": ""},
    "EMAILS": {"primaryEmail": "", "additionalEmails": []},
    "LINKS": {"primaryLinkLabel": "", "primaryLinkUrl": "", "secondaryLinks": []},
    "PHONES": {
        "primaryPhoneNumber": "",
        "primaryPhoneCountryCode": "",
        "primaryPhoneCallingCode": "",
        "additionalPhones": [],
    },
    "ADDRESS": {
        "addressStreet1": "",
        "addressStreet2": "",
        "addressCity": "",
        "addressPostcode": "",
        "addressState": "",
        "addressCountry": "",
        "addressLat": None,
        "addressLng": None,
    },
    "CURRENCY": {"amountMicros": None, "currencyCode": None},
    "RICH_TEXT": {"blocknote": None, "markdown": None},
    "MULTI_SELECT": [],
    "ARRAY": [],
    "TS_VECTOR": "",
}
# The part of a composite that must be unique when its field is.
KEY_PARTS = {
    "EMAILS": "primaryEmail",
    "LINKS": "primaryLinkUrl",
    "PHONES": "primaryPhoneNumber",
}


@dataclass
class Field:
    """A field; for relations ``target`` is the other object and ``inverse`` its field."""

    id: str
    universal_id: str
    object_id: str
    name: str
    type: str
    label: str
    created_at: str
    updated_at: str
    description: str = ""
    icon: str = ""
    system: bool = False
    editable: bool = True
    nullable: bool = True
    unique: bool = False
    synced: bool = False
    default: Any = None
    options: list[dict[str, Any]] | None = None
    settings: dict[str, Any] | None = None
    target: str = ""
    inverse: str = ""
    application_id: str = ""

    @property
    def join(self) -> str:
        """Column of a many-to-one relation, empty for all else."""
        return str((self.settings or {}).get("joinColumnName", ""))

    @property
    def to_many(self) -> bool:
        """Whether this is the many side of a relation."""
        return self.type in RELATIONS and not self.join

    @property
    def blank(self) -> Any:
        """What a record shows that has no value."""
        return _BLANKS.get(self.type)

    @property
    def key_path(self) -> tuple[str, ...]:
        """Where the unique value of this field is."""
        part = KEY_PARTS.get(self.type)
        return (self.name, part) if part else (self.name,)

    @property
    def plain_default(self) -> Any:
        """The default without the quotes that the metadata keeps around text."""
        if isinstance(self.default, str) and self.type not in ("UUID", "DATE_TIME"):
            return self.default.strip("'")
        if isinstance(self.default, list):
            return [str(d).strip("'") for d in self.default]
        return None if self.type in ("UUID", "DATE_TIME", "ACTOR") else copy.copy(self.default)

    def values(self) -> list[str]:
        """List the values that an option field takes.

        :return: option values in their order
        """
        return [o["value"] for o in self.options or []]


@dataclass
class Object:
    """An object and its fields by name."""

    id: str
    universal_id: str
    name: str
    plural: str
    label: str
    label_plural: str
    created_at: str
    updated_at: str
    description: str = ""
    icon: str = ""
    shortcut: str | None = None
    system: bool = False
    creatable: bool = True
    searchable: bool = True
    custom: bool = False
    synced: bool = False
    identifier: str = "name"
    image: str = ""
    criteria: list[list[str]] | None = None
    application_id: str = ""
    fields: dict[str, Field] = field(default_factory=dict)

    def add(self, new: Field) -> None:
        """Add a field.

        :param new: the field
        """
        self.fields[new.name] = new
        self.changed()

    def remove(self, name: str) -> None:
        """Remove a field.

        :param name: of the field
        """
        del self.fields[name]
        self.changed()

    def changed(self) -> None:
        """Forget what was derived from the fields."""
        for name in ("template", "columns", "joins", "uniques", "file_columns"):
            self.__dict__.pop(name, None)

    @cached_property
    def template(self) -> dict[str, Any]:
        """A record without values, as the server shows it (relations by their columns)."""
        plain = {f.name: f.blank for f in self.fields.values() if f.type not in RELATIONS}
        return {**plain, **dict.fromkeys(self.joins)}

    @cached_property
    def columns(self) -> dict[str, Field]:
        """What a client may write: fields by name and relations by column."""
        plain = {f.name: f for f in self.fields.values() if f.type not in RELATIONS}
        return {**plain, **self.joins}

    @cached_property
    def joins(self) -> dict[str, Field]:
        """Many-to-one relations by column."""
        return {f.join: f for f in self.fields.values() if f.join}

    @cached_property
    def uniques(self) -> list[Field]:
        """Fields whose values are unique."""
        return [f for f in self.fields.values() if f.unique]

    @cached_property
    def file_columns(self) -> list[str]:
        """Fields that hold files."""
        return [f.name for f in self.fields.values() if f.type == "FILES"]

    @property
    def table(self) -> str:
        """Name of the database table, which foreign key messages tell."""
        return f"_{self.name}" if self.custom else self.name


class Schema:
    """All objects of a workspace."""

    def __init__(self) -> None:
        self.objects: dict[str, Object] = {}
        self._plurals: dict[str, Object] = {}

    def add(self, new: Object) -> None:
        """Add an object.

        :param new: the object
        """
        self.objects[new.name] = new
        self._plurals[new.plural] = new

    def remove(self, name: str) -> None:
        """Remove an object.

        :param name: singular name
        """
        del self._plurals[self.objects.pop(name).plural]

    def plural(self, name: str) -> Object | None:
        """Find an object.

        :param name: plural name
        :return: the object, if there is one
        """
        return self._plurals.get(name)

    def by_id(self, object_id: str) -> Object | None:
        """Find an object.

        :param object_id: its id
        :return: the object, if there is one
        """
        return next((o for o in self.objects.values() if o.id == object_id), None)

    def field_by_id(self, field_id: str) -> tuple[Object, Field] | None:
        """Find a field by its id or its universal identifier.

        :param field_id: either of them
        :return: object and field, if there is one
        """
        for o in self.objects.values():
            for f in o.fields.values():
                if field_id in (f.id, f.universal_id):
                    return o, f
        return None

    def references(self, name: str) -> list[tuple[Object, Field]]:
        """List the many-to-one relations that point at an object.

        :param name: singular name of the object
        :return: object and field of each relation
        """
        return [(o, f) for o in self.objects.values() for f in o.joins.values() if f.target == name]
