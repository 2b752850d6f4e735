"""Checks as plain functions: each returns when all is well, else raises."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum

from entrepot.sdk import hookspecs
from entrepot.sdk.conformance.harness import Harness
from entrepot.sdk.conformance.listings import identity, pages, records, scopes
from entrepot.sdk.errors import EntrepotError
from entrepot.sdk.model import (
    Listing,
    MatchingVocabulary,
    Money,
    PluginInfo,
    PluginKind,
)
from entrepot.sdk.redaction import is_secret_name
from entrepot.sdk.settings import setting_infos

SMALL_PAGE = 5
DAY = timedelta(days=1)
EVERYBODY = (
    "open_connection",
    "close_connection",
    "check_connection",
    "list_changes",
    "receive_notification",
    "register_notifications",
    "get_console_link",
    "list_contacts",
    "matching_vocabulary",
)
VENDOR = (
    "list_customers",
    "get_customer",
    "list_offers",
    "list_subscriptions",
    "get_subscription",
    "list_orders",
    "list_usage",
    "list_charges",
)
OPTIONAL = ("take_file",)
"""Hooks of vendors that need no gap where they are missing."""
PSA = (
    "list_companies",
    "list_products",
    "list_agreements",
    "list_agreement_lines",
    "get_agreement_line",
    "get_billing_lock",
    "plan_line_changes",
    "apply_line_change",
    "find_line",
    "create_ticket",
)
_CURRENCY = re.compile(r"[A-Z]{3}")


class HookMissing(AssertionError):
    """A hook of the plugin's side that it does not implement."""


def require(condition: object, message: str) -> None:
    """Return when the condition holds.

    Raises:
        AssertionError: it does not; with the message.
    """
    if not condition:
        raise AssertionError(message)


def expected_hooks(kind: PluginKind) -> tuple[str, ...]:
    """The hooks of a side; those a plugin lacks must be declared as gaps."""
    side = {PluginKind.VENDOR: VENDOR, PluginKind.PSA: PSA}.get(kind, ())
    return EVERYBODY + side


def hook_is_implemented(harness: Harness, hook: str) -> None:
    """The plugin implements the hook.

    Raises:
        HookMissing: it does not.
    """
    if not harness.has(hook):
        raise HookMissing(f"{hook} is neither implemented nor declared as a gap")


def info_is_complete(info: PluginInfo, name: str) -> None:
    """Name, version, API, hosts, quotas and gaps make sense."""
    require(info.name == name, f"name is {info.name!r}, the entry point {name!r}")
    require(info.title and info.version, "title and version must be filled in")
    require(info.api[0] == hookspecs.PLUGIN_API[0], f"plugin API {info.api}")
    require(info.api <= hookspecs.PLUGIN_API, f"plugin API {info.api} is too new")
    adds = any(i.adds_host for i in setting_infos(info.settings_type).values())
    require(info.host_patterns or adds, "no host_patterns and no adds_host setting")
    require("*" not in info.host_patterns, "host_patterns must not allow everything")
    names = [quota.name for quota in info.quotas]
    require(names, "quotas must hold the vendor's documented limit")
    require(len(names) == len(set(names)), "two quotas have one name")
    for quota in info.quotas:
        require(quota.requests > 0 and quota.seconds > 0, f"quota {quota.name}")
        require(quota.burst > 0 and quota.concurrency > 0, f"quota {quota.name}")
    for gap in info.gaps:
        # It may name a hook that is planned; a mistyped one leaves its hook
        # undeclared, which test_hook_or_gap notices.
        require(gap.hook.isidentifier(), f"gap {gap.hook!r} names no hook")
        require(gap.text.strip(), f"gap {gap.hook} must say why")


def capabilities_match_hooks(harness: Harness) -> None:
    """A capability that is promised has its hook, and the other way round."""
    can = harness.info.capabilities
    listed = {
        "list_subscriptions": can.subscriptions,
        "list_orders": can.orders,
        "list_contacts": can.contacts,
        "list_usage": can.usage,
        "list_charges": can.charges,
        "list_agreement_lines": can.lines,
    }
    promised = {hook: how is not Listing.NONE for hook, how in listed.items()}
    promised["list_changes"] = can.change_feed
    promised["receive_notification"] = can.notifications
    for hook, said in promised.items():
        has = harness.has(hook)
        message = "is promised but not there" if said else "is there but not promised"
        require(said == has, f"{hook} {message} by the capabilities")


def vocabulary_is_plain(words: object) -> None:
    """The vendor's vocabulary is made of texts that are not empty."""
    require(isinstance(words, MatchingVocabulary), f"returned {words!r}")
    for path, value in _values(words, "MatchingVocabulary"):
        require(value != "", f"{path} is empty")


def usage_lies_in_its_period(harness: Harness) -> None:
    """A line of usage begins in the period it is listed for, time zones aside."""
    for scope in scopes(harness, "list_usage"):
        period = scope["period"]
        first, last = period.start - DAY, period.end + DAY
        for page in pages(harness, "list_usage", **scope):
            for line in page.records():
                began = line.starts_at.date()
                fits = first <= began < last
                require(fits, f"{line.vendor_id} of {period} began on {began}")


def settings_mark_secrets(info: PluginInfo) -> None:
    """Settings whose names speak of secrets are flagged, and repr hides them."""
    infos = setting_infos(info.settings_type)
    for name, setting in infos.items():
        require(setting.label != name, f"setting {name} needs a label for people")
        if is_secret_name(name):
            require(setting.secret, f"setting {name} must be flagged secret=True")
    secret = {name: f"planted-{name}" for name, i in infos.items() if i.secret}
    plain = {
        item.name: "x"
        for item in fields(info.settings_type)
        if item.name not in secret
        and item.default is MISSING
        and item.default_factory is MISSING
    }
    shown = repr(info.settings_type(**plain, **secret))
    for value in secret.values():
        require(value not in shown, f"repr of the settings shows {value}")


def listing_ends_and_repeats(harness: Harness, name: str) -> None:
    """Two walks give the same ids in the same order, each once; big pages too."""
    small = [identity(name, r) for r in records(harness, name, page_size=SMALL_PAGE)]
    again = [identity(name, r) for r in records(harness, name, page_size=SMALL_PAGE)]
    large = [identity(name, r) for r in records(harness, name)]
    require(small, f"{name} lists nothing; give the simulator something to list")
    require(all(small), f"{name}: a record has no identity")
    require(len(set(small)) == len(small), f"{name} lists a record twice")
    require(small == again, f"{name} gives another order at the second walk")
    require(sorted(small) == sorted(large), f"{name} depends on the page size")


def ids_are_stable(first: Harness, second: Harness, name: str) -> None:
    """Two connections to one account see the same ids."""
    one = {identity(name, record) for record in records(first, name)}
    two = {identity(name, record) for record in records(second, name)}
    require(one == two, f"{name}: ids differ between two syncs: {sorted(one ^ two)}")


def listing_resumes(harness: Harness, name: str) -> None:
    """A cursor works in a fresh context, as after a restart of the process."""
    for scope in scopes(harness, name):
        whole = list(pages(harness, name, page_size=SMALL_PAGE, **scope))
        for number, page in enumerate(whole[:-1][:2]):
            rest = pages(
                harness,
                name,
                ctx=harness.fresh_context(),
                cursor=page.next_cursor,
                page_size=SMALL_PAGE,
                **scope,
            )
            found = [identity(name, r) for p in rest for r in p.records()]
            wanted = [
                identity(name, r) for p in whole[number + 1 :] for r in p.records()
            ]
            require(found == wanted, f"{name} does not resume at page {number + 1}")


def raw_equals_items(harness: Harness, name: str) -> None:
    """The raw form gives the same records, and hashes that stay."""
    plain = {identity(name, r): r for r in records(harness, name)}
    hashed: list[set[bytes]] = []
    for _ in range(2):
        found = set()
        for scope in scopes(harness, name):
            for page in pages(harness, name, raw=True, **scope):
                for record in page.records():
                    same = plain.get(identity(name, record)) == record
                    require(same, f"{name}: raw and items differ for {record}")
                if page.raw is not None:
                    require(not page.items, f"{name}: both items and raw are filled")
                    require(page.raw.mapping_version, f"{name}: no mapping_version")
                    found |= {page.raw.hash_input(item) for item in page.raw.items}
        hashed.append(found)
    require(hashed[0] == hashed[1], f"{name}: what is hashed differs at each listing")


def facts_are_exact(found: Iterable[object]) -> None:
    """Numbers are Decimal, amounts have a currency, moments a time zone."""
    for record in found:
        for path, value in _values(record, type(record).__name__):
            require(not isinstance(value, float), f"{path} is a float")
            if isinstance(value, Decimal):
                require(value.is_finite(), f"{path} is {value}")
            if isinstance(value, datetime):
                require(value.tzinfo is not None, f"{path} has no time zone")
                zero = value.utcoffset()
                require(zero is not None and not zero, f"{path} is not in UTC")
            if isinstance(value, Money):
                require(_CURRENCY.fullmatch(value.currency), f"{path}: {value}")
        _amounts_have_currency(record)


def unknown_words_are_kept(found: Iterable[object], word: str) -> None:
    """A word nobody knows becomes `unknown` and stays readable."""
    kept = [
        (record, ours)
        for record in found
        for theirs, ours in (("vendor_status", "status"), ("vendor_kind", "kind"))
        if getattr(record, theirs, None) == word
    ]
    require(kept, f"no record kept the vendor's word {word!r} in vendor_status")
    for record, ours in kept:
        status: object = getattr(record, ours, None)
        shown = status.value if isinstance(status, Enum) else status
        require(shown == "unknown", f"{word!r} was read as {shown!r}")


def amount_is_kept(found: Iterable[object], amount: Decimal) -> None:
    """Some number of some record is exactly the amount the simulator wrote."""
    numbers = {
        value
        for record in found
        for _, value in _values(record, "")
        if isinstance(value, Decimal)
    }
    near = sorted(n for n in numbers if n != amount and abs(n - amount) < 1)
    require(not near, f"{amount} was sent, {near[:1]} is told: read through a float?")
    require(
        amount in numbers,
        f"no record has the amount {amount}: name the members that hold amounts in "
        "the simulator's `amount_fields`, or implement the fault exact_amount",
    )


def nothing_leaks(texts: Iterable[str], secrets: Iterable[str]) -> None:
    """No secret stands in any of the texts."""
    planted = [secret for secret in secrets if len(secret) > 3]
    for text in texts:
        for number, secret in enumerate(planted):
            if secret in text:
                at = text.index(secret)
                near = text[max(0, at - 60) : at]
                raise AssertionError(f"secret {number} leaked after: …{near}")


def error_texts(error: EntrepotError) -> tuple[str, ...]:
    """Everything an error would show or store."""
    return (str(error), repr(error), repr(error.info))


def error_helps(error: EntrepotError) -> None:
    """An error has a code, a sentence and something to do."""
    info = error.info
    require(info.code and " " not in info.code, f"code {info.code!r} is no word")
    require(len(info.user_message) > 10, f"no sentence: {info.user_message!r}")
    require(info.remedy, f"{info.code} has no remedy")


def _amounts_have_currency(record: object) -> None:
    for name in ("unit_cost", "unit_price", "list_price"):
        if isinstance(getattr(record, name, None), Decimal):  # Money has its own
            currency = getattr(record, "currency", None)
            kind = type(record).__name__
            # Empty stands for "the agreement's" where the other side keeps it there.
            fits = currency == "" or _CURRENCY.fullmatch(str(currency))
            require(fits, f"{kind}.{name} has the currency {currency!r}")


def _values(value: object, path: str) -> Iterator[tuple[str, object]]:
    yield path, value
    if is_dataclass(value) and not isinstance(value, type):
        for item in fields(value):
            yield from _values(getattr(value, item.name), f"{path}.{item.name}")
    elif isinstance(value, Mapping):
        for key, entry in value.items():
            yield from _values(entry, f"{path}[{key!r}]")
    elif isinstance(value, tuple | list):
        for number, entry in enumerate(value):
            yield from _values(entry, f"{path}[{number}]")
