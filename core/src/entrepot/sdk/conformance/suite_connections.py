"""Tests of connections: good ones, wrong ones, two at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from entrepot.sdk import queries as ask
from entrepot.sdk.conformance import checks
from entrepot.sdk.conformance.base import ConformanceBase
from entrepot.sdk.conformance.harness import Harness
from entrepot.sdk.conformance.listings import listings_of, records
from entrepot.sdk.errors import (
    AuthRequired,
    ConfigInvalid,
    Rejected,
    Retryable,
    Unsupported,
)
from entrepot.sdk.model import CheckResult, NotificationRegistration, PluginKind
from entrepot.sdk.simulator import Options
from entrepot.sdk.simulator.base import RunningSimulator


class ConnectionConformance(ConformanceBase):
    """Opening, checking and telling connections apart."""

    def test_check_connection_works(self, reader: Harness) -> None:
        """A good connection proves itself and names the account."""
        found = reader.call("check_connection")
        checks.require(isinstance(found, CheckResult), f"returned {found!r}")
        checks.require(found.account_name, "the account has no name")

    def test_wrong_credentials_are_told_apart(
        self, make_harness: Callable[..., Harness], still: RunningSimulator
    ) -> None:
        """Wrong credentials park the connection with a sentence and a remedy."""
        harness = make_harness(still, change=self.wrong_values)
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
        self, make_harness: Callable[..., Harness], still: RunningSimulator
    ) -> None:
        """Two accounts at once give the same as one after the other."""
        name = listings_of(self.plugin_info())[0]
        size = self.options.customers + 3
        other_options = Options(customers=size, seed=self.options.seed + 1)
        with self.build_simulator(other_options).running() as other:
            first, second = make_harness(still), make_harness(other)
            alone = (records(first, name), records(second, name))
            checks.require(alone[0] != alone[1], "both accounts look alike")
            checks.require(first.ctx.runtime is not second.ctx.runtime, "one runtime")
            both = (records(first, name), records(second, name))
            checks.require(alone == both, f"{name} mixes two connections")

    def test_plugin_keeps_no_state(self, reader: Harness) -> None:
        """Nothing of a connection stays in the plugin object."""
        before = repr(getattr(reader.plugin, "__dict__", {}))
        reader.call("check_connection")
        records(reader, listings_of(self.plugin_info())[0])
        after = repr(getattr(reader.plugin, "__dict__", {}))
        checks.require(before == after, f"the plugin object changed: {after}")

    def test_console_links_need_no_request(self, reader: Harness) -> None:
        """Links are made without asking the other side."""
        if not reader.has("get_console_link"):
            return
        kind = "company" if reader.info.kind is PluginKind.PSA else "customer"
        query = ask.GetConsoleLink(kind=kind, object_id="1")
        context, sent = reader.ctx, reader.http.stats.sent
        link = reader.call("get_console_link", query, context)
        checks.require(reader.http.stats.sent == sent, "it made a request")
        fits = link is None or link.startswith("http")
        checks.require(fits, f"{link!r} is no address")

    @pytest.mark.parametrize("minutes", [-10, 10])
    def test_clock_skew_changes_no_fact(
        self,
        make_harness: Callable[..., Harness],
        still: RunningSimulator,
        minutes: int,
    ) -> None:
        """A clock of ours that is wrong gives the same facts, or a clear refusal."""
        name = listings_of(self.plugin_info())[0]
        wanted = records(make_harness(still), name)
        harness = make_harness(still, skew=timedelta(minutes=minutes))
        try:
            harness.call("check_connection")
            found = records(harness, name)
        except (AuthRequired, ConfigInvalid) as refusal:
            checks.error_helps(refusal)
            return
        checks.require(found == wanted, f"{name} differs when our clock is wrong")

    def test_forged_notification_is_rejected(self, reader: Harness) -> None:
        """What anybody could have sent is Rejected, and no hint is taken from it."""
        if not reader.has("receive_notification"):
            return
        for body in (b"", b"{}", b'{"id": 1}', b"\xff\x00"):
            query = ask.ReceiveNotification(
                method="POST",
                headers={"content-type": "application/json"},
                query={},
                body=body,
                received_at=reader.ctx.clock.now(),
            )
            with pytest.raises(Rejected):
                reader.call("receive_notification", query)

    def test_registration_is_idempotent(self, harness: Harness) -> None:
        """Registering for notifications twice is registering once."""
        if not harness.has("register_notifications"):
            return
        command = ask.RegisterNotifications(url=harness.ctx.notification_url)
        found = []
        for _ in range(3):
            try:
                found.append(harness.call("register_notifications", command))
            except Unsupported as refusal:
                checks.error_helps(refusal)
                return
        for one in found:
            fits = isinstance(one, NotificationRegistration)
            checks.require(fits, f"register_notifications returned {one!r}")
            checks.require(one.registered or one.detail, "not registered, but why?")
        _, second, third = found
        checks.require(second.detail == third.detail, f"{second} became {third}")
