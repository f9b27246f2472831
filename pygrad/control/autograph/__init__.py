"""`autograph`: Python's loops and branches, which in a trace are those of the program."""
