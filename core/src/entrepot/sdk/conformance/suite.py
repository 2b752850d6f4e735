"""The test class that plugin authors subclass; see the package's docstring."""

from __future__ import annotations

from entrepot.sdk.conformance.suite_connections import ConnectionConformance
from entrepot.sdk.conformance.suite_events import EventConformance
from entrepot.sdk.conformance.suite_faults import FaultConformance
from entrepot.sdk.conformance.suite_files import FileConformance
from entrepot.sdk.conformance.suite_itself import ItselfConformance
from entrepot.sdk.conformance.suite_listings import ListingConformance
from entrepot.sdk.conformance.suite_writes import WriteConformance


class PluginConformance(
    ItselfConformance,
    ConnectionConformance,
    ListingConformance,
    FaultConformance,
    FileConformance,
    EventConformance,
    WriteConformance,
):
    """What every plugin must pass. Subclass it; see the package's docstring.

    Attributes and methods that a subclass may override are those of
    `entrepot.sdk.conformance.base.ConformanceBase`.
    """
