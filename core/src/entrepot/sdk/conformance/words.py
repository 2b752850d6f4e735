"""What a simulator is asked to do for the kit, beside the faults it knows."""

from __future__ import annotations

from collections.abc import Mapping

from entrepot.sdk.model import Listing, PluginInfo, PluginKind

WORDS: Mapping[str, str] = {
    "vanish_subscription": "the subscription `subscription_id` of `customer_id` is "
    "gone: no listing has it and reading it says so, or it is shown as ended",
    "rekey_subscription": "the vendor moves the subscription to another id, as an "
    "upgrade does; returns `subscription_id`, the new one",
    "restate_charge": "the vendor corrects the amount of the line `charge_id`; the "
    "line keeps its id",
    "exact_amount": "the fault of that name: amounts are written as `value`",
}
"""Words by name. An author maps them in `play`, or declares them in `exempt`."""


class WordMissing(AssertionError):
    """The simulator cannot do what the kit asks, and nobody said why.

    Args:
        word: One of `WORDS`.
    """

    def __init__(self, word: str) -> None:
        super().__init__(
            f"the simulator has no {word!r} ({WORDS[word]}). Offer an action of that "
            "name, override play(), or declare it in `exempt` with the reason."
        )


def words_of(info: PluginInfo) -> list[str]:
    """The words that make sense for a plugin, by its kind and capabilities."""
    can = info.capabilities
    if info.kind is PluginKind.PSA:
        return ["exact_amount"]
    found = ["exact_amount"]
    if can.subscriptions is not Listing.NONE:
        found += ["vanish_subscription", "rekey_subscription"]
    if can.charges is not Listing.NONE:
        found.append("restate_charge")
    return found
