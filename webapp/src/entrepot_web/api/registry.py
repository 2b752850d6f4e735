"""All resources of the API, in the order of the document."""

from __future__ import annotations

from entrepot_web.api.credentials import credentials
from entrepot_web.api.oauth import oauth

RESOURCES = (oauth, credentials)
