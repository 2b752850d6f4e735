"""Decisions of the matcher as pure functions on plain records."""
