"""The border: all that a plugin author imports."""
