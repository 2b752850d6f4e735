"""Channel partners and their customers (§3.1, §6.5)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from entrepot.sdk.simulator import json_response
from werkzeug.wrappers import Request, Response

from entrepot_google.simulator import render
from entrepot_google.simulator.model import Customer, PartnerLink, Wire
from entrepot_google.simulator.refusals import refuse

if TYPE_CHECKING:
    from entrepot_google.simulator.app import GoogleSimulator

_P = "/v1/accounts/<account>/channelPartnerLinks"
_VIEWS = ("", "UNSPECIFIED", "BASIC", "FULL")


class PartnersApi:
    """Partner links, read only; customers of each. Entitlements live elsewhere."""

    def __init__(self, vendor: GoogleSimulator) -> None:
        self._vendor = vendor
        vendor.route("GET", _P, self.links)
        vendor.route("GET", f"{_P}/<link>", self.link)
        vendor.route("GET", f"{_P}/<link>/customers", self.customers)
        vendor.route("GET", f"{_P}/<link>/customers/<customer>", self.customer)
        vendor.action("partners", self.partners)
        vendor.action("set_partner_state", self.set_state)

    def links(self, request: Request, account: str) -> Response:
        """``channelPartnerLinks.list``."""
        vendor = self._vendor
        own = vendor.own(account)
        full = _full(request)
        with vendor.lock:
            every = list(vendor.book.links.values())
            found, rest = vendor.pager.page(request, every, 25, 200)
            shown = [render.link(own, each, full=full) for each in found]
        return _listing("channelPartnerLinks", shown, rest)

    def link(self, request: Request, account: str, link: str) -> Response:
        """``channelPartnerLinks.get``."""
        vendor = self._vendor
        own = vendor.own(account)
        full = _full(request)
        with vendor.lock:
            return json_response(render.link(own, vendor.book.link(link), full=full))

    def customers(self, request: Request, account: str, link: str) -> Response:
        """``channelPartnerLinks.customers.list``."""
        vendor = self._vendor
        own = vendor.own(account)
        with vendor.lock:
            partner = self._open(link)
            every = vendor.book.listed(link)
            ids, rest = vendor.pager.page(request, every, 10, 50)
            found = [vendor.book.customer(each) for each in ids]
            shown = [render.customer(own, each, partner) for each in found]
        return _listing("customers", shown, rest)

    def customer(
        self, request: Request, account: str, link: str, customer: str
    ) -> Response:
        """``channelPartnerLinks.customers.get``."""
        del request
        vendor = self._vendor
        own = vendor.own(account)
        with vendor.lock:
            partner, found = self._open(link), vendor.book.customer(customer)
            _belongs(found, partner)
            return json_response(render.customer(own, found, partner))

    def _open(self, link: str) -> PartnerLink:
        found = self._vendor.book.link(link)
        if found.state == "REVOKED":
            raise refuse("PERMISSION_DENIED", "The relationship was revoked.")
        return found

    # At the vendor

    def partners(self) -> list[Wire]:
        """All channel partners with their state."""
        book = self._vendor.book
        return [{"link": each.id, "state": each.state} for each in book.links.values()]

    def set_state(self, link: str, state: str) -> Wire:
        """A partner accepts its invitation, is suspended or revoked (§6.5)."""
        found = self._vendor.book.links[link]
        found.state = state
        return {"link": link, "state": state}


def _full(request: Request) -> bool:
    view = request.args.get("view", "")
    if view not in _VIEWS:
        raise refuse("INVALID_ARGUMENT", f"Invalid value at 'view': {view!r}.")
    return view == "FULL"


def _belongs(found: Customer, partner: PartnerLink) -> None:
    if found.partner != partner.id:
        raise refuse("NOT_FOUND", f"Customer {found.id} not found.")


def _listing(name: str, shown: Sequence[Wire], rest: dict[str, str]) -> Response:
    body: dict[str, Any] = {**rest}
    if shown:
        body[name] = list(shown)
    return json_response(body)
