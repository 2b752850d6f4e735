"""Backups: one consistent archive of everything, and back again."""
