from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from entrepot.store import JsonText, MoneyTotal, Quantity, Store, UnitPrice, UtcDateTime
from entrepot.store.types import driver_form
from sqlalchemy import Column, Integer, MetaData, Table, func, insert, select

_PROBE = Table(
    "probe",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("total", MoneyTotal),
    Column("price", UnitPrice),
    Column("quantity", Quantity),
    Column("at", UtcDateTime),
    Column("document", JsonText),
)


@pytest.fixture
def probe(store: Store):
    with store.engine.begin() as connection:
        _PROBE.create(connection)
    return store.engine


@pytest.mark.parametrize(
    "value", ["0", "0.10", "12.5", "-0.0001", "922337203685477.5807", "1E+3"]
)
def test_money_survives_the_database(probe, value: str):
    with probe.begin() as connection:
        connection.execute(insert(_PROBE).values(total=Decimal(value)))
        found = connection.scalar(select(_PROBE.c.total))
        assert found == Decimal(value)
        assert isinstance(found, Decimal)


def test_sums_and_comparisons_are_exact(probe):
    with probe.begin() as connection:
        rows = [{"total": Decimal("0.1"), "price": Decimal("0.0000000001")}] * 3
        connection.execute(insert(_PROBE), rows)
        assert connection.scalar(select(func.sum(_PROBE.c.total))) == Decimal("0.3")
        total = connection.scalar(select(func.sum(_PROBE.c.price)))
        assert total == Decimal("0.0000000003")
        above = select(func.count()).where(_PROBE.c.total > Decimal("0.0999"))
        assert connection.scalar(above) == 3


def test_amounts_keep_a_readable_number_of_decimals():
    assert str(MoneyTotal.from_stored(MoneyTotal.to_stored(Decimal("12.5")))) == "12.50"
    assert str(Quantity.from_stored(Quantity.to_stored(100))) == "100"
    assert str(UnitPrice.from_stored(UnitPrice.to_stored(Decimal("1.10")))) == "1.1"
    assert str(Quantity.from_stored(Quantity.to_stored(Decimal("1E+2")))) == "100"


@pytest.mark.parametrize("value", [1.5, "1.5", True, None.__class__])
def test_only_decimals_are_amounts(value: object):
    with pytest.raises(TypeError, match="takes a Decimal"):
        MoneyTotal.to_stored(value)


def test_integers_are_quantities_but_no_money():
    assert Quantity.to_stored(3) == 3 * 10**10
    for kind, value in ((MoneyTotal, 3), (UnitPrice, 3), (Quantity, True)):
        with pytest.raises(TypeError):
            kind.to_stored(value)


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        (MoneyTotal, "0.00001", "has 4 decimals"),
        (UnitPrice, "0.00000000001", "has 10 decimals"),
        (MoneyTotal, "922337203685477.5808", "out of range"),
        (Quantity, "922337204", "out of range"),
        (MoneyTotal, "NaN", "can't be kept"),
        (MoneyTotal, "Infinity", "can't be kept"),
    ],
)
def test_what_does_not_fit_raises(kind, value: str, message: str):
    with pytest.raises(ValueError, match=message):
        kind.to_stored(Decimal(value))


def test_a_float_from_the_database_raises():
    with pytest.raises(TypeError, match="as a float"):
        MoneyTotal.from_stored(1.5)  # type: ignore[arg-type]


def test_products_in_sql_are_refused():
    with pytest.raises(TypeError, match="can't be multiplied"):
        _ = _PROBE.c.total * 2
    with pytest.raises(TypeError, match="can't be multiplied"):
        _ = _PROBE.c.price / _PROBE.c.quantity


def test_moments_sort_and_come_back_in_utc(probe):
    east = timezone(timedelta(hours=14))
    moments = [
        datetime(2026, 1, 1, 0, 0, 0, 1, tzinfo=UTC),
        datetime(2026, 1, 1, 0, 0, tzinfo=UTC),
        datetime(2026, 1, 1, 13, 59, tzinfo=east),
        datetime(1999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    ]
    with probe.begin() as connection:
        connection.execute(insert(_PROBE), [{"at": moment} for moment in moments])
        found = connection.scalars(select(_PROBE.c.at).order_by(_PROBE.c.at)).all()
    assert found == sorted(moments)
    assert all(moment.tzinfo is UTC for moment in found)


def test_naive_moments_raise():
    with pytest.raises(ValueError, match="no time zone"):
        UtcDateTime.to_utc(datetime(2026, 1, 1))  # noqa: DTZ001
    with pytest.raises(TypeError):
        UtcDateTime.to_utc("2026-01-01")  # type: ignore[arg-type]


def test_documents_come_back_and_equal_ones_have_equal_text(probe):
    document = {"b": [1, None, "ü"], "a": {"x": True}}
    with probe.begin() as connection:
        connection.execute(insert(_PROBE).values(document=document))
        assert connection.scalar(select(_PROBE.c.document)) == document
    assert JsonText.dumps({"a": 1, "b": 2}) == JsonText.dumps({"b": 2, "a": 1})
    with pytest.raises(TypeError):
        JsonText.dumps({"amount": Decimal(1)})


def test_driver_form_equals_what_the_orm_writes(probe):
    at = datetime(2026, 1, 1, 12, tzinfo=UTC)
    values = {"total": Decimal("1.5"), "quantity": 2, "at": at, "document": [1]}
    with probe.begin() as connection:
        connection.execute(insert(_PROBE).values(**values))
        mark = "?" if probe.dialect.name == "sqlite" else "%s"
        stored = []
        for name, value in values.items():
            form = driver_form(_PROBE.c[name], probe.dialect)
            stored.append(form(value) if form else value)
        names = ", ".join(values)
        marks = ", ".join([mark] * len(values))
        connection.exec_driver_sql(
            f"INSERT INTO probe ({names}) VALUES ({marks})", tuple(stored)
        )
        first, second = connection.exec_driver_sql(f"SELECT {names} FROM probe").all()
        assert first == second
        moment = UtcDateTime.to_stored(at, probe.dialect.name)
        query = f"SELECT count(*) FROM probe WHERE at = {mark}"
        assert connection.exec_driver_sql(query, (moment,)).scalar() == 2
