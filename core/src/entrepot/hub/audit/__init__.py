"""Reading, checking and erasing from the audit log."""
