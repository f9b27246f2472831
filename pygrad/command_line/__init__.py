"""The command `pygrad`: main.py lists its commands, each in a file of its own beside what they share."""
