"""What every other part stands on: which implementation runs, containers of numbers, where user code is."""
