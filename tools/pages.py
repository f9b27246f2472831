"""Tables of figures in a page, between marks."""

from __future__ import annotations

import re


def renewed(page: str, tables: dict[str, str]) -> str:
    """The page with these tables in the place of those between their marks.

    Raises:
        ValueError: a table has lost its marks.

    >>> renewed("<!-- measured: x -->\\nold\\n<!-- measured: end -->\\n", {"x": "new"})
    '<!-- measured: x -->\\nnew\\n<!-- measured: end -->\\n'
    """
    for name, text in tables.items():
        between = re.compile(
            rf"(^<!-- measured: {name} -->\n).*?(?=^<!-- measured: end -->)",
            re.DOTALL | re.MULTILINE,
        )
        page, count = between.subn(lambda found, new=text: f"{found[1]}{new}\n", page)
        if count != 1:
            raise ValueError(f"{count} tables are marked 'measured: {name}', there should be one")
    return page
