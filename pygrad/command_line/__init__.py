"""The command `pygrad`."""
