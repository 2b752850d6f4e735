"""The facade: the owner only, checked answers, known errors."""

from __future__ import annotations

import ast
import inspect
import logging
from pathlib import Path

import pytest
from entrepot.plugins import Plugins
from entrepot.sdk import hookspecs, queries
from entrepot.sdk.errors import (
    AuthRequired,
    ConfigInvalid,
    PluginBug,
    Unsupported,
)
from entrepot.sdk.model import Page

ASK = queries.ListCustomers()


def test_addressed_hooks_reach_the_owner_only(small, context):
    first, second = small("first"), small("second")
    plugins = Plugins.of(first=first, second=second)
    page = plugins.list_customers(context("first"), ASK)
    assert [customer.name for customer in page.items] == ["first"]
    assert (first.calls, second.calls) == (1, 0)
    assert plugins.list_customers(context("second"), ASK).items[0].name == "second"


def test_core_wrappers_run_around_the_owner(small, context):
    plugins = Plugins.of(first=small("first"), second=small("second"))
    seen = []

    class Watch:
        @hookspecs.hookimpl(wrapper=True)
        def list_customers(self, ctx):
            seen.append(ctx.plugin)
            return (yield)

    plugins._border.registry.manager.register(Watch(), name="core:watch")
    assert len(plugins.list_customers(context("first"), ASK).items) == 1
    assert seen == ["first"]
    with pytest.raises(Unsupported):
        plugins.list_offers(context("first"), queries.ListOffers())


def test_missing_hook_is_unsupported(small, context):
    plugins = Plugins.of(small=small())
    with pytest.raises(Unsupported) as caught:
        plugins.list_offers(context(), queries.ListOffers())
    assert caught.value.code == "not_supported"
    assert not plugins.has("small", "list_offers")
    assert plugins.has("small", "list_customers")
    assert plugins.get_console_link(context(), queries.GetConsoleLink) is None


def test_missing_plugin_is_a_matter_of_configuration(small, context):
    plugins = Plugins.of(small=small())
    with pytest.raises(ConfigInvalid) as caught:
        plugins.list_customers(context("gone"), ASK)
    assert caught.value.info.field == "plugin"
    with pytest.raises(ConfigInvalid):
        plugins.info("gone")


@pytest.mark.parametrize(
    "behave",
    [
        lambda: {}["planted-secret"],
        lambda: [1],
        lambda: None,
        lambda: (page for page in [Page()]),
    ],
    ids=["stray exception", "wrong type", "None", "generator"],
)
def test_broken_contract_is_a_plugin_bug(small, context, behave, caplog):
    plugins = Plugins.of(small=small(behave=behave), other=small("other"))
    with (
        caplog.at_level(logging.ERROR, "entrepot.plugins"),
        pytest.raises(PluginBug) as caught,
    ):
        plugins.list_customers(context(), ASK)
    assert "planted-secret" not in repr(caught.value.info)
    assert caught.value.__cause__ is None
    assert "list_customers" in caplog.text
    assert [status.bugs for status in plugins.list()] == [0, 1]
    assert plugins.list_customers(context("other"), ASK).items


def test_stray_exception_leaves_its_trace_in_the_log(small, context, caplog):
    plugins = Plugins.of(small=small(behave=lambda: 1 / 0))
    with pytest.raises(PluginBug):
        plugins.list_customers(context(), ASK)
    assert "ZeroDivisionError" in caplog.text


def test_our_errors_pass_unchanged(small, context):
    raised = AuthRequired("x", "Sign in.")

    def behave():
        raise raised

    with pytest.raises(AuthRequired) as caught:
        Plugins.of(small=small(behave=behave)).list_customers(context(), ASK)
    assert caught.value is raised


def test_broadcast_survives_a_failing_plugin(small):
    broken = small("broken")
    broken_hooks = type(
        "Broken",
        (type(broken),),
        {
            "matching_vocabulary": hookspecs.hookimpl(
                lambda self: (_ for _ in ()).throw(ValueError("x"))
            )
        },
    )
    plugins = Plugins.of(broken=broken_hooks("broken"), fine=small("fine"))
    found = plugins.vocabularies()
    assert list(found) == ["fine"]
    assert found["fine"].guard_words == ("fine",)
    assert plugins.list()[0].bugs == 1


def test_facade_has_every_hook_with_the_same_arguments():
    """Adding a hook without its facade method fails here."""
    broadcast = {"describe_plugin": "info", "matching_vocabulary": "vocabularies"}
    specs = {
        name: function
        for name, function in vars(hookspecs).items()
        if hasattr(function, f"{hookspecs.PROJECT}_spec")
    }
    assert len(specs) > 20
    for name, function in specs.items():
        method = getattr(Plugins, broadcast.get(name, name))
        if name in broadcast:
            continue
        wanted = list(inspect.signature(function).parameters)
        assert list(inspect.signature(method).parameters)[1:] == wanted, name


def test_only_the_plugins_package_touches_the_manager():
    root = Path(inspect.getfile(Plugins)).parents[1]
    users = {
        path.relative_to(root).parts[0]
        for path in root.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
        and "pluggy" in ast.unparse(node)
    }
    assert users == {"plugins", "sdk"}
