"""Which cells are run, in which order, and what each must prove."""
