"""The vendor's data: seeded, in one blob of comma-joined JSON objects.

Any page is a slice of the blob. The quantity stands at a fixed place in every item,
four characters wide, so that a change at the vendor is four bytes overwritten in
place: the truth about every later state is known without parsing anything.
"""

from __future__ import annotations

import contextlib
import json
import random
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xxhash

SEED = 20260315
LAYOUT = 4  # of the files; another number makes them anew
SUBSCRIPTIONS_PER_CUSTOMER = 100
_WIDTH = 4
_MARK = b'"quantity":'

PRODUCTS = 400
_TERMS = ("P1Y", "P1M", "P1Y", "P3Y")
_NOTE = (
    "Seats may be reduced within seven days after the start of each term; the term "
    "renews by itself unless it is told otherwise before its last day."
)


@dataclass(frozen=True, slots=True)
class Data:
    """A generated vendor.

    Attributes:
        blob: File of comma-joined items.
        offsets: Where each item starts; one more for the end (plus a comma).
        places: Where each item's quantity stands.
        quantities: Each item's quantity at the beginning.
        count: Number of subscriptions.
        customers: Number of customers.
    """

    blob: Path
    offsets: np.ndarray
    places: np.ndarray
    quantities: np.ndarray
    count: int
    customers: int


def customers_of(count: int) -> int:
    """How many customers own so many subscriptions."""
    return max(1, count // SUBSCRIPTIONS_PER_CUSTOMER)


def vendor_id(number: int) -> str:
    """The vendor's id of a subscription: a UUID that looks random."""
    text = xxhash.xxh3_128_hexdigest(number.to_bytes(8, "big"), SEED)
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def product_of(number: int, customers: int) -> int:
    """Which product a subscription is of; a customer buys none twice."""
    return (4 * (number // customers) + number % 4) % PRODUCTS


def cents_of(product: int) -> int:
    """What one unit of a product costs, in cents; prices belong to products."""
    return 100 + 100 * (product % 89) + 5 * (product % 20)


def sku_of(product: int) -> str:
    """The vendor's SKU of a product."""
    return f"PROD{product:04}:0001"


def customer_id(number: int) -> str:
    """The vendor's id of a customer."""
    return f"c{number:07}"


def customer_item(number: int) -> bytes:
    """A customer as the vendor lists it."""
    name = f"Customer {number:07} Trading Company"
    return json.dumps(
        {
            "id": customer_id(number),
            "name": name,
            "domain": f"customer{number}.example",
            "email": f"office@customer{number}.example",
            "country": "PT",
            "currency": "EUR",
        },
        separators=(",", ":"),
    ).encode()


def item(number: int, quantity: int, customers: int) -> bytes:
    """A subscription as the vendor lists it: about 1.1 kB, half of it never mapped."""
    term = _TERMS[number % len(_TERMS)]
    product = product_of(number, customers)
    cents = cents_of(product)
    id_ = vendor_id(number)
    owner = customer_id(number % customers)
    day, hour = 1 + number % 28, number % 24
    return (
        f'{{"id":"{id_}","customerId":"{owner}","quantity":{quantity:>{_WIDTH}},'
        f'"unitPrice":{cents // 100}.{cents % 100:02}00,"currency":"EUR",'
        f'"sku":"{sku_of(product)}","productId":"PROD{product:04}",'
        f'"offerName":"Business Suite Plan {product}",'
        f'"friendlyName":"Office {number % 1000}","status":"active",'
        f'"termDuration":"{term}","billingCycle":"monthly","unitType":"Licences",'
        f'"creationDate":"2025-03-{day:02}T{hour:02}:11:12.1234567Z",'
        f'"effectiveStartDate":"2026-01-{day:02}T00:00:00Z",'
        f'"commitmentEndDate":"2027-01-{day:02}T00:00:00Z",'
        f'"changedAt":"2026-02-{day:02}T{hour:02}:30:00Z",'
        f'"autoRenewEnabled":true,"isTrial":false,"hasPurchasableAddons":false,'
        f'"orderId":"{id_[:13]}","publisherName":"Publisher {product % 17}",'
        f'"partnerId":"4{number % 997:06}","promotionId":"PROMO{product:03}",'
        f'"consumptionType":"licence-based","contractType":"subscription",'
        f'"note":"{_NOTE}",'
        f'"links":{{"self":{{"uri":"/customers/{owner}/subscriptions/{id_}",'
        f'"method":"GET","headers":[]}},"offer":{{"uri":"/offers/PROD{product:04}",'
        f'"method":"GET","headers":[]}}}},'
        f'"attributes":{{"objectType":"Subscription","etag":"W/{id_[24:]}"}}}}'
    ).encode()


def quantities_of(count: int) -> np.ndarray:
    """The quantity of every subscription at the beginning."""
    random_numbers = np.random.default_rng(SEED)
    return random_numbers.integers(1, 500, count, dtype=np.int64)


def load(folder: Path, count: int) -> Data:
    """Return the generated data, from its files when they are there."""
    home = folder / f"data-{LAYOUT}-{count}"
    if not (home / "done").exists():
        # Elsewhere first: another run may be making the same files.
        with tempfile.TemporaryDirectory(dir=folder) as made:
            _write(Path(made) / "data", count)
            with contextlib.suppress(OSError):
                (Path(made) / "data").rename(home)
    return Data(
        blob=home / "items.bin",
        offsets=np.load(home / "offsets.npy"),
        places=np.load(home / "places.npy"),
        quantities=quantities_of(count),
        count=count,
        customers=customers_of(count),
    )


def _write(home: Path, count: int) -> None:
    home.mkdir()
    customers = customers_of(count)
    quantities = quantities_of(count).tolist()
    offsets = np.zeros(count + 1, dtype=np.int64)
    places = np.zeros(count, dtype=np.int64)
    position = 0
    with (home / "items.bin").open("wb") as stream:
        for number, quantity in enumerate(quantities):
            data = item(number, quantity, customers)
            offsets[number] = position
            places[number] = position + data.index(_MARK) + len(_MARK)
            stream.write(data)
            stream.write(b",")
            position += len(data) + 1
    offsets[count] = position
    np.save(home / "offsets.npy", offsets)
    np.save(home / "places.npy", places)
    (home / "done").touch()


def changed(count: int, step: int, per_mille: int) -> np.ndarray:
    """Which items change in a step: random, none twice."""
    if per_mille >= 1000:
        return np.arange(count)
    wanted = max(1, count * per_mille // 1000)
    chosen = random.Random(f"{SEED}/{step}").sample(range(count), wanted)
    return np.array(sorted(chosen), dtype=np.int64)


def advance(quantities: np.ndarray, step: int, per_mille: int) -> np.ndarray:
    """Change quantities in place as the vendor does; returns which."""
    places = changed(len(quantities), step, per_mille)
    quantities[places] = quantities[places] % 900 + 1 + step % 7
    return places


def written(quantity: int) -> bytes:
    """A quantity as it stands in the blob."""
    return b"%4d" % quantity


def digest(vendor: str, quantity: int, price: int) -> int:
    """What one row adds to the checksum of a state; the price is scaled by 10^10."""
    return xxhash.xxh3_64_intdigest(f"{vendor}|{quantity}|{price}".encode())


def checksum(quantities: np.ndarray) -> int:
    """The checksum of a whole state; rows may be added in any order."""
    total, customers = 0, customers_of(len(quantities))
    for number, quantity in enumerate(quantities.tolist()):
        price = cents_of(product_of(number, customers)) * 10**8
        total += digest(vendor_id(number), quantity, price)
    return total % 2**64
