"""A compiled function as C99: `Compiled.to_c`."""
