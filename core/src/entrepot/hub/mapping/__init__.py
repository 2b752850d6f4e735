"""Mapping: which vendor customer is which PSA company, which SKU which PSA product."""
