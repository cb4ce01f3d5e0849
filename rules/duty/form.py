"""The form of rosters and vendors in files of the folder ``playbooks``."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from rules.checks import bad_window
from rules.duty.model import Contact, Roster, Shift, Vendor
from rules.values import Duration, Form, Id, Instant, Lasting, Name, Text


class ShiftForm(Form):
    """A person's time on duty."""

    person: Name
    starts_at: Instant = Field(alias="from")
    ends_at: Instant = Field(alias="until")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        bad_window.ordered(self.starts_at, self.ends_at)
        return self

    def build(self) -> Shift:
        """The shift."""
        return Shift(self.person, self.starts_at, self.ends_at)


class RosterForm(Form):
    """Who fills a role when: shifts written here, or an iCalendar file beside this one."""

    id: Id
    calendar: Text = Field("", description="the name of an .ics file in the same folder")
    shifts: tuple[ShiftForm, ...] = ()
    contacts: dict[Name, Name] = Field(default={}, description="how to reach whom")
    people: Annotated[int, Field(ge=1, le=100)] = 1
    ahead: Duration = 14 * 86_400_000

    def build(self, file: str, more: tuple[Shift, ...] = ()) -> Roster:
        """The roster, with the shifts of its calendar."""
        shifts = (*(one.build() for one in self.shifts), *more)
        return Roster(
            id=self.id,
            shifts=tuple(sorted(shifts, key=lambda one: (one.starts_at, one.ends_at, one.person))),
            contacts=tuple(sorted(self.contacts.items())),
            people=self.people,
            ahead=self.ahead,
            file=file,
        )


class ContactForm(Form):
    """Somebody at a vendor."""

    name: Name
    reach: Name


class VendorForm(Form):
    """Somebody outside who has to help."""

    id: Id
    entity: Text = ""
    response: Lasting | None = None
    contacts: tuple[ContactForm, ...] = ()
    confirm_every: Lasting = 90 * 86_400_000

    def build(self) -> Vendor:
        """The vendor."""
        return Vendor(
            id=self.id,
            entity=self.entity,
            response=self.response,
            contacts=tuple(Contact(one.name, one.reach) for one in self.contacts),
            confirm_every=self.confirm_every,
        )
