"""Our Pub/Sub subscription on the topic of the partner account (reference §9)."""

from __future__ import annotations

from entrepot.sdk.context import PluginContext

from entrepot_google.runtime import client_of
from entrepot_google.settings import GoogleSettings
from entrepot_google.tokens import read_key
from entrepot_google.wire import pubsub


def ensure(ctx: PluginContext, url: str) -> str:
    """Let the service account listen, and our subscription be as the settings say.

    Nothing is changed where it fits already.

    Args:
        ctx: The connection; its settings name the subscription.
        url: Where events are pushed to; of no meaning when they are pulled.

    Returns:
        The topic.
    """
    settings: GoogleSettings = ctx.settings
    client = client_of(ctx)
    own = read_key(ctx.secrets.get("service_account_key")).client_email
    listening = client.subscribers()
    topic = listening.topic
    if own not in listening.service_accounts:
        topic = client.register_subscriber(own)
    push = {} if settings.delivery == "pull" else _push(ctx, url)
    present = client.push_subscription()
    if present is None:
        client.create_push(topic, push)
    elif _endpoint(present) != push.get("pushEndpoint", ""):
        client.change_push(push)
    return topic


def push_account(ctx: PluginContext) -> str:
    """Who signs pushes: the account in the settings, else the connection's own."""
    settings: GoogleSettings = ctx.settings
    if settings.push_account:
        return settings.push_account
    return read_key(ctx.secrets.get("service_account_key")).client_email


def _push(ctx: PluginContext, url: str) -> dict[str, object]:
    token = {"serviceAccountEmail": push_account(ctx), "audience": url}
    return {"pushEndpoint": url, "oidcToken": token}


def _endpoint(present: pubsub.PubsubSubscription) -> str:
    return present.push_config.push_endpoint if present.push_config else ""
