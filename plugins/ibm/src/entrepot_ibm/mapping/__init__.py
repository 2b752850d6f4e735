"""The vendor's records as the model's: pure functions, no I/O."""
