"""Checking a connection: a sentence and one remedy for each cause."""

from __future__ import annotations

import pytest
from entrepot.sdk import queries as ask
from entrepot.sdk.errors import (
    AuthRequired,
    ConfigInvalid,
    Rejected,
)
from entrepot_connectwise.plugin import plugin


def apply(ctx, change):
    return plugin.apply_line_change(ctx, ask.ApplyLineChange(change=change))


def test_check_tells_release_and_counts(ctx):
    result = plugin.check_connection(ctx)
    assert result.account_name == "entrepot"
    assert ("Release", "v2026.4") in result.details
    assert ("Agreements", "1") in result.details
    assert result.warnings == ()


@pytest.mark.parametrize(
    ("settings", "kind", "field"),
    [
        ({"company": "nobody"}, ConfigInvalid, "company"),
        ({"public_key": "x"}, AuthRequired, "private_key"),
        ({"private_key": "x"}, AuthRequired, "private_key"),
        ({"client_id": ""}, ConfigInvalid, "client_id"),
    ],
)
def test_check_explains_what_is_wrong(scene, settings, kind, field):
    ctx = scene.context(**settings)
    with pytest.raises(kind) as caught:
        plugin.check_connection(ctx)
    info = caught.value.info
    assert info.field == field
    assert info.user_message.endswith(".")
    assert info.remedy
    assert "entrepotPrivate" not in f"{info}"


def test_check_explains_404_on_the_cloud(scene):
    scene.control.act("configure", auth_failure_status=404)
    with pytest.raises(AuthRequired) as caught:
        plugin.check_connection(scene.context(private_key="x"))
    assert "company ID or keys are wrong" in caught.value.user_message


def test_check_explains_an_unreachable_site(context_for):
    ctx = context_for("http://127.0.0.1:9")
    with pytest.raises(ConfigInvalid) as caught:
        plugin.check_connection(ctx)
    assert caught.value.info.field == "site"


def test_check_explains_a_site_without_the_psa(scene, context_for):
    ctx = context_for(f"{scene.base_url}")
    scene.control.add_fault("status", status=404, path="companyinfo")
    with pytest.raises(ConfigInvalid) as caught:
        plugin.check_connection(ctx)
    assert caught.value.code == "no_connectwise_here"


def test_check_names_missing_rights(scene, ctx):
    scene.control.act(
        "deny", member="entrepot", rules=["finance/invoices", "service/tickets"]
    )
    warnings = plugin.check_connection(ctx).warnings
    assert any("Finance > Invoicing" in text for text in warnings)
    assert any("Service Desk > Service Tickets" in text for text in warnings)
    scene.control.act("deny", member="entrepot", rules=["finance/agreements"])
    with pytest.raises(ConfigInvalid) as caught:
        plugin.check_connection(ctx)
    assert caught.value.code == "role_missing"
    assert "Finance > Agreements" in caught.value.info.remedy


def test_check_warns_of_hidden_costs_and_a_missing_field(scene):
    scene.control.act("custom_field", table="additions", present=False)
    ctx = scene.context(public_key="blindPublic", private_key="blindPrivate")
    warnings = plugin.check_connection(ctx).warnings
    assert any("costs" in text for text in warnings)
    assert any("Entrepot Ref" in text for text in warnings)


def test_a_forbidden_write_is_refused_not_parked(scene, ctx):
    scene.control.act("deny", member="entrepot", rules=["finance/agreements write"])
    with pytest.raises(Rejected) as caught:
        apply(ctx, scene.creation())
    assert caught.value.code == "role_missing"
