"""Tests of connections: good ones, wrong ones, two at once."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from entrepot.sdk import queries as ask
from entrepot.sdk.conformance import checks
from entrepot.sdk.conformance.base import ConformanceBase
from entrepot.sdk.conformance.harness import Harness
from entrepot.sdk.conformance.listings import listings_of, records
from entrepot.sdk.errors import AuthRequired, ConfigInvalid, Retryable
from entrepot.sdk.model import CheckResult, PluginKind
from entrepot.sdk.simulator import Options
from entrepot.sdk.simulator.base import RunningSimulator


class ConnectionConformance(ConformanceBase):
    """Opening, checking and telling connections apart."""

    def test_check_connection_works(self, harness: Harness) -> None:
        """A good connection proves itself and names the account."""
        found = harness.call("check_connection")
        checks.require(isinstance(found, CheckResult), f"returned {found!r}")
        checks.require(found.account_name, "the account has no name")

    def test_wrong_credentials_are_told_apart(
        self, make_harness: Callable[..., Harness]
    ) -> None:
        """Wrong credentials park the connection with a sentence and a remedy."""
        harness = make_harness(change=self.wrong_values)
        with pytest.raises((AuthRequired, ConfigInvalid)) as caught:
            harness.call("check_connection")
        checks.error_helps(caught.value)

    def test_unreachable_host_is_told_apart(
        self, simulator: RunningSimulator, harness: Harness
    ) -> None:
        """A host that does not answer is no matter of credentials."""
        simulator.server.stop()
        with pytest.raises((Retryable, ConfigInvalid)) as caught:
            harness.call("check_connection")
        checks.require(len(caught.value.user_message) > 10, "no sentence")

    def test_two_connections_do_not_mix(
        self, make_harness: Callable[..., Harness]
    ) -> None:
        """Two accounts at once give the same as one after the other."""
        name = listings_of(self.plugin_info())[0]
        size = self.options.customers + 3
        other_options = Options(customers=size, seed=self.options.seed + 1)
        with self.build_simulator(other_options).running() as other:
            first, second = make_harness(), make_harness(other)
            alone = (records(first, name), records(second, name))
            checks.require(alone[0] != alone[1], "both accounts look alike")
            checks.require(first.ctx.runtime is not second.ctx.runtime, "one runtime")
            both = (records(first, name), records(second, name))
            checks.require(alone == both, f"{name} mixes two connections")

    def test_plugin_keeps_no_state(self, harness: Harness) -> None:
        """Nothing of a connection stays in the plugin object."""
        before = repr(getattr(harness.plugin, "__dict__", {}))
        harness.call("check_connection")
        records(harness, listings_of(self.plugin_info())[0])
        after = repr(getattr(harness.plugin, "__dict__", {}))
        checks.require(before == after, f"the plugin object changed: {after}")

    def test_console_links_need_no_request(self, harness: Harness) -> None:
        """Links are made without asking the other side."""
        if not harness.has("get_console_link"):
            return
        kind = "company" if harness.info.kind is PluginKind.PSA else "customer"
        query = ask.GetConsoleLink(kind=kind, object_id="1")
        context, sent = harness.ctx, harness.http.stats.sent
        link = harness.call("get_console_link", query, context)
        checks.require(harness.http.stats.sent == sent, "it made a request")
        fits = link is None or link.startswith("http")
        checks.require(fits, f"{link!r} is no address")
