"""Signing people in, and machines."""
