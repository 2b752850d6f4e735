"""Partner Central: relationships with customers and sellers (§3.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from werkzeug.wrappers import Request

from entrepot_aws.simulator.codec import Data, Refusal
from entrepot_aws.simulator.keys import Caller
from entrepot_aws.simulator.paging import page
from entrepot_aws.simulator.state import Relationship, letters

if TYPE_CHECKING:
    from entrepot_aws.simulator.app import AwsSimulator

_MOST = 100


class PartnerApi:
    """One endpoint of the service. Called under the simulator's lock."""

    def __init__(self, vendor: AwsSimulator) -> None:
        self._vendor = vendor
        vendor.serve_operation(
            "partnercentral-channel", "ListRelationships", self.relationships
        )

    def relationships(self, given: Data, request: Request, by: Caller) -> Data:
        """Relationships of the wanted kinds."""
        del request
        book = self._vendor.book
        if by.account != book.management:
            text = "The account is no programme management account."
            raise Refusal("AccessDeniedException", text, 403)
        if given["catalog"] != "AWS":
            text = "The catalog is not known."
            raise Refusal(
                "ValidationException", text, reason="REQUEST_VALIDATION_FAILED"
            )
        kinds = given.get("associationTypes")
        mine = [r for r in book.relationships if kinds is None or r.kind in kinds]
        return page(
            given,
            mine,
            "items",
            self._shown,
            most=_MOST,
            bound=f"{sorted(kinds or ())}",
        )

    def _shown(self, found: Relationship) -> Data:
        book = self._vendor.book
        programme = f"pma-{letters(book.seed, 7, 13)}"
        owner = f"arn:aws:partnercentral:us-east-1:{book.management}:catalog/AWS"
        return {
            "arn": f"{owner}/{programme}/relationship/{found.id}",
            "id": found.id,
            "revision": "1",
            "catalog": "AWS",
            "associationType": found.kind,
            "programManagementAccountId": programme,
            "associatedAccountId": found.account,
            "displayName": found.name,
            "sector": "COMMERCIAL",
            "createdAt": found.start,
            "updatedAt": found.start,
            "startDate": found.start,
        }
