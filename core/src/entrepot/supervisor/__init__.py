"""The process that starts, watches and restarts all others of one hub."""

from entrepot.supervisor.commands import Command
from entrepot.supervisor.lifeline import watch_lifeline
from entrepot.supervisor.supervise import Supervisor, run

__all__ = ["Command", "Supervisor", "run", "watch_lifeline"]
