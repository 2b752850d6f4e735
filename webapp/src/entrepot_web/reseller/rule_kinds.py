"""The kinds of rules: what each decides, and what it asks for."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Any

from entrepot.hub.reconciliation.rules.policy import (
    AgreementMode,
    CostMode,
    OverrideField,
    Owner,
    PriceMode,
)
from flask_babel import lazy_gettext as _
from flask_babel.speaklater import LazyString

from entrepot_web.reseller.rule_forms import RuleField, RuleForm, Words


def _text(name: str, label: LazyString, **more: Any) -> RuleField:  # noqa: ANN401 - fields
    return RuleField(name=name, label=label, **more)


def _number(name: str, label: LazyString, **more: Any) -> RuleField:  # noqa: ANN401 - fields
    return RuleField(name=name, label=label, kind="number", **more)


def _day(name: str, label: LazyString, **more: Any) -> RuleField:  # noqa: ANN401 - fields
    return RuleField(name=name, label=label, kind="date", **more)


def _flag(name: str, label: LazyString) -> RuleField:
    return RuleField(name=name, label=label, kind="flag")


def _parts(name: str, label: LazyString, help: LazyString) -> RuleField:
    return RuleField(name=name, label=label, kind="parts", help=help)


def _choice(name: str, label: LazyString, words: Words, usual: str = "") -> RuleField:
    usual = usual or words[0][0]
    return RuleField(name=name, label=label, kind="words", words=words, usual=usual)


def _words(names: Iterable[StrEnum], *texts: LazyString) -> Words:
    return tuple((str(one), text) for one, text in zip(names, texts, strict=True))


_PRICES = _words(
    PriceMode,
    _("the PSA product's own price"),
    _("cost plus percent"),
    _("margin in percent"),
    _("a fixed amount"),
    _("the vendor's list price"),
    _("keep what the PSA has"),
)
_COSTS = _words(
    CostMode,
    _("the vendor's price"),
    _("the vendor's invoice"),
    _("a fixed amount"),
    _("keep what the PSA has"),
)
_AGREEMENTS = _words(
    AgreementMode,
    _("this agreement"),
    _("the agreement of this type"),
    _("the family of this agreement"),
    _("the only active agreement"),
)
_OWNERS = _words(
    Owner, _("the hub"), _("the PSA system"), _("nobody: from the next period on")
)
_FIELDS = _words(
    OverrideField,
    _("Quantity"),
    _("Unit price"),
    _("Unit cost"),
    _("Billable flag"),
    _("Tax flag"),
    _("End date"),
)

FORMS = (
    RuleForm(
        kind="agreement",
        title=_("Agreement"),
        purpose=_("Under which agreement lines are billed, and how changes reach it."),
        gone=_(
            "Without any such rule, the company's only active agreement is "
            "taken; if there are several, its differences can't be judged."
        ),
        fields=(
            _choice("mode", _("Which agreement"), _AGREEMENTS),
            _text(
                "value",
                _("Id of the agreement or type"),
                help=_("Empty for the only active agreement."),
            ),
            _choice("owner", _("Who charges parts of a period"), _OWNERS),
            _choice(
                "dated_lines",
                _("Dated lines"),
                (
                    ("when_needed", _("when a change needs one")),
                    ("always", _("always")),
                ),
            ),
            _choice(
                "catch_up",
                _("Missed periods"),
                (("charge", _("charge them")), ("report", _("only report them"))),
            ),
            _choice(
                "credit",
                _("Periods charged too much"),
                (("report", _("only report them")), ("charge", _("credit them"))),
            ),
            _flag("preset_cancel_date", _("Write the end date as soon as it is known")),
            _number("max_backdate_periods", _("Closed periods to look at"), usual="1"),
            _flag("create_if_missing", _("Propose an agreement where there is none")),
        ),
    ),
    RuleForm(
        kind="price",
        title=_("Price"),
        purpose=_("Where a line's unit price comes from."),
        gone=_(
            "The next more general price rule holds; without one, prices "
            "stay as the PSA has them."
        ),
        fields=(
            _choice("mode", _("Unit price"), _PRICES, "keep"),
            _number("value", _("Percent or amount")),
            _text("currency", _("Currency of a fixed amount")),
            _number("floor", _("Least margin in percent")),
        ),
    ),
    RuleForm(
        kind="cost",
        title=_("Cost"),
        purpose=_("Where a line's unit cost comes from."),
        gone=_(
            "The next more general cost rule holds; without one, the "
            "vendor's price is the cost."
        ),
        fields=(
            _choice("mode", _("Unit cost"), _COSTS),
            _number("value", _("Amount")),
            _number(
                "spread",
                _("Parts a longer cycle is divided into"),
                usual="0",
                help=_("12 spreads a yearly cost over months."),
            ),
        ),
    ),
    RuleForm(
        kind="fx",
        title=_("Exchange rate"),
        purpose=_("What one currency is worth in another from a day on."),
        gone=_(
            "The latest earlier rate holds; without one, amounts in that "
            "currency can't be compared."
        ),
        fields=(
            _text("source", _("From currency"), required=True),
            _text("to", _("To currency"), required=True),
            _number("rate", _("Rate"), required=True),
            _day("dated", _("From day"), required=True),
        ),
        company="no",
        product="no",
    ),
    RuleForm(
        kind="override",
        title=_("Accepted difference"),
        purpose=_("A value that was agreed although the vendor says otherwise."),
        gone=_("The difference opens again with the next comparison."),
        fields=(
            _choice("field", _("What differs"), _FIELDS),
            _text("value", _("Agreed value"), required=True),
            _text(
                "agreement",
                _("Id of the agreement"),
                help=_("Empty for all of the company."),
            ),
        ),
        company="required",
        product="required",
        reasoned=True,
        dated=True,
    ),
    RuleForm(
        kind="minimum",
        title=_("Agreed minimum"),
        purpose=_("The least quantity that is billed, however few are bought."),
        gone=_(
            "What is bought is expected; a line with the minimum is then "
            "billed too much."
        ),
        fields=(
            _number("quantity", _("Least quantity"), required=True),
            _text(
                "agreement",
                _("Id of the agreement"),
                help=_("Empty for all of the company."),
            ),
            _day("from", _("From day")),
            _day("to", _("Last day")),
        ),
        company="required",
        product="required",
    ),
    RuleForm(
        kind="bundle",
        title=_("Bundle"),
        purpose=_(
            "A PSA product that one vendor product drives while its parts "
            "are only checked."
        ),
        gone=_("The parts are compared as products of their own again."),
        fields=(
            _text(
                "driver", _("Entry of the product map that drives it"), required=True
            ),
            _parts(
                "components",
                _("Parts"),
                help=_("Entry and units of each, such as pmp_1 = 2, pmp_2 = 1."),
            ),
        ),
        company="no",
        product="required",
    ),
    RuleForm(
        kind="limits",
        title=_("Tolerances"),
        purpose=_("How deep comparisons look, and what they wait for or overlook."),
        gone=_("The usual tolerances hold."),
        fields=(
            _choice(
                "level",
                _("Compare"),
                (("1", _("the next invoice")), ("2", _("closed periods as well"))),
            ),
            _number(
                "order_wait_hours", _("Hours to wait for an order of ours"), usual="24"
            ),
            _number(
                "flapping_count",
                _("Changes back and forth until a person is asked"),
                usual="3",
            ),
            _number(
                "quiet_minutes",
                _("Minutes without change before a line is touched"),
                usual="30",
            ),
            _number(
                "fx_percent", _("Tolerance of converted amounts in percent"), usual="1"
            ),
        ),
        company="no",
        product="no",
    ),
    RuleForm(
        kind="auto",
        title=_("Approval without a person"),
        purpose=_(
            "What the hub may write into the PSA by itself, and when even that stops."
        ),
        gone=_("A person approves every correction."),
        fields=(
            _flag("increases", _("Larger quantities")),
            _flag("new_lines", _("New lines")),
            _number("max_percent", _("Largest increase in percent"), usual="20"),
            _number("max_units", _("Largest increase in units"), usual="10"),
            _number("max_impact", _("Largest amount per billing cycle"), usual="250"),
            _number(
                "brake_lines",
                _("Stop when more lines than this change in one run"),
                usual="50",
            ),
            _number(
                "brake_percent",
                _("Stop when more than this percent of lines change"),
                usual="25",
            ),
        ),
        company="no",
        product="no",
    ),
)
BY_KIND = {form.kind: form for form in FORMS}
