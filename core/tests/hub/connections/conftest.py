"""A plugin that really signs in at a small local server, and the service."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal

import pytest
from entrepot.hub.connections.service import ConnectionService
from entrepot.jobs.quota import QuotaStore
from entrepot.plugins import Plugins
from entrepot.sdk.errors import AuthRequired, ConfigInvalid
from entrepot.sdk.hookspecs import hookimpl
from entrepot.sdk.http import BearerAuth
from entrepot.sdk.model import (
    CheckResult,
    Page,
    PluginInfo,
    PluginKind,
    QuotaKey,
    VendorCustomer,
)
from entrepot.sdk.redaction import Redactor
from entrepot.sdk.settings import setting
from entrepot.store import Actor
from entrepot.store.actor import ALL_PERMISSIONS
from entrepot.store.keys import load_keyring
from entrepot.store.secrets import SecretStore


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopSettings:
    base_url: str = setting("Address", adds_host=True, help="Where the shop lives.")
    account: str = setting("Account", pattern=r"[a-z]{3,20}")
    region: Literal["eu", "us"] = setting("Region", default="eu")
    page_size: int = setting("Page size", default=10, advanced=True)
    api_key: str = setting("API key", secret=True)
    refresh: str = setting("Refresh token", secret=True, rotates=True, default="")


class Session:
    def __init__(self, ctx):
        self.http = ctx.http
        self.closed = False


class ShopPlugin:
    """Signs in with the key; rotates the refresh token on every check."""

    def __init__(self):
        self.opened = []
        self.delay = 0

    @hookimpl
    def describe_plugin(self):
        return PluginInfo(
            name="shop",
            title="Shop",
            kind=PluginKind.VENDOR,
            version="3.1",
            api=(1, 0),
            settings_type=ShopSettings,
            host_patterns=("*.shop.test",),
            quotas=(QuotaKey(name="api", requests=50, seconds=1, burst=20),),
        )

    @hookimpl
    def open_connection(self, ctx):
        if ctx.settings.account == "explode":
            raise ConfigInvalid(
                "account", "This account cannot be used.", field="account"
            )
        time.sleep(self.delay)
        session = Session(ctx)
        self.opened.append(session)
        return session

    @hookimpl
    def close_connection(self, ctx):
        ctx.runtime.closed = True

    @hookimpl
    def check_connection(self, ctx):
        refresh = ctx.secrets.get("refresh")
        ctx.secrets.replace("refresh", refresh, refresh + "+")
        found = self._http(ctx).get("/me").json()
        return CheckResult(
            account_name=found["name"], details=(("Region", "eu"),), base_currency="EUR"
        )

    @hookimpl
    def list_customers(self, ctx):
        found = self._http(ctx).get("/customers").json()
        items = [VendorCustomer(vendor_id=i, name=i) for i in found]
        return Page(items=items)

    def _http(self, ctx):
        def errors(response):
            if response.status == 404:
                return ConfigInvalid(
                    "wrong_codebase",
                    "The shop does not know this account.",
                    field="account",
                    remedy="Check the account's short name.",
                )
            if response.status == 403:
                return AuthRequired(
                    "consent_revoked",
                    "The consent for this account was withdrawn.",
                    remedy="Give consent again.",
                )
            return None

        return ctx.http.bound(
            base_url=ctx.settings.base_url,
            auth=BearerAuth(lambda renew: ctx.secrets.get("api_key")),
            errors=errors,
        )


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        server = self.server
        server.seen.append((self.path, self.headers["Authorization"]))
        status = server.status
        if self.headers["Authorization"] != f"Bearer {server.key}":
            status = 401
        body = json.dumps(
            {"name": "Alpha Ltd"} if self.path == "/me" else ["c1", "c2"]
        ).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def shop_server():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.seen, server.status, server.key = [], 200, "planted-key-1"
    server.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def shop():
    return ShopPlugin()


@pytest.fixture
def plugins(shop):
    return Plugins.of(shop=shop)


@pytest.fixture
def redactor():
    return Redactor()


@pytest.fixture
def make_service(store, clock, plugins, settings, redactor):
    made = []

    def make(**changes):
        arguments = {
            "plugins": plugins,
            "secrets": SecretStore(load_keyring(settings)),
            "settings": settings,
            "quota": QuotaStore(store, clock),
            "redactor": redactor,
        }
        service = ConnectionService(store, clock, **{**arguments, **changes})
        made.append(service)
        return service

    yield make
    for service in made:
        service.close()


@pytest.fixture
def service(make_service):
    return make_service()


@pytest.fixture
def actor(tenant):
    return Actor("usr_1", "user", tenant, "Ada", ALL_PERMISSIONS)


@pytest.fixture
def values(shop_server):
    return {
        "base_url": shop_server.url,
        "account": "alpha",
        "api_key": "planted-key-1",
        "refresh": "planted-refresh",
    }


@pytest.fixture
def connection(service, actor, values):
    return service.add(actor, plugin="shop", name="Main", values=values)
