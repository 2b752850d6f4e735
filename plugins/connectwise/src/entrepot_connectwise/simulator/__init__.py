"""A stateful emulation of the PSA's REST interface, for demo, tests and training."""

from __future__ import annotations

from .app import ConnectWiseSimulator, build_simulator

__all__ = ["ConnectWiseSimulator", "build_simulator"]
