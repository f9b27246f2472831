"""Searches among keys and items of tables in C: csrc/ops/cells.h once more, a function for each rule.

An op is called "take", or "search" with the number of its rule. Its operands are what is looked up, then
the items.
"""

from __future__ import annotations

_TAKE = """\
/* The item of that number; nan where there is none. */
static inline double take(double index, const double *items, int count)
{
    int number = index >= 0.0 && index < count ? (int)index : -1;
    return number >= 0 && (double)number == index ? items[number] : (double)NAN;
}
"""
_SEARCH = """\
/* How many of the keys, which ascend, stand before x{ties}. */
static inline double search{rule}(double x, const double *keys, int count)
{{
    int low = 0, high = count;
    while (low < high) {{
        int middle = low + (high - low) / 2;
        double key = keys[middle];
        if ({behind})
            low = middle + 1;
        else
            high = middle;
    }}
    return low;
}}
"""
_BEHIND = (
    ("", "key < x"),
    (" or are equal", "!(x < key)"),
    ("; nan is the largest", "key < x || (x != x && key == key)"),
    (" or are equal; nan is the largest", "!(x < key || (key != key && x == x))"),
)
_LIKE_INTERP = """\
/* As NumPy's interp looks for x: 0 below the first key, count on the last one, count + 1 beyond. */
static inline double search4(double x, const double *keys, int count)
{
    int low, high = count;
    if (x > keys[count - 1])
        return count + 1;
    if (x < keys[0])
        return 0;
    for (low = 1; low < count && low < 4; low++)
        if (count <= 4 ? !(x >= keys[low]) : x < keys[low])
            return low;
    if (count <= 4)
        return count;
    low = 3;
    if (count > 10 && x < keys[9])
        high = 9;
    while (low < high) {
        int middle = low + (high - low) / 2;
        if (x >= keys[middle])
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}
"""
FUNCTIONS = {
    "take": _TAKE,
    **{
        f"search{rule}": _SEARCH.format(rule=rule, ties=ties, behind=behind)
        for rule, (ties, behind) in enumerate(_BEHIND)
    },
    "search4": _LIKE_INTERP,
}
