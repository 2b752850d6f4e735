"""How a plugin's own attributes of a subscription are laid out for people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from entrepot.sdk.model import PanelPlace, SubscriptionPanel


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownField:
    """A label with its value."""

    label: str
    value: str
    code: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownPanel:
    """A group of labels with values; never empty."""

    name: str
    title: str
    fields: tuple[ShownField, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Everything that a subscription's attributes tell.

    Attributes:
        additional: Labelled fields without a panel of their own, then what no panel
            names, with a label made of its key.
        entitlements: What the subscription gives a right to.
        tabs: Further groups, in the plugin's order.
    """

    additional: tuple[ShownField, ...] = ()
    entitlements: tuple[ShownPanel, ...] = ()
    tabs: tuple[ShownPanel, ...] = ()


def laid_out(
    panels: Iterable[SubscriptionPanel], product_id: str, attributes: Mapping[str, str]
) -> Layout:
    """Attributes in the panels that are for this product and have something to show.

    Args:
        panels: The plugin's.
        product_id: The subscription's.
        attributes: The subscription's; empty values are passed over.
    """
    given = {key: value for key, value in attributes.items() if value}
    shown = [
        (panel, found)
        for panel in panels
        if _meant_for(panel, product_id) and (found := _filled(panel, given))
    ]
    named = {item.attribute for panel, _ in shown for item in panel.fields}
    rest = [
        ShownField(label=key.replace("_", " ").capitalize(), value=str(value))
        for key, value in given.items()
        if key not in named
    ]
    first = [
        item
        for panel, found in shown
        if panel.place is PanelPlace.ADDITIONAL
        for item in found.fields
    ]
    return Layout(
        additional=(*first, *rest),
        entitlements=_at(shown, PanelPlace.ENTITLEMENTS),
        tabs=_at(shown, PanelPlace.TAB),
    )


def _at(
    shown: Iterable[tuple[SubscriptionPanel, ShownPanel]], place: PanelPlace
) -> tuple[ShownPanel, ...]:
    return tuple(found for panel, found in shown if panel.place is place)


def _meant_for(panel: SubscriptionPanel, product_id: str) -> bool:
    return not panel.products or product_id.startswith(panel.products)


def _filled(panel: SubscriptionPanel, given: Mapping[str, str]) -> ShownPanel | None:
    fields = tuple(
        ShownField(label=one.label, value=str(given[one.attribute]), code=one.code)
        for one in panel.fields
        if one.attribute in given
    )
    return (
        ShownPanel(name=panel.name, title=panel.title, fields=fields)
        if fields
        else None
    )
