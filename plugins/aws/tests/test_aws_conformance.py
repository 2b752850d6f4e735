"""The promises that every plugin makes."""

from __future__ import annotations

import csv
import io
from decimal import Decimal
from typing import ClassVar

from entrepot.sdk.conformance import PluginConformance
from entrepot.sdk.simulator import Options
from entrepot_aws.mapping.charges import digest, line_id


class TestAwsConformance(PluginConformance):
    plugin_name = "aws"
    options = Options(customers=5, subscriptions=24)
    data_paths = "^/"
    exempt: ClassVar = {
        "rekey_subscription": "accounts and transfers keep their ids, agreements are "
        "known by the first one of their chain",
    }

    def connect(self, simulator, base_url):
        return {**simulator.connection_settings(), "endpoint_url": base_url}

    def play(self, simulator, word, **arguments):
        if word == "vanish_subscription":
            hand_over(simulator.book, arguments["subscription_id"])
        if word != "restate_charge":
            return super().play(simulator, word, **arguments)
        month = arguments["charge_id"].split(":")[1]
        for line in simulator.costs.lines(month, simulator.clock.now()):
            if line_of(simulator, month, line) == arguments["charge_id"]:
                simulator.costs.factors[month, line.key] = Decimal("0.5")
                simulator.costs.version += 1
                return {}
        raise AssertionError(f"no line is {arguments['charge_id']}")


def hand_over(book, account):
    """What an account bought goes to another one: it shall vanish alone."""
    unit = book.units[book.accounts[account].unit]
    heir = next(each for each in unit.accounts if each != account)
    for held in (book.bought, book.plans):
        held.setdefault(heir, []).extend(held.pop(account, []))
    for agreement in book.bought[heir]:
        book.agreements[agreement].account = heir


def line_of(simulator, month, line):
    """The id under which the plugin tells a line of the export."""
    text = simulator.exporter.csv(simulator.costs, month, [line], simulator.clock.now())
    row = next(csv.DictReader(io.StringIO(text.decode())))
    return line_id(month, digest(row, month), 1)
