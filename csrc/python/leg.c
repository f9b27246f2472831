/* leg.c: see leg.h. */
#include "python/leg.h"

#include "graph/memory.h"
#include "program/evaluate.h"
#include "program/pack.h"
#include "program/program.h"
#include "program/steps.h"
#include "python/trace.h"

/* Instructions and terms of a program that is not worth letting other threads run meanwhile: some 10 us. */
enum { SHORT = 5000 };

/* For each slot how many from it on stand side by side. */
static void count_runs(const pg_leg *leg, size_t inputs)
{
    for (size_t i = inputs; i-- > 0;)
        leg->runs[i] = i + 1 < inputs && leg->slots[i + 1] == leg->slots[i] + 1 ? leg->runs[i + 1] + 1 : 1;
}

/* False with an exception set; so where more inputs are needed than there are numbers, or some are of rows. */
static int place_inputs(pg_leg *leg, const pg_program *p, size_t numbers)
{
    leg->slots = pg_alloc(p->inputs + 1, sizeof *leg->slots);
    leg->runs = pg_alloc(p->inputs + 1, sizeof *leg->runs);
    if (leg->slots == NULL || leg->runs == NULL)
        return PyErr_NoMemory() != NULL;
    int fits = numbers <= p->inputs;
    for (size_t i = 0; i < p->inputs; i++) {
        const pg_slot slot = p->input_slots[i];
        fits &= slot == PG_NO_SLOT || (i < numbers && !(slot & PG_ROW));
        leg->slots[i] = slot == PG_NO_SLOT ? (pg_slot)p->uniforms : slot;
    }
    if (!fits)
        PyErr_SetString(PyExc_ValueError, "a program without rows reads the numbers that there are");
    count_runs(leg, p->inputs);
    return fits;
}

/* Whether the result has as many numbers as there are outputs, and all of them are there after a run. */
static int fits(const pg_leg *leg, const pg_program *p)
{
    int all = leg->result.size == p->outputs;
    for (size_t i = 0; i < p->outputs; i++)
        all &= p->result_slots[i] != PG_NO_SLOT;
    if (!all)
        PyErr_SetString(PyExc_ValueError, "the form of a result has as many numbers as its program has outputs");
    return all;
}

static int fill(pg_leg *leg, size_t numbers, PyObject *path, PyObject *address, PyObject *result)
{
    const pg_program *p = PyLong_AsVoidPtr(address);
    if (p == NULL || !PyTuple_Check(path) || PyTuple_Size(path) <= PG_PATH_BRANCHES) {
        if (!PyErr_Occurred())
            PyErr_SetString(PyExc_TypeError, "a path is a Path, and has a program");
        return 0;
    }
    if (result != Py_None && !(pg_form_from(&leg->result, result) && fits(leg, p)))
        return 0;
    if (!place_inputs(leg, p, numbers))
        return 0;
    leg->path = Py_NewRef(path);
    leg->lives = PyTuple_GetItem(path, PG_PATH_LIVES);
    leg->branches = PyTuple_GetItem(path, PG_PATH_BRANCHES);
    leg->program = p;
    leg->steps = pg_program_steps(p);
    return 1;
}

/* A block with room for one item more than there are; NULL with MemoryError set. */
static void *grown(void *block, size_t count, size_t size)
{
    void *new = count == 0 ? pg_alloc(1, size) : pg_resize(block, count, count + 1, size);
    return new == NULL ? (void *)PyErr_NoMemory() : new;
}

static void free_leg(pg_leg *leg)
{
    pg_form_clear(&leg->result);
    pg_free(leg->slots);
    pg_free(leg->runs);
    pg_free(leg->forks);
    if (leg->idle != NULL)
        pg_leg_drop(leg->idle);
    pg_pack_release(leg->pack);
    Py_XDECREF(leg->path);
    pg_free(leg);
}

pg_leg *pg_legs_add(pg_legs *legs, size_t numbers, PyObject *path, PyObject *address, PyObject *result)
{
    pg_leg *leg = pg_alloc(1, sizeof *leg);
    pg_leg **all = leg == NULL ? (pg_leg **)(void *)PyErr_NoMemory() : grown(legs->all, legs->count, sizeof *all);
    if (all == NULL) {
        pg_free(leg);
        return NULL;
    }
    legs->all = all;
    *leg = (pg_leg){.program = NULL};
    if (!fill(leg, numbers, path, address, result)) {
        free_leg(leg);
        return NULL;
    }
    return legs->all[legs->count++] = leg;
}

pg_leg *pg_legs_of(const pg_legs *legs, PyObject *path)
{
    for (size_t i = 0; i < legs->count; i++)
        if (legs->all[i]->path == path)
            return legs->all[i];
    return NULL;
}

void pg_legs_clear(pg_legs *legs)
{
    const pg_legs before = *legs;
    *legs = (pg_legs){.count = 0};
    for (size_t i = 0; i < before.count; i++)
        free_leg(before.all[i]);
    pg_free(before.all);
}

int pg_legs_traverse(const pg_legs *legs, visitproc visit, void *arg)
{
    for (size_t i = 0; i < legs->count; i++) {
        Py_VISIT(legs->all[i]->path);
        const int stop = pg_form_traverse(&legs->all[i]->result, visit, arg);
        if (stop)
            return stop;
    }
    return 0;
}

const pg_fork *pg_leg_fork(const pg_leg *leg, uint32_t guard)
{
    for (size_t i = 0; i < leg->fork_count; i++)
        if (leg->forks[i].guard == guard)
            return &leg->forks[i];
    return NULL;
}

int pg_leg_add_fork(pg_leg *leg, uint32_t guard, pg_leg *to)
{
    pg_fork *forks = grown(leg->forks, leg->fork_count, sizeof *forks);
    if (forks == NULL)
        return 0;
    leg->forks = forks;
    leg->forks[leg->fork_count++] = (pg_fork){guard, to};
    return 1;
}

/* What stands in front of a call's numbers, which begin at a whole line of the cache. */
typedef struct {
    void *block;
    pg_pack *pack;         /* for which it is; NULL: for the program as it is */
} header;

enum { LINE = 64 };

static header *header_of(double *uniforms)
{
    return (header *)(void *)((char *)uniforms - LINE);
}

/* Memory for the leg as it is now; NULL with MemoryError set. */
static double *new_memory(const pg_leg *leg)
{
    const size_t bytes = pg_uniform_bytes(leg->pack == NULL ? leg->program : &leg->pack->rest);
    char *block = pg_alloc(bytes + 2 * LINE, 1);
    if (block == NULL)
        return (double *)(void *)PyErr_NoMemory();
    double *uniforms = (double *)(void *)(block + 2 * LINE - (uintptr_t)block % LINE);
    memset(uniforms, 0, bytes);
    *header_of(uniforms) = (header){block, leg->pack == NULL ? NULL : pg_pack_retain(leg->pack)};
    return uniforms;
}

/* Packs the program of a leg that is called often; if there is no memory for it it stays as it is. */
static void pack(pg_leg *leg)
{
    if (leg->program->loop_count != 0 || pg_pack_make(leg->program, &leg->pack) != PG_OK || leg->pack == NULL)
        return;
    if (leg->idle != NULL)
        pg_leg_drop(leg->idle);
    leg->idle = NULL;
}

double *pg_leg_take(pg_leg *leg)
{
    if (leg->calls <= pg_pack_after() && leg->calls++ == pg_pack_after())
        pack(leg);
    double *uniforms = leg->idle;
    leg->idle = NULL;
    if (uniforms == NULL)
        uniforms = new_memory(leg);
    if (uniforms != NULL)
        pg_place_constants(leg->program, uniforms);
    return uniforms;
}

void pg_leg_give(pg_leg *leg, double *uniforms)
{
    if (leg->idle == NULL && header_of(uniforms)->pack == leg->pack)
        leg->idle = uniforms;
    else
        pg_leg_drop(uniforms);
}

void pg_leg_drop(double *uniforms)
{
    pg_pack_release(header_of(uniforms)->pack);
    pg_free(header_of(uniforms)->block);
}

const pg_slot *pg_leg_results(const pg_leg *leg, double *uniforms)
{
    const pg_pack *pack = header_of(uniforms)->pack;
    return pack == NULL ? leg->program->result_slots : pack->rest.result_slots;
}

/* The numbers of captured Values; false if one is of a trace, or was never initialised. */
static int read_lives(const pg_leg *leg, double *uniforms)
{
    for (size_t i = 0; i < leg->program->lives; i++) {
        const pg_node *n = PG_NODE(PyTuple_GetItem(leg->lives, (Py_ssize_t)i));
        if (n == NULL || n->flags & PG_UNBUILT_OR_TRACED)
            return 0;
        uniforms[i] = n->value;
    }
    return 1;
}

static int run(const pg_program *p, double *uniforms, uint32_t *guard)
{
    const pg_pack *pack = header_of(uniforms)->pack;
    return pack == NULL ? pg_uniforms_run(p, uniforms, guard) : pg_pack_run(pack, uniforms, guard);
}

int pg_leg_run(const pg_leg *leg, double *uniforms, uint32_t *guard)
{
    const pg_program *p = leg->program;
    if (leg->steps == SIZE_MAX || (p->lives != 0 && !read_lives(leg, uniforms)))
        return -1;
    if (leg->steps < SHORT)
        return run(p, uniforms, guard);
    PyThreadState *state = PyEval_SaveThread();
    const int outcome = run(p, uniforms, guard);
    PyEval_RestoreThread(state);
    return outcome;
}
