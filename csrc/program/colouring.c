/* colouring.c: which columns of a sparse matrix may share a direction: colours of the vertices of a graph.
 *
 * Vertices get, one after the other, the smallest colour that is not forbidden. Source: Gebremedhin, Manne and
 * Pothen, What color is your Jacobian? (SIAM Review 47, 2005); for stars, Gebremedhin, Tarafdar, Manne and Pothen,
 * New acyclic and star coloring algorithms (SIAM J. Sci. Comput. 29, 2007). */
#include "graph/stopping.h"

enum { NOBODY = -1, NO_MEMORY = -1, STOPPED = -2 };

/* An array of count numbers that are NOBODY; NULL for want of memory. Caller owns. */
static int32_t *nobodies(size_t count)
{
    int32_t *numbers = pg_alloc(count + 1, sizeof *numbers);
    for (size_t i = 0; numbers != NULL && i < count; i++)
        numbers[i] = NOBODY;
    return numbers;
}

/* The smallest colour that is not forbidden to v: forbidden has for each colour the last vertex it was forbidden
 * to. */
static int32_t first_allowed(const int32_t *forbidden, int32_t v)
{
    int32_t colour = 0;
    while (forbidden[colour] == v)
        colour++;
    return colour;
}

/* -- columns without a row in common ------------------------------------------------------------- */

/* How many entries it has looked at. */
static size_t forbid_in_rows(const pg_pattern *by_row, const pg_pattern *by_column, int32_t v, const int32_t *colours,
                             int32_t *forbidden)
{
    size_t steps = 1;
    for (uint32_t i = by_column->starts[v]; i < by_column->starts[v + 1]; i++) {
        const uint32_t row = by_column->items[i];
        steps += by_row->starts[row + 1] - by_row->starts[row];
        for (uint32_t k = by_row->starts[row]; k < by_row->starts[row + 1]; k++)
            if (colours[by_row->items[k]] != NOBODY)
                forbidden[colours[by_row->items[k]]] = v;
    }
    return steps;
}

int32_t pg_colour_columns(const pg_pattern *by_row, const pg_pattern *by_column, const int32_t *order, int32_t most,
                          int32_t *colours)
{
    const size_t columns = by_row->columns;
    int32_t *forbidden = nobodies(columns), used = 0;
    pg_work work = {0};
    if (forbidden == NULL)
        return NO_MEMORY;
    for (size_t i = 0; i < columns; i++)
        colours[i] = NOBODY;
    for (size_t i = 0; i < columns && used <= most && !work.stopped; i++) {
        const int32_t v = order[i];
        pg_goes_on(&work, forbid_in_rows(by_row, by_column, v, colours, forbidden));
        colours[v] = first_allowed(forbidden, v);
        used = colours[v] < used ? used : colours[v] + 1;
    }
    pg_free(forbidden);
    return work.stopped ? STOPPED : used;
}

/* -- stars --------------------------------------------------------------------------------------- *
 * Neighbours differ in colour, and no path over four vertices has two colours: then the vertices of any two colours
 * make stars, each a hub with spokes around it. Edges of a star know it; a star of one edge has no hub yet. For each
 * vertex the colours of its neighbours are listed, each with one edge that leads there. */

typedef struct {
    const pg_pattern *graph; /* symmetric; the diagonal is no edge */
    const int32_t *colours;
    uint32_t *reverse;     /* for each entry of the graph the one with row and column exchanged */
    uint32_t *star_of;     /* for each entry, once both ends have colours, its star */
    int32_t *hubs;         /* for each star its hub, or NOBODY */
    uint32_t star_count;
    uint32_t *palettes;    /* from graph->starts[v]: entries of v, one for each colour among its neighbours */
    uint32_t *palette_sizes;
    int32_t *forbidden;
    int32_t *asked_by;     /* for each colour the vertex that has met a neighbour of it last, */
    uint32_t *met;         /* and the entry that led there */
    size_t steps;          /* entries that were looked at */
} star_colouring;

/* Entries stand in ascending order, so those of a column are met in ascending order of rows. */
static void find_reverse(star_colouring *s, uint32_t *next)
{
    const pg_pattern *g = s->graph;
    for (size_t v = 0; v < g->rows; v++)
        next[v] = g->starts[v];
    for (size_t v = 0; v < g->rows; v++)
        for (uint32_t e = g->starts[v]; e < g->starts[v + 1]; e++)
            s->reverse[e] = next[g->items[e]]++;
}

/* All colours among the neighbours of w are forbidden to v: w would be in the middle of a path of two colours. */
static void forbid_neighbours(star_colouring *s, uint32_t w, int32_t v)
{
    const pg_pattern *g = s->graph;
    s->steps += s->palette_sizes[w];
    for (uint32_t i = 0; i < s->palette_sizes[w]; i++)
        s->forbidden[s->colours[g->items[s->palettes[g->starts[w] + i]]]] = v;
}

/* The colours of hubs whose spoke w is are forbidden to v: a spoke has no other neighbour of its hub's colour. */
static void forbid_hubs(star_colouring *s, uint32_t w, int32_t v)
{
    const pg_pattern *g = s->graph;
    s->steps += s->palette_sizes[w];
    for (uint32_t i = 0; i < s->palette_sizes[w]; i++) {
        const uint32_t e = s->palettes[g->starts[w] + i];
        if (s->hubs[s->star_of[e]] == (int32_t)g->items[e])
            s->forbidden[s->colours[g->items[e]]] = v;
    }
}

static void forbid_around(star_colouring *s, int32_t v)
{
    const pg_pattern *g = s->graph;
    for (uint32_t e = g->starts[v]; e < g->starts[v + 1]; e++) {
        const uint32_t w = g->items[e];
        const int32_t colour = s->colours[w];
        if (w == (uint32_t)v || colour == NOBODY)
            continue;
        s->forbidden[colour] = v;
        if (s->asked_by[colour] == v) { /* v will be the hub of both */
            forbid_neighbours(s, g->items[s->met[colour]], v);
            forbid_neighbours(s, w, v);
        } else {
            s->asked_by[colour] = v;
            s->met[colour] = e;
            forbid_hubs(s, w, v);
        }
    }
}

/* The entry of w in its palette that leads to a colour, or that of its end. */
static uint32_t *in_palette(star_colouring *s, uint32_t w, int32_t colour)
{
    const pg_pattern *g = s->graph;
    uint32_t *entry = s->palettes + g->starts[w], *end = entry + s->palette_sizes[w];
    while (entry != end && s->colours[g->items[*entry]] != colour)
        entry++;
    s->steps += (size_t)(entry - s->palettes) - g->starts[w];
    return entry;
}

static void join(star_colouring *s, uint32_t e, uint32_t star, int32_t hub)
{
    s->star_of[e] = s->star_of[s->reverse[e]] = star;
    s->hubs[star] = hub;
}

/* The edges between v, which has its colour now, and its neighbours find their stars. */
static void update_stars(star_colouring *s, int32_t v)
{
    const pg_pattern *g = s->graph;
    for (uint32_t e = g->starts[v]; e < g->starts[v + 1]; e++) {
        const uint32_t w = g->items[e];
        if (w == (uint32_t)v || s->colours[w] == NOBODY)
            continue;
        uint32_t *of_w = in_palette(s, w, s->colours[v]);
        const uint32_t first = s->met[s->colours[w]];
        if (of_w != s->palettes + g->starts[w] + s->palette_sizes[w]) {
            join(s, e, s->star_of[*of_w], (int32_t)w); /* w has a neighbour of v's colour */
        } else {
            if (first != e)
                join(s, e, s->star_of[first], v);
            else
                join(s, e, s->star_count++, NOBODY);
            *of_w = s->reverse[e];
            s->palette_sizes[w]++;
        }
        uint32_t *of_v = in_palette(s, (uint32_t)v, s->colours[w]);
        if (of_v == s->palettes + g->starts[v] + s->palette_sizes[v]) {
            *of_v = e;
            s->palette_sizes[v]++;
        }
    }
}

static int32_t colour_stars(star_colouring *s, const int32_t *order, int32_t most, int32_t *colours)
{
    const size_t count = s->graph->rows;
    int32_t used = 0;
    pg_work work = {0};
    for (size_t i = 0; i < count; i++) {
        colours[i] = NOBODY;
        s->palette_sizes[i] = 0;
    }
    for (size_t i = 0; i < count && used <= most && !work.stopped; i++) {
        const int32_t v = order[i];
        s->steps = s->graph->starts[v + 1] - s->graph->starts[v] + 1;
        forbid_around(s, v);
        colours[v] = first_allowed(s->forbidden, v);
        used = colours[v] < used ? used : colours[v] + 1;
        update_stars(s, v);
        pg_goes_on(&work, s->steps);
    }
    return work.stopped ? STOPPED : used;
}

int32_t pg_colour_stars(const pg_pattern *graph, const int32_t *order, int32_t most, int32_t *colours)
{
    const size_t vertices = graph->rows, entries = graph->count + 1;
    star_colouring s = {.graph = graph,
                        .colours = colours,
                        .reverse = pg_alloc(entries, sizeof *s.reverse),
                        .star_of = pg_alloc(entries, sizeof *s.star_of),
                        .hubs = nobodies(entries),
                        .palettes = pg_alloc(entries, sizeof *s.palettes),
                        .palette_sizes = pg_alloc(vertices + 1, sizeof *s.palette_sizes),
                        .forbidden = nobodies(vertices),
                        .asked_by = nobodies(vertices),
                        .met = pg_alloc(vertices + 1, sizeof *s.met)};
    int32_t used = NO_MEMORY;
    if (s.reverse != NULL && s.star_of != NULL && s.hubs != NULL && s.palettes != NULL && s.palette_sizes != NULL &&
        s.forbidden != NULL && s.asked_by != NULL && s.met != NULL) {
        find_reverse(&s, s.met);
        used = colour_stars(&s, order, most, colours);
    }
    pg_free(s.reverse);
    pg_free(s.star_of);
    pg_free(s.hubs);
    pg_free(s.palettes);
    pg_free(s.palette_sizes);
    pg_free(s.forbidden);
    pg_free(s.asked_by);
    pg_free(s.met);
    return used;
}
