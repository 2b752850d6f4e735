"""What is searched of an order is written with it, and fits an index."""

from decimal import Decimal

from entrepot.hub.subscriptions.order_text import SEARCHED
from entrepot.hub.sync.values import ORDER_COLUMNS, order_values
from entrepot.sdk.model import BillingCycle, OrderStatus, VendorOrder, VendorOrderLine


def text_of(name: str) -> str:
    line = VendorOrderLine(
        sku="SKU-7",
        name=name,
        quantity=Decimal(1),
        billing_cycle=BillingCycle.MONTHLY,
    )
    order = VendorOrder(
        vendor_id="O-1",
        customer_id="c1",
        status=OrderStatus.COMPLETED,
        vendor_status="Done",
        reference="PO  9",
        lines=(line, line),
        attributes={"operator": "Ana@X.example", "other": "hidden"},
    )
    return order_values(order)[ORDER_COLUMNS.index("search_text")]


def test_an_orders_words_are_folded() -> None:
    assert text_of("Suite") == "o-1\npo 9\ndone\nsuite sku-7 suite sku-7 ana@x.example"
    assert "edicao sku-7" in text_of("Edi\u00e7\u00e3o")


def test_a_long_order_is_cut_and_says_so() -> None:
    assert len(text_of("x" * SEARCHED)) == SEARCHED + 1
    assert len(text_of("x" * 9_000)) == SEARCHED + 1
