"""What Twenty makes of values, known without asking it.

Light to import and in need of no connection: transforming records is not talking to a CRM.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.fields import FieldSpec, FieldType, Option
from airflow_crm_migration.core.protocols import Capabilities, Normalised
from airflow_crm_migration.hooks.twenty import contact, markdown, names, values

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

DOCUMENTED = Capabilities(
    batch_size=60,
    read_size=60,
    client_ids=True,
    reads_trash=True,
    sets_created_at=True,
    links_go_along=True,
    attachment="attachment",
    file_field="file",
    file_name_field="name",
    max_file_bytes=1 << 30,
)
"""Batches by the documentation (2.21 takes 200), the file size as 2.21 says it."""

_NORMALISE: Mapping[FieldType, Callable[[FieldSpec, Any], Normalised]] = {
    FieldType.TEXT: values.text,
    FieldType.LONG_TEXT: markdown.long_text,
    FieldType.NUMBER: values.number,
    FieldType.MONEY: values.money,
    FieldType.BOOLEAN: values.boolean,
    FieldType.DATE: values.day,
    FieldType.DATETIME: values.instant,
    FieldType.SELECT: values.choice,
    FieldType.MULTI_SELECT: values.choices,
    FieldType.EMAILS: contact.emails,
    FieldType.PHONES: contact.phones,
    FieldType.LINKS: contact.links,
    FieldType.ADDRESS: values.address,
    FieldType.PERSON_NAME: values.person_name,
    FieldType.ACTOR: values.actor,
    FieldType.REFERENCE: values.reference,
    FieldType.USER: values.reference,
    FieldType.FILE: values.files,
    FieldType.JSON: values.anything,
}


class TwentyRules:
    """Fulfils :class:`~airflow_crm_migration.core.protocols.DestinationRules` for Twenty."""

    @property
    def capabilities(self) -> Capabilities:
        """What Twenty can do by its documentation."""
        return DOCUMENTED

    def normalise(self, field: FieldSpec, value: Any) -> Normalised:
        """
        Say what Twenty will make of a value.

        :param field: where it is going
        :param value: in the form of :mod:`airflow_crm_migration.core.fields`
        :return: what will be stored, and what of the value cannot be
        """
        if value is None or value == "":
            return values.BLANK
        return _NORMALISE[field.type](field, value)

    def option(self, label: str, taken: Iterable[Option]) -> tuple[str, str]:
        """
        Return value and label of a new option.

        :param label: in any script
        :param taken: options already in use
        """
        return names.option(label, taken)

    def custom_field_name(self, label: str, taken: Iterable[str]) -> str:
        """
        Return a name for a new field.

        :param label: in any script
        :param taken: field names already in use
        """
        return names.field_name(label, taken)
