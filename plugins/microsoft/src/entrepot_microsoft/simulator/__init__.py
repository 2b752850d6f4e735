"""A stateful look-alike of the vendor's partner API, for demo, tests and training."""

from __future__ import annotations

from entrepot_microsoft.simulator.app import MicrosoftSimulator, build_simulator

__all__ = ["MicrosoftSimulator", "build_simulator"]
