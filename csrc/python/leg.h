/* leg.h: programs without rows, each with its memory, for one call after the other from C.
 *
 * Memory for the numbers of a call is taken from the leg and given back; whoever finds none, as another call has it, gets
 * new one. So calls may be within calls, and another thread may call while one has let go of Python's lock. */
#ifndef PG_LEG_H
#define PG_LEG_H

#include "python/forms.h"

typedef struct pg_leg pg_leg;

/* Where calls go that leave a path at a guard. */
typedef struct {
    uint32_t guard;
    pg_leg *to;            /* NULL: to Python */
} pg_fork;

/* Where a Path, which is a tuple, has what is read of it here. */
enum { PG_PATH_LIVES = 2, PG_PATH_BRANCHES = 5 };

struct pg_leg {
    const pg_program *program; /* of the path, which keeps it */
    PyObject *path;        /* a Path, owned: see pygrad/programs/paths.py */
    PyObject *lives, *branches; /* of it: a tuple of Values, a dict of paths by guards. Borrowed */
    pg_slot *slots;        /* for each input, and where nothing needs it one that nothing else uses */
    uint32_t *runs;        /* see pg_cursor */
    pg_form result;        /* what the outputs are */
    pg_fork *forks;
    size_t fork_count;
    double *idle;          /* memory of a call, or NULL */
    size_t steps;          /* as pg_program_steps() says */
    size_t calls;          /* as long as it is not packed */
    struct pg_pack *pack;  /* a reference; NULL before it has been called often, and where packing is of no use */
};

/* All legs of one program, the first path's in front. They stay where they are. */
typedef struct {
    pg_leg **all;
    size_t count;
} pg_legs;

/* Adds a leg of a Path, for so many numbers: by the address of its program, an int, and the form of its result, or None
 * for a leg that makes none. NULL with an exception set. The legs own it. */
pg_leg *pg_legs_add(pg_legs *legs, size_t numbers, PyObject *path, PyObject *address, PyObject *result);

/* That of a path, or NULL. Borrowed. */
pg_leg *pg_legs_of(const pg_legs *legs, PyObject *path);

/* Gives back all that they own, and shows it to the collector. */
void pg_legs_clear(pg_legs *legs);
int pg_legs_traverse(const pg_legs *legs, visitproc visit, void *arg);

/* The fork at a guard, or NULL if none was added. Borrowed, until another one is added. */
const pg_fork *pg_leg_fork(const pg_leg *leg, uint32_t guard);

/* False with MemoryError set. */
int pg_leg_add_fork(pg_leg *leg, uint32_t guard, pg_leg *to);

/* Memory of a call, the constants in it: for pg_leg_give, or for pg_leg_drop if the leg may be gone; or NULL with
 * MemoryError set. A leg that has been called often has its program packed here: see pack.h. */
double *pg_leg_take(pg_leg *leg);
void pg_leg_give(pg_leg *leg, double *uniforms);
void pg_leg_drop(double *uniforms);

/* The slots in which such memory has the results of a run. Borrowed. */
const pg_slot *pg_leg_results(const pg_leg *leg, double *uniforms);

/* Runs the program: 1 if the results are there, 0 if its numbers leave the path at *guard, 2 if they are there and a
 * derivative may be singular; -1 where a captured Value is not to be read so, or where the program has loops of many
 * trips, which may have to be stopped. Never with an exception set. */
int pg_leg_run(const pg_leg *leg, double *uniforms, uint32_t *guard);

#endif
