"""A stateful look-alike of AWS as a reseller sees it, for demo, tests and training."""

from __future__ import annotations

from entrepot_aws.simulator.app import AwsSimulator, build_simulator

__all__ = ["AwsSimulator", "build_simulator"]
