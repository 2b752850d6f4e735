"""The same job done by other software, each in a virtual environment of its own."""
