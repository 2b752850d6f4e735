"""Ledgerline on this machine."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, ClassVar

import msgspec
from entrepot.sdk.simulator import Options, Quota, Simulator, company, json_response
from werkzeug.wrappers import Request, Response

ARTICLES = (
    {"id": "a-1", "code": "SEAT-BASIC", "title": "Basic", "price": 5, "cost": 4},
    {"id": "a-2", "code": "SEAT-PRO", "title": "Pro", "price": 15.5, "cost": 12.5},
    {"id": "a-3", "code": "CARE", "title": "Care hour", "price": 95, "cost": 0},
)
FIELDS = {"article", "amount", "price", "text", "since", "until", "billed", "reference"}


class LedgerlineSimulator(Simulator):
    """Firms, contracts, positions and tickets behind an API key."""

    name = "ledgerline"
    amount_fields: ClassVar = frozenset({"price", "cost"})
    quotas: ClassVar = {
        "real": {"api": Quota(limit=300, window=60)},
        "test": {"api": Quota(limit=20, window=1)},
    }

    def __init__(self, options: Options | None = None) -> None:
        super().__init__(options)
        self.api_key = f"ledgerline-key-{self.options.seed}"
        self.firms: dict[str, dict[str, Any]] = {}
        self.contracts: dict[str, dict[str, Any]] = {}
        self.positions: dict[str, dict[str, Any]] = {}
        self.tickets: dict[str, dict[str, Any]] = {}
        self._numbers = 0
        self._plant()
        contract = "/api/contracts/<contract>"
        self.route("GET", "/api/office", self._office)
        self.route("GET", "/api/firms", self._firms)
        self.route("GET", "/api/firms/<firm>/contracts", self._contracts_of)
        self.route("GET", "/api/articles", self._articles)
        self.route("GET", "/api/contracts", self._contracts)
        self.route("GET", f"{contract}/closing", self._closing)
        self.route("GET", f"{contract}/positions", self._positions)
        self.route("POST", f"{contract}/positions", self._add)
        self.route("GET PATCH DELETE", f"{contract}/positions/<position>", self._one)
        self.route("GET", "/api/tickets", self._tickets)
        self.route("POST", "/api/tickets", self._open_ticket)
        self.route("POST", "/api/tickets/<ticket>/notes", self._note)
        self.action("change_amount", self.change_amount)

    # What a tester can do "at the PSA"

    def connection_settings(self) -> dict[str, str]:
        """The settings of a connection to this simulator; an action as well."""
        return {"address": self.base_url, "api_key": self.api_key}

    def change_amount(self, position: str, amount: int) -> dict[str, Any]:
        """Somebody changes a line in Ledgerline's console."""
        return self._store(position, {"amount": amount})

    # What the base asks

    def quota_keys(self, request: Request) -> Sequence[tuple[str, str]]:
        """Every call counts for the one tenant."""
        return (("api", "office"),)

    def authorize(self, request: Request) -> Response | None:
        """Ledgerline wants its key in every call."""
        if request.headers.get("Authorization") == f"Bearer {self.api_key}":
            return None
        return json_response({"code": "unauthorized", "text": "Unknown key."}, 401)

    def finish(self, request: Request, response: Response) -> Response:
        """Ledgerline numbers its answers."""
        number = f"req-{self.random.getrandbits(32):08x}"
        response.headers["X-Ledgerline-Request"] = number
        return response

    def summary(self) -> dict[str, Any]:
        """The state in numbers."""
        return {"firms": len(self.firms), "positions": len(self.positions)}

    # Reading

    def _office(self, request: Request) -> Response:
        seed = self.options.seed
        facts = {"name": f"Example Reseller {seed}", "currency": "EUR"}
        return json_response({**facts, "zone": "Europe/Berlin"})

    def _firms(self, request: Request) -> Response:
        return self._page(request, list(self.firms.values()))

    def _articles(self, request: Request) -> Response:
        return self._page(request, ARTICLES)

    def _contracts(self, request: Request) -> Response:
        return self._page(request, self._shown(request, list(self.contracts.values())))

    def _contracts_of(self, request: Request, firm: str) -> Response:
        own = [one for one in self.contracts.values() if one["firm"] == firm]
        return self._page(request, self._shown(request, own))

    def _shown(
        self, request: Request, found: list[dict[str, Any]]
    ) -> list[dict[str, Any]]:
        strange = self.struck(request).get("unknown_enum")
        if strange is None:
            return found
        return [{**one, "state": strange.value} for one in found]

    def _closing(self, request: Request, contract: str) -> Response:
        if contract not in self.contracts:
            return self.missing(request)
        first = self.clock.now().date().replace(day=1)
        return json_response({"through": None, "next": first})

    def _positions(self, request: Request, contract: str) -> Response:
        if contract not in self.contracts:
            return self.missing(request)
        own = [one for one in self.positions.values() if one["contract"] == contract]
        return self._page(request, own)

    def _page(self, request: Request, items: Sequence[object]) -> Response:
        size = min(request.args.get("limit", 100, int), 100)
        asked = request.args.get("after", 0, int)
        start = self.shift_page(request, asked, size)
        following = start + size if start + size < len(items) else None
        return json_response(
            {
                "items": items[start : start + size],
                "next": None if following is None else str(following),
            }
        )

    # Writing

    def _one(self, request: Request, contract: str, position: str) -> Response:
        with self.lock:
            found = self.positions.get(position)
            if found is None or found["contract"] != contract:
                return self.missing(request)
            if request.method == "GET":
                return json_response(found)
            expected = request.headers.get("If-Match")
            if expected not in (None, str(found["version"])):
                return json_response({"code": "changed", "text": "It changed."}, 409)
            if request.method == "DELETE":
                del self.positions[position]
                return json_response({}, 200)
            refusal = _refusal(_body(request))
            if refusal is not None:
                return refusal
            return json_response(self._store(position, _body(request)))

    def _add(self, request: Request, contract: str) -> Response:
        with self.lock:
            body = _body(request)
            refusal = _refusal(body)
            if contract not in self.contracts:
                return self.missing(request)
            if refusal is not None:
                return refusal
            return json_response(self._new(contract, body), 201)

    def _tickets(self, request: Request) -> Response:
        wanted = request.args.get("reference", "")
        found = [t for t in self.tickets.values() if t["reference"] == wanted]
        return json_response(found)

    def _open_ticket(self, request: Request) -> Response:
        with self.lock:
            made = {"id": self._number("t"), "notes": [], **_body(request)}
            self.tickets[made["id"]] = made
            return json_response(made, 201)

    def _note(self, request: Request, ticket: str) -> Response:
        with self.lock:
            if ticket not in self.tickets:
                return self.missing(request)
            self.tickets[ticket]["notes"].append(_body(request)["text"])
            return json_response({}, 201)

    # The books

    def _new(self, contract: str, body: dict[str, Any]) -> dict[str, Any]:
        made = {
            "id": self._number("p"),
            "contract": contract,
            "firm": self.contracts[contract]["firm"],
            "text": "",
            "billed": True,
            "version": 0,
            "reference": "",
        }
        self.positions[made["id"]] = made
        return self._store(made["id"], body)

    def _store(self, position: str, body: dict[str, Any]) -> dict[str, Any]:
        found = self.positions[position]
        found.update({name: body[name] for name in FIELDS & body.keys()})
        found["version"] += 1
        found["changed"] = self.clock.now()
        return found

    def _number(self, kind: str) -> str:
        self._numbers += 1
        return f"{kind}-{self._numbers}"

    def _plant(self) -> None:
        for number in range(self.options.customers):
            facts = company(number, self.options.seed)
            firm = f"f-{self.options.seed}-{number:05}"
            self.firms[firm] = {
                "id": firm,
                "name": facts.name,
                "kind": "customer",
                "domain": facts.domain,
                "vat": facts.tax_id,
            }
            contract = f"c-{self.options.seed}-{number:05}"
            self.contracts[contract] = {
                "id": contract,
                "firm": firm,
                "title": f"Cloud for {facts.name}",
                "state": "running",
                "begins": date(2026, 1, 1),
            }
            for place in range(6 + number % 3):
                self._plant_line(contract, ARTICLES[place % len(ARTICLES)])

    def _plant_line(self, contract: str, article: dict[str, Any]) -> None:
        self._new(
            contract,
            {
                "article": article["id"],
                "amount": self.random.randint(1, 40),
                "price": article["price"],
                "text": article["title"],
                "since": date(2026, 1, 1),
            },
        )


def _body(request: Request) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(request.get_data())
    return found


def _refusal(body: dict[str, Any]) -> Response | None:
    known = {article["id"] for article in ARTICLES}
    if "article" in body and body["article"] not in known:
        return json_response({"code": "article", "text": "No such article."}, 422)
    return None


def build_simulator(options: Options) -> LedgerlineSimulator:
    """The entry point of the group `entrepot.simulators`."""
    return LedgerlineSimulator(options)
