"""Derivatives to look at: `explain`, `draw`, `explore`."""
