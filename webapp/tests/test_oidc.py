"""Signing in at a company's identity provider: a small real one, behind a socket."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import logging
import secrets
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests
from joserfc import jwt
from joserfc.jwk import RSAKey
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

CLIENT, SECRET = "entrepot", "the provider's secret"


@dataclass
class Provider:
    """An OpenID provider with one person, who has agreed already."""

    issuer: str = ""
    claims: dict[str, Any] = field(default_factory=dict)
    nonce: str | None = None
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "1"}))

    def __call__(self, environ: Any, start_response: Any) -> Any:
        """Answer as the specification says (OpenID Connect Core 1.0, 3.1)."""
        request = Request(environ)
        step = {
            "/.well-known/openid-configuration": self.describe,
            "/authorize": self.authorize,
            "/token": self.token,
            "/keys": self.keys,
        }[request.path]
        return step(request)(environ, start_response)

    def describe(self, _request: Request) -> Response:
        """Return the discovery document."""
        return _json(
            {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/keys",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
            }
        )

    def authorize(self, request: Request) -> Response:
        """Send the browser back with a code."""
        asked = request.args
        assert asked["client_id"] == CLIENT
        assert asked["code_challenge_method"] == "S256"
        code = secrets.token_hex(8)
        self.codes[code] = dict(asked.items())
        back = {"code": code, "state": asked["state"]}
        return Response(
            status=302,
            headers={"Location": f"{asked['redirect_uri']}?{urlencode(back)}"},
        )

    def token(self, request: Request) -> Response:
        """Exchange a code, once, for who the person is."""
        known = request.authorization
        asked = self.codes.pop(request.form["code"], None)
        digest = hashlib.sha256(request.form["code_verifier"].encode()).digest()
        proof = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        right = known is not None and (known.username, known.password) == (
            CLIENT,
            SECRET,
        )
        if asked is None or not right or proof != asked["code_challenge"]:
            return _json({"error": "invalid_grant"}, 400)
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT,
            "iat": now,
            "exp": now + 300,
            "nonce": self.nonce or asked["nonce"],
            **self.claims,
        }
        header = {"alg": "RS256", "kid": "1"}
        return _json(
            {
                "access_token": "unused",
                "token_type": "Bearer",
                "id_token": jwt.encode(header, claims, self.key),
            }
        )

    def keys(self, _request: Request) -> Response:
        """Return the public key."""
        return _json({"keys": [self.key.as_dict(private=False)]})


def _json(document: Any, status: int = 200) -> Response:
    return Response(json.dumps(document), status, mimetype="application/json")


@pytest.fixture(scope="module")
def served() -> Iterator[Provider]:
    """The provider behind a socket."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    found = Provider()
    server = make_server("127.0.0.1", 0, found, threaded=True)
    found.issuer = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield found
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def provider(served: Provider) -> Provider:
    """The provider, its person forgotten."""
    served.claims, served.nonce = {}, None
    return served


@pytest.fixture
def database_kind() -> str:
    """Providers don't know the database."""
    return "sqlite"


@pytest.fixture
def settings(settings, served):
    """The hub knows the provider."""
    return dataclasses.replace(
        settings,
        public_base_url="http://localhost",
        oidc_issuer=served.issuer,
        oidc_client_id=CLIENT,
        oidc_client_secret=SECRET,
        oidc_domains=("example.com",),
        oidc_name="Northpeak account",
    )


def walk(client, following: str = "/") -> tuple[str, Any]:
    """Go to the provider and back; returns the way back and the hub's answer."""
    sent = client.get("/login/company", query_string={"next": following})
    assert sent.status_code == 302, sent.text
    back = requests.get(
        sent.headers["Location"], allow_redirects=False, timeout=10
    ).headers["Location"]
    return back, client.get(back)


def test_known_person_signs_in_and_is_known_by_the_provider_afterwards(
    web, tenant, provider
) -> None:
    user = web.person(tenant, "viewer")
    provider.claims = {
        "sub": "u-1",
        "email": user.email.upper(),
        "email_verified": True,
    }
    client = web.browser()
    assert "Northpeak account" in client.get("/login").text
    back, answer = walk(client, "/customers")
    assert answer.headers["Location"] == "/customers"
    assert client.get("/customers").status_code == 200
    listed = web.hub.sessions.list_sessions(web.hub.users.actor_for(user, tenant))
    assert [one.method for one in listed] == ["oidc"]
    # The same answer again: state and code are used up.
    other = web.browser()
    assert other.get(back).headers["Location"].endswith("/login")
    assert other.get("/session").status_code == 401
    # Another address at the provider: the link counts.
    provider.claims = {"sub": "u-1", "email": "new@example.com", "email_verified": True}
    third = web.browser()
    walk(third)
    assert third.get("/session").status_code == 200
    # Nobody else takes the account over with the old address.
    provider.claims = {"sub": "u-2", "email": user.email, "email_verified": True}
    fourth = web.browser()
    walk(fourth)
    assert fourth.get("/session").status_code == 401


def test_what_the_provider_does_not_vouch_for_is_refused(web, tenant, provider) -> None:
    user = web.person(tenant)
    for wrong in (
        {"email_verified": False},
        {"email_verified": "true"},
        {"email": "stranger@example.com"},
        {"email": "ana@elsewhere.example"},
        {"aud": "another client"},
        {"iss": "https://elsewhere.example"},
        {"exp": 1_000_000},
        {"nonce": "of another sign-in"},
    ):
        right = {"sub": "u-9", "email": user.email, "email_verified": True}
        provider.claims = right | wrong
        client = web.browser()
        _, answer = walk(client)
        assert answer.headers["Location"].endswith("/login"), wrong
        assert client.get("/session").status_code == 401, wrong
    assert "didn&#39;t work for you" in client.get("/login").text


def test_locked_person_and_forged_state_are_refused(web, tenant, provider) -> None:
    user = web.person(tenant, "viewer")
    web.hub.users.set_active(web.above(), user.id, active=False)
    provider.claims = {"sub": "u-3", "email": user.email, "email_verified": True}
    client = web.browser()
    walk(client)
    assert client.get("/session").status_code == 401
    sent = client.get("/login/company").headers["Location"]
    asked = parse_qs(urlsplit(sent).query)
    assert asked["redirect_uri"] == ["http://localhost/login/company/back"]
    assert set(asked) >= {"state", "nonce", "code_challenge"}
    forged = client.get("/login/company/back?code=x&state=forged")
    assert forged.headers["Location"].endswith("/login")
