"""How a connection moves between active, paused and parked."""

from __future__ import annotations

from datetime import datetime

from entrepot.hub.connections.failures import Parking, parking_of_check
from entrepot.hub.connections.opener import Probe, details
from entrepot.hub.connections.tables import Connection
from entrepot.hub.connections.views import error_values

ACTIVE, PAUSED, PARKED = "active", "paused", "parked"


def park(row: Connection, parking: Parking, now: datetime) -> None:
    """Park a connection; the first moment stays when it is parked already."""
    if row.state != PARKED:
        row.parked_at = now
    row.state = PARKED
    row.parked_code, row.parked_message = parking.code, parking.message
    row.parked_remedy, row.parked_field = parking.remedy, parking.field
    row.version += 1


def activate(row: Connection) -> None:
    """Let a paused or parked connection work again."""
    row.state = ACTIVE
    row.parked_code = row.parked_message = row.parked_remedy = None
    row.parked_field = row.parked_at = None
    row.version += 1


def take_probe(row: Connection, probe: Probe, now: datetime) -> bool:
    """Write down what a check found; True when the state changed.

    Success takes a parked connection up again, also one parked by hand over a
    failure; a pause is a person's decision and stays.
    """
    before = row.state
    if probe.result is not None:
        row.last_ok_at, row.last_error = now, None
        for name, value in details(probe.result).items():
            setattr(row, name, value)
        if row.state == PARKED:
            activate(row)
    elif probe.error is not None:
        row.last_error = error_values(probe.error, now)
        parking = parking_of_check(probe.error)
        if parking is not None and row.state != PAUSED:
            park(row, parking, now)
    return row.state != before
