/* cells.h: tables: which cell of ascending keys a number is in, and which item a number stands for.
 *
 * The rule of a search says how ties and nan come out, and which keys are looked at, which makes a difference where they
 * do not ascend: as Python's bisect and NumPy's searchsorted have it, whose halves are the same, or as NumPy's interp.
 * A search among n keys gives a whole number from 0 to n; one by PG_LIKE_INTERP from 0, below all, to n + 1, above all,
 * and n where x is the last key. */
#ifndef PG_CELLS_H
#define PG_CELLS_H

#include <stddef.h>

typedef enum {
    PG_BISECT_LEFT,        /* so many keys are less than x */
    PG_BISECT_RIGHT,       /* so many keys are not larger */
    PG_SEARCH_LEFT,        /* the same with nan as the largest number */
    PG_SEARCH_RIGHT,
    PG_LIKE_INTERP,
    PG_RULE_COUNT
} pg_rule;

/* Whether x belongs behind a key. */
static inline int pg_is_behind(unsigned rule, double key, double x)
{
    switch ((pg_rule)rule) {
    case PG_BISECT_LEFT:
        return key < x;
    case PG_SEARCH_LEFT:
        return (key < x) | ((x != x) & (key == key));
    case PG_SEARCH_RIGHT:
        return !((x < key) | ((key != key) & (x == x)));
    default:
        return !(x < key);
    }
}

/* size_t name(type from, unsigned rule, size_t count, double x): the search among keys, of which KEY(i) is number i of
 * those that from stands for; of none it must not be asked by PG_LIKE_INTERP. What NumPy's interp tries first are keys 1 to 3 and the 8 behind. */
#define PG_CELL_FUNCTION(name, type, KEY) \
    static inline size_t name(type from, unsigned rule, size_t count, double x) \
    { \
        size_t low = 0, high = count; \
        if (rule == PG_LIKE_INTERP) { \
            if (x > KEY(count - 1)) \
                return count + 1; \
            if (x < KEY(0)) \
                return 0; \
            if (count <= 4) { \
                for (low = 1; low < count && x >= KEY(low); low++) { \
                } \
                return low; \
            } \
            if (x < KEY(1)) \
                return 1; \
            if (x < KEY(2)) \
                return 2; \
            if (x < KEY(3)) \
                return 3; \
            low = 3; \
            if (count > 10 && x < KEY(9)) \
                high = 9; \
            while (low < high) { \
                const size_t middle = low + ((high - low) >> 1); \
                if (x >= KEY(middle)) \
                    low = middle + 1; \
                else \
                    high = middle; \
            } \
            return low; \
        } \
        while (low < high) { \
            const size_t middle = low + ((high - low) >> 1); \
            if (pg_is_behind(rule, KEY(middle), x)) \
                low = middle + 1; \
            else \
                high = middle; \
        } \
        return low; \
    }

/* The number of the item that an index stands for, or count if it stands for none: if it is not whole, or out of range,
 * or nan. */
static inline size_t pg_item_number(double index, size_t count)
{
    if (!(index >= 0.0 && index < (double)count))
        return count;
    const size_t number = (size_t)index;
    return (double)number == index ? number : count;
}

#endif
