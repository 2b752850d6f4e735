"""Ratios between what the hub does and what the machine could do at best."""
