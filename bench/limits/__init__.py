"""Anchors: what the machine can do at best. No product code in here."""
