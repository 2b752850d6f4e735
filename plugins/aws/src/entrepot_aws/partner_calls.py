"""Calls to Partner Central: who is registered as a customer of ours (§3.3)."""

from __future__ import annotations

from entrepot_aws import wire
from entrepot_aws.calls import Calls

_CATALOG = "AWS"  # the production catalogue; required everywhere
_MOST = 100


class PartnerCalls(Calls):
    """What the partner programme knows."""

    def relationships(self) -> list[wire.RelationshipWire]:
        """All end customers of all programme management accounts."""
        return self.every(
            "partnercentral",
            "partnercentral-channel",
            "list_relationships",
            "items",
            wire.RelationshipWire,
            token_name="nextToken",  # noqa: S106 - name of a member
            catalog=_CATALOG,
            associationTypes=["END_CUSTOMER"],
            maxResults=_MOST,
        )
