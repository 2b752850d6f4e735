"""Companies and contacts of a planted tenant: customers, twins, prospects, vendors."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from entrepot.sdk.simulator import Seed, SeedCustomer, company

from .schema import Json, Row
from .setup import REFERENCE_CAPTION, country_id
from .world import World

IDENTIFIER_LENGTH = 25
"""Longest company id that every release accepts (connectwise.md §10)."""
LEGAL_FORMS = (" Inc.", " LLC", " Ltd", " GmbH", " B.V.", " SARL", " Pty Ltd", " AG")
_STRANGERS = 500_000
"""Company numbers from here on belong to nobody at the vendor."""


class Parties:
    """Plants all companies of a tenant.

    Args:
        world: The tenant.
        seed: The vendor's state.
        rng: Source of chance.
        add: Stores a row.
    """

    def __init__(
        self,
        world: World,
        seed: Seed,
        rng: random.Random,
        add: Callable[..., Row],
    ) -> None:
        self._world, self._seed, self._rng, self._add = world, seed, rng, add
        self.first_contact: dict[int, int] = {}
        self._statuses = {r["name"]: r["id"] for r in world.rows("companyStatuses")}
        self._types = {r["name"]: r["id"] for r in world.rows("companyTypes")}
        self._email = world.named("communicationTypes", "Email")["id"]
        self._phone = world.named("communicationTypes", "Direct")["id"]
        self._reference = self._definition()

    def plant(self) -> dict[str, int]:
        """Plant everybody; gives the company id of each vendor customer."""
        planted: dict[str, int] = {}
        previous: int | None = None
        for customer in self._seed.customers:
            row = self._customer(customer)
            planted[customer.vendor_id] = row["id"]
            self._contacts(customer, row["id"])
            self._twins(customer, row)
            if previous is not None and self._rng.random() < 0.02:
                row["parentCompany"] = previous
            previous = row["id"]
        self._strangers()
        return planted

    def _definition(self) -> int | None:
        return self._world.find("userDefinedFields", {"caption": REFERENCE_CAPTION})

    def _customer(self, customer: SeedCustomer) -> Row:
        values: dict[str, Any] = {
            "name": self._written(customer.name),
            "identifier": self._identifier(customer.name),
            "status": self._statuses["Active"],
            "types": [self._types["Client"]],
            "addressLine1": customer.street[:50],
            "city": customer.city[:50],
            "state": customer.state[:50] or None,
            "zip": customer.postal_code[:12],
            "country": country_id(self._world, customer.country),
            "phoneNumber": customer.phone[:30],
            "deletedFlag": False,
        }
        if self._rng.random() < 0.85:
            values["website"] = f"https://www.{customer.domain}"
        if self._rng.random() < 0.5:
            values["taxIdentifier"] = customer.tax_id
        if self._reference is not None and self._rng.random() < 0.9:
            reference = f"{self._seed.vendor}:{customer.vendor_id}"
            values["customFields"] = [{"id": self._reference, "value": reference}]
        return self._add("companies", **values)

    def _written(self, name: str) -> str:
        """The name as somebody typed it: without legal form, in capitals."""
        chance = self._rng.random()
        if chance < 0.10:
            return _without_form(name)
        if chance < 0.13:
            return name.upper()
        if chance < 0.16:
            return name.replace("&", "and").replace(".", "")
        return name

    def _identifier(self, name: str) -> str:
        plain = "".join(c for c in name if c.isascii() and c.isalnum())
        base = (plain or "Company")[:IDENTIFIER_LENGTH]
        taken = self._world.tables["companies"]
        candidate, number = base, 2
        while taken.holder("identifier", candidate) is not None:
            tail = str(number)
            candidate, number = base[: IDENTIFIER_LENGTH - len(tail)] + tail, number + 1
        return candidate

    def _contacts(self, customer: SeedCustomer, company_id: int) -> None:
        for number, person in enumerate(customer.contacts):
            row = self._add(
                "contacts",
                firstName=person.first_name[:30],
                lastName=person.last_name[:30],
                company=company_id,
                title=person.role,
                defaultFlag=number == 0,
                inactiveFlag=False,
                communicationItems=[
                    self._item(number * 2 + 1, self._email, person.email, "Email"),
                    self._item(number * 2 + 2, self._phone, person.phone, "Phone"),
                ],
            )
            if number == 0:
                self.first_contact[company_id] = row["id"]
                held = self._world.row("companies", company_id)
                if held is not None:
                    held["defaultContact"] = row["id"]

    def _item(self, number: int, type_id: int, value: str, kind: str) -> dict[str, Any]:
        item: dict[str, Any] = {
            "id": number,
            "type": self._world.reference("communicationTypes", type_id),
            "value": value,
            "defaultFlag": True,
            "communicationType": kind,
        }
        if kind == "Email":
            item["domain"] = "@" + value.rpartition("@")[2]
        return item

    def _twins(self, customer: SeedCustomer, row: Row) -> None:
        """Look-alikes that must not be taken for the customer."""
        chance = self._rng.random()
        if chance < 0.02:
            self._twin(customer.name, row, deletedFlag=True)
        elif chance < 0.04:
            form = self._rng.choice(LEGAL_FORMS)
            name = _without_form(customer.name) + form
            self._twin(name, row, types=[self._types["Prospect"]])

    def _twin(self, name: str, row: Row, **values: Json) -> None:
        base = {
            "name": name,
            "identifier": self._identifier(name),
            "status": self._statuses["Active"],
            "types": [self._types["Client"]],
            "city": row["city"],
            "deletedFlag": False,
        }
        self._add("companies", **{**base, **values})

    def _strangers(self) -> None:
        """Companies the vendor does not know: prospects, vendors, other clients."""
        count = max(3, len(self._seed.customers) // 12)
        kinds = ("Prospect", "Client", "Vendor")
        for number in range(count):
            facts = company(_STRANGERS + number, self._seed.seed)
            kind = kinds[number % len(kinds)]
            status = "Inactive" if number % 7 == 6 else "Active"
            self._add(
                "companies",
                name=facts.name,
                identifier=self._identifier(facts.name),
                status=self._statuses[status],
                types=[self._types[kind]],
                isVendorFlag=kind == "Vendor",
                city=facts.city,
                country=country_id(self._world, facts.country),
                website=f"https://{facts.domain}",
                deletedFlag=False,
            )


def _without_form(name: str) -> str:
    for form in sorted(LEGAL_FORMS, key=len, reverse=True):
        if name.endswith(form):
            return name.removesuffix(form)
    return name
