"""What people and resellers chose for their console."""
