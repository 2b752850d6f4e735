"""A stateful look-alike of the vendor's services, for demo, tests and training."""

from __future__ import annotations

from entrepot_ibm.simulator.app import IbmSimulator, build_simulator

__all__ = ["IbmSimulator", "build_simulator"]
