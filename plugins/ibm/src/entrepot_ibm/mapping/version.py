"""Which mapping made a record; part of every content hash."""

from __future__ import annotations

MAPPING_VERSION = "ibm-1"
