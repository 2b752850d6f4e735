"""A stateful look-alike of the vendor's partner APIs, for demo, tests and training."""

from __future__ import annotations

from entrepot_google.simulator.app import GoogleSimulator, build_simulator

__all__ = ["GoogleSimulator", "build_simulator"]
