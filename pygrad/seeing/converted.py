"""A picture in SVG as another kind of file."""

from __future__ import annotations

from pygrad.core.distribution import install

__all__ = ["KINDS", "NEEDED", "converted"]

KINDS = ("png", "pdf")
NEEDED = f"the package cairosvg ({install('draw')})"


def converted(svg: str, kind: str) -> bytes | None:
    """The picture as PNG or PDF; None where cairosvg is not installed, or not the library that it needs."""
    try:
        import cairosvg
    except (ImportError, OSError):  # OSError: the package is there, the library cairo is not
        return None
    convert = cairosvg.svg2png if kind == "png" else cairosvg.svg2pdf
    made: bytes = convert(bytestring=svg.encode(), scale=2)
    return made
