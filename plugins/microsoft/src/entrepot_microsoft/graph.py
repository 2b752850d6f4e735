"""Calls of the billing export: ask for it, look at it, fetch its files (§6.2)."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Mapping
from typing import TypeVar

import msgspec
from entrepot.sdk.errors import EntrepotError, NotFound, Rejected, Retryable
from entrepot.sdk.http import HttpResponse, HttpSession

from entrepot_microsoft.settings import MicrosoftSettings
from entrepot_microsoft.tokens import TokenAuth
from entrepot_microsoft.wire_export import (
    MANIFEST,
    OPERATION,
    ManifestWire,
    OperationWire,
)

T = TypeVar("T")
_ROOT = "/v1.0/reports/partners/billing"
_MOST = 512 * 1024 * 1024


class Graph:
    """The export's calls of one connection.

    Args:
        http: Core's session.
        settings: The connection's settings.
        auth: Signs calls for the Graph audience.
    """

    def __init__(
        self, http: HttpSession, settings: MicrosoftSettings, auth: TokenAuth
    ) -> None:
        self._unbound = http
        self._http = http.bound(
            base_url=settings.graph_base,
            headers={"Accept": "application/json"},
            auth=auth,
            errors=graph_error,
            quota="graph",
            request_id_headers=("request-id", "client-request-id"),
        )

    def start(self, kind: str, scope: str, body: Mapping[str, str]) -> str:
        """Ask for an export; the id of the operation that makes it.

        Asking twice makes two files of the same, and changes nothing.
        """
        path = f"{_ROOT}/{kind}/{scope}/export"
        response = self._http.post(path, json=body, repeatable=True)
        where = response.header("Location") or ""
        operation = where.rstrip("/").rpartition("/")[2]
        if not operation:
            raise response.broken(ValueError("no Location"))
        return operation

    def operation(self, operation: str) -> tuple[OperationWire, float]:
        """How far an export is, and after how many seconds to look again.

        Raises:
            NotFound: It is too old.
        """
        response = self._http.get(f"{_ROOT}/operations/{operation}")
        try:
            pause = float(response.header("Retry-After") or 5)
        except ValueError:
            pause = 5.0
        return _read(response, OPERATION), pause

    def manifest(self, manifest: str) -> ManifestWire:
        """The files of an export, with a fresh key."""
        response = self._http.get(f"{_ROOT}/manifests/{manifest}")
        return _read(response, MANIFEST)

    def blob(self, manifest: ManifestWire, name: str) -> list[bytes]:
        """The lines of one file.

        The key that opens it stands in the address and is no bearer token.

        Raises:
            Retryable: The file is damaged.
        """
        session = self._unbound.bound(auth=None, errors=_blob_error, quota="graph")
        address = f"{manifest.root_directory.rstrip('/')}/{name}"
        response = session.get(f"{address}?{manifest.sas_token.lstrip('?')}")
        try:
            content = gzip.decompress(response.content)
        except (OSError, EOFError, zlib.error) as error:
            raise response.broken(error) from None
        if len(content) > _MOST:
            raise response.broken(ValueError("too large"))
        return [line for line in content.splitlines() if line.strip()]


def graph_error(response: HttpResponse) -> EntrepotError | None:
    """Our error for a refusal; None to use the usual reading of its status."""
    detail = f"{response.method} {response.url}: HTTP {response.status}"
    if response.status == 403:
        return Rejected(
            "billing_export_forbidden",
            "The application may not read the billing export.",
            detail=detail,
            vendor_request_id=response.request_id,
            field="export",
            remedy="Grant it PartnerBilling.Read.All of Microsoft Graph, with consent.",
        )
    if response.status == 410:
        return NotFound(
            "export_expired",
            "The export is too old.",
            detail=detail,
            vendor_request_id=response.request_id,
        )
    return None


def _blob_error(response: HttpResponse) -> EntrepotError | None:
    if response.status not in (401, 403, 404, 410):
        return None
    # Keys and files live for a while only: a new export has new ones.
    return Retryable(
        "export_expired",
        "The files of the export cannot be opened any more.",
        detail=f"HTTP {response.status}",
        after=5.0,
    )


def _read(response: HttpResponse, decoder: msgspec.json.Decoder[T]) -> T:
    try:
        return decoder.decode(response.content)
    except msgspec.MsgspecError as error:
        raise response.broken(error) from None
