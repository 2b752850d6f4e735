"""Usage and charges: what vendors metered and what they charge."""
