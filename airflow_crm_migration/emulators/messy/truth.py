"""What is true about a generated world: the answers that a migration is compared with."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Group:
    """
    Records that belong together, or that only look so.

    :param kind: why, for example ``nickname``
    """

    kind: str
    ids: frozenset[str]


@dataclass(frozen=True, slots=True)
class Cell:
    """
    One value of one record.

    :param kind: what is special about it
    :param object: ``contact``, ``company``, ``deal``, ``activity``, ``note`` or ``file``
    :param field: attribute of the record, or the name of a custom column
    :param text: what a text export shows; empty where it is the record's own value
    """

    kind: str
    object: str
    source_id: str
    field: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """
    A link that does not lead to one record.

    :param object: kind of the record that has the link
    :param field: attribute that has it
    :param named: how the source names the other record
    :param candidates: ids that it may mean; empty when there is none
    """

    object: str
    source_id: str
    field: str
    named: str
    candidates: frozenset[str] = frozenset()


@dataclass(slots=True)
class Truth:
    """
    Everything that was planted.

    Two contacts (companies) that share no group of ``people`` (``same_companies``) are different
    ones, however alike they look.

    :param people: contacts that are one human: ``same_email`` (certain), ``plus_address``,
        ``secondary_email``, ``nickname``, ``other_address``
    :param lookalike_people: contacts that are different humans: ``equal_name``, ``shared_mailbox``
    :param same_companies: companies that are one: ``same_domain``
    :param lookalike_companies: companies that are different: ``similar_name``
    :param shared_mailboxes: address -> contacts of the people who use it, or of the mailbox itself
    :param free_mail_companies: companies that were made of a free-mail domain
    :param bad_cells: values that no destination can take as what they should be
    :param oddities: values that are strange and must arrive all the same
    :param implied_companies: contact -> company that only its domain tells
    :param missing_parents: links to records that are gone
    :param ambiguous_links: links by e-mail or name that fit several different records
    :param unmigratable_files: file id -> ``too_large``, ``missing``, ``private_url``,
        ``outside_folder``
    :param empty_files: ids of files of 0 bytes
    :param owners_without_member: users whom the destination does not have
    :param owners_without_email: users who are known by name only
    :param ambiguous_owner_names: name -> users who share it
    :param tag_twins: tags that differ only by case or space
    :param extra_stages: stages that the source does not have by default
    """

    people: list[Group] = field(default_factory=list)
    lookalike_people: list[Group] = field(default_factory=list)
    same_companies: list[Group] = field(default_factory=list)
    lookalike_companies: list[Group] = field(default_factory=list)
    shared_mailboxes: dict[str, frozenset[str]] = field(default_factory=dict)
    free_mail_companies: frozenset[str] = frozenset()
    bad_cells: list[Cell] = field(default_factory=list)
    oddities: list[Cell] = field(default_factory=list)
    implied_companies: dict[str, str] = field(default_factory=dict)
    missing_parents: list[Link] = field(default_factory=list)
    ambiguous_links: list[Link] = field(default_factory=list)
    unmigratable_files: dict[str, str] = field(default_factory=dict)
    empty_files: frozenset[str] = frozenset()
    owners_without_member: frozenset[str] = frozenset()
    owners_without_email: frozenset[str] = frozenset()
    ambiguous_owner_names: dict[str, frozenset[str]] = field(default_factory=dict)
    tag_twins: tuple[tuple[str, ...], ...] = ()
    extra_stages: tuple[str, ...] = ()

    @property
    def same_person(self) -> list[frozenset[str]]:
        """Contacts that are one human, group by group; groups do not overlap."""
        return [g.ids for g in self.people]

    @property
    def same_company(self) -> list[frozenset[str]]:
        """Companies that are one, group by group; groups do not overlap."""
        return [g.ids for g in self.same_companies]

    def shown(self) -> dict[tuple[str, str, str], str]:
        """
        List what a text export shows instead of the value.

        :return: (object, source id, field) -> text
        """
        cells = [*self.bad_cells, *self.oddities]
        return {(c.object, c.source_id, c.field): c.text for c in cells if c.text}
