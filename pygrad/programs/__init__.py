"""Functions as programs: traced, run one row or many at a time, swept for Jacobians."""
