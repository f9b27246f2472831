"""`python -m pygrad` and the command `pygrad`; see pygrad/command_line/main.py."""

import sys

from pygrad.command_line.main import main

if __name__ == "__main__":
    sys.exit(main())
