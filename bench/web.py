"""What the API's cells need: a machine's token, made by the product."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from entrepot.app import build_hub
from entrepot.hub.users.rules import SCOPES
from entrepot.store import new_id, operator_actor
from entrepot_web.app import create_app

from bench.hubs import settings_of


def token(url: str, folder: str, tenant: str) -> dict[str, Any]:
    """A token that reads everything of the reseller."""
    hub = build_hub(settings_of(url, Path(folder)), web=True)
    try:
        person = hub.users.create_user(
            operator_actor(),
            email=f"{new_id('p')}@example.com",
            name="Bench",
            password="a phrase nobody guesses",
            tenant_id=tenant,
            role="owner",
        )
        owner = hub.users.actor_for(person, tenant)
        made, secret = hub.credentials.create_credential(
            owner, name="bench", scopes=SCOPES
        )
        answer = (
            create_app(hub)
            .test_client()
            .post(
                "/api/v1/oauth/token",
                data={"grant_type": "client_credentials"},
                auth=(made.id, secret),
            )
        )
        return {"token": answer.get_json()["access_token"]}
    finally:
        hub.close()
