"""Records with the quick ``__init__`` behave as any frozen dataclass."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

import pytest
from entrepot.sdk.model import Subscription, SubscriptionStatus
from entrepot.sdk.model.quick import quick

NAIVE = datetime(2026, 3, 1)  # noqa: DTZ001 - that is the point


@dataclass(frozen=True, slots=True, kw_only=True)
class Plain:
    name: str
    count: int = 3
    tags: dict = field(default_factory=dict)

    def __post_init__(self):
        if self.count < 0:
            raise ValueError("count must not be negative")


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Quick:
    name: str
    count: int = 3
    tags: dict = field(default_factory=dict)

    def __post_init__(self):
        if self.count < 0:
            raise ValueError("count must not be negative")


def test_defaults_and_signature_are_the_dataclass_s_own():
    one, two = Quick(name="a"), Quick(name="a")
    assert one == two
    assert (one.count, one.tags) == (3, {})
    assert one.tags is not two.tags
    assert inspect.signature(Quick) == inspect.signature(Plain)
    assert repr(one) == repr(Plain(name="a")).replace("Plain", "Quick")


def test_a_finished_record_is_frozen():
    one = Quick(name="a")
    assert type(one) is Quick
    with pytest.raises(dataclasses.FrozenInstanceError):
        one.name = "b"
    with pytest.raises((AttributeError, TypeError)):
        one.other = 1


@pytest.mark.parametrize("given", [{}, {"name": "a", "unknown": 1}])
def test_wrong_arguments_are_refused(given):
    with pytest.raises(TypeError):
        Quick(**given)


def test_the_record_s_own_check_still_runs():
    with pytest.raises(ValueError, match="negative"):
        Quick(name="a", count=-1)


@pytest.mark.parametrize(
    "copied",
    [
        copy.copy,
        copy.deepcopy,
        dataclasses.replace,
        lambda one: pickle.loads(pickle.dumps(one)),
    ],
)
def test_copies_are_equal_and_frozen(copied):
    one = Quick(name="a", tags={"b": "c"})
    other = copied(one)
    assert other == one
    assert type(other) is Quick
    assert dataclasses.asdict(other) == {"name": "a", "count": 3, "tags": {"b": "c"}}


def test_other_classes_are_refused():
    @dataclass(frozen=True)
    class Positional:
        name: str

    with pytest.raises(TypeError, match="keyword-only"):
        quick(Positional)


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"quantity": 3}, TypeError),
        ({"unit_cost": 1.5}, TypeError),
        ({"changed_at": NAIVE}, ValueError),
        ({"cancellable_until": NAIVE}, ValueError),
    ],
)
def test_a_subscription_refuses_floats_and_naive_moments(wrong, error):
    given = {
        "vendor_id": "1",
        "customer_id": "2",
        "sku": "s",
        "name": "n",
        "quantity": Decimal(3),
        "status": SubscriptionStatus.ACTIVE,
        **wrong,
    }
    with pytest.raises(error, match=next(iter(wrong))):
        Subscription(**given)
