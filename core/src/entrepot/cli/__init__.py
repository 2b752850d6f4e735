"""The command line: everything an operator or a script needs."""

from entrepot.cli.main import main

__all__ = ["main"]
