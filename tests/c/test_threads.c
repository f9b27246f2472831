/* test_threads.c: what threads share: nodes and sweeps under one lock, programs without any.
 * Linked with the files of csrc that do not include Python.h, by tests/package/test_c_library.py; and by
 * tests/faults/thread_sanitizer.py, which looks for accesses that nothing orders. */
#define _XOPEN_SOURCE 600 /* barriers */

#include "traces.h"

#include <pthread.h>

enum { THREADS = 4 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* as Python's */
static pthread_barrier_t all_there;

static int unlocked;       /* to see that what the lock prevents would be seen */

static void lock(void)
{
    if (!unlocked)
        pthread_mutex_lock(&mutex);
}

static void unlock(void)
{
    if (!unlocked)
        pthread_mutex_unlock(&mutex);
}

static void in_threads(void *(*work)(void *), void *shared)
{
    pthread_t threads[THREADS];
    CHECK(pthread_barrier_init(&all_there, NULL, THREADS) == 0);
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, work, shared) == 0);
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    pthread_barrier_destroy(&all_there);
}

static double usual_number(void)
{
    return between(-2.0, 2.0);
}

/* -- nodes, sweeps and programs made: under the lock ----------------------------------------------- */

/* Sweeps of graphs of a thread's own over a leaf that all share, each step of them under the lock by itself. */
static void *sweep_own_graphs(void *shared)
{
    pg_node *x = shared, *due;
    pthread_barrier_wait(&all_there);
    for (int turn = 0; turn < 200; turn++) {
        pg_sweep *s;
        pg_status status;
        lock();
        pg_node *n = pg_retain(x);
        for (int i = 0; i < 50; i++)
            n = consumed(PG_OP_add, n, pg_retain(x));
        CHECK(pg_sweep_open(n, 1, &s) == PG_OK);
        do {
            status = pg_sweep_sort(s, 7);
            unlock(); /* others have their turn, as between steps of Python's */
            lock();
        } while (status == PG_MORE);
        CHECK(status == PG_OK);
        pg_sweep_begin(s, 1.0);
        while ((status = pg_sweep_step(s, 7, &due)) == PG_MORE) {
            unlock();
            lock();
        }
        if (turn % 2)
            pg_sweep_commit(s);
        else
            pg_sweep_abandon(s);
        pg_release(n);
        unlock();
    }
    return NULL;
}

static void test_sweeps_of_several_threads_in_turns(void)
{
    pg_node *x = pg_leaf(1.0);
    in_threads(sweep_own_graphs, x);
    CHECK(pg_live_nodes() == 1);
    pg_release(x);
}

/* Traces of a thread's own, and their programs run while others do the same. */
static void *make_and_run(void *shared)
{
    pthread_barrier_wait(&all_there);
    (void)shared;
    for (int turn = 0; turn < 30; turn++) {
        trace t;
        row_set r;
        double lives[LIVES];
        uint32_t guard;
        lock();
        random_state = (uint64_t)turn;
        make_trace(&t, 30, usual_number);
        pg_program *p = program_of(&t, lives);
        make_rows(&r, &t, p, 100, usual_number);
        unlock();
        memcpy(r.lives, lives, sizeof lives);
        const pg_batch batch = batch_of(&r, p);
        CHECK(pg_program_verify(p) == 1);
        if (pg_program_run_once(p, &batch, &guard))
            pg_program_run(p, &batch);
        pg_program_free(p);
        lock();
        drop_rows(&r);
        drop_trace(&t);
        unlock();
    }
    return NULL;
}

static void test_programs_are_made_in_turns_and_run_beside_each_other(void)
{
    in_threads(make_and_run, NULL);
    CHECK(pg_live_nodes() == 0);
}

/* -- one program, without the lock ----------------------------------------------------------------- */

typedef struct {
    const trace *t;
    const pg_program *p;
    const row_set *expected;
    int *stop;
} shared_program;

/* All that may be done with a program by any thread at any time. */
static void *use_program(void *shared)
{
    const shared_program *of = shared;
    const pg_program *p = of->p;
    row_set r = *of->expected;
    uint16_t codes[PG_CODE_COUNT];
    uint32_t guard;
    double *outputs[MOST_OUTPUTS];
    for (uint16_t i = 0; i < PG_CODE_COUNT; i++)
        codes[i] = i;
    r.uniforms = room(pg_uniform_bytes(p), 1);
    r.lanes = room(2 * pg_lane_bytes(p), 1);
    r.totals = room(r.pieces * r.each, sizeof(double));
    r.left = room(r.count, sizeof *r.left);
    for (size_t i = 0; i < MOST_OUTPUTS; i++)
        r.outputs[i] = outputs[i] = room(r.count, sizeof(double));
    pthread_barrier_wait(&all_there);
    for (int turn = 0; turn < TIMES(20); turn++) {
        pg_pattern *m;
        pg_program *q;
        pg_batch batch = batch_of(&r, p);
        batch.threads = 1 + (size_t)turn % 2; /* helpers go from one to the other */
        CHECK(pg_program_run_once(p, &batch, &guard));
        pg_program_run(p, &batch);
        for (size_t i = 0; i < of->t->output_count; i++)
            for (size_t k = 0; k < r.count; k++)
                CHECK(same_number(r.outputs[i][k], of->expected->outputs[i][k]));
        CHECK(pg_program_pattern(p, 0, p->inputs, p->outputs, SIZE_MAX, &m) == 1);
        pg_pattern_free(m);
        unsigned char *bytes = pg_alloc(pg_program_size(p, p->inputs), 1);
        pg_program_write(p, p->inputs, codes, NULL, bytes);
        CHECK(pg_program_read(bytes, pg_program_size(p, p->inputs), p->lives, codes, PG_CODE_COUNT, NULL, &q) == 1);
        pg_program_free(q);
        pg_free(bytes);
        CHECK(pg_code_name(p->code[0].code) != NULL && pg_lane_instructions() != NULL && pg_piece(r.count) != 0);
    }
    pg_batch until_stopped = batch_of(&r, p);
    until_stopped.stop = of->stop;
    for (int turn = 0; pg_program_run(p, &until_stopped) >= 0; turn++)
        if (turn == 3)
            pg_stop(of->stop); /* all of them */
    CHECK(pg_is_stopped(of->stop));
    free(r.uniforms), free(r.lanes), free(r.totals), free(r.left);
    for (size_t i = 0; i < MOST_OUTPUTS; i++)
        free(outputs[i]);
    return NULL;
}

/* Without guards or totals: every row and output is then to be compared. */
static void test_one_program_in_several_threads(void)
{
    size_t used = 0;
    for (uint64_t seed = 1; used < TIMES(20); seed++) {
        trace t;
        row_set r;
        double lives[LIVES];
        random_state = seed;
        make_trace(&t, 40, usual_number);
        t.guard_count = 0;
        memset(t.totals, 0, sizeof t.totals);
        memset(t.rows, 1, sizeof t.rows);
        pg_program *p = program_of(&t, lives);
        uint32_t guard;
        make_rows(&r, &t, p, 2118, usual_number);
        memcpy(r.lives, lives, sizeof lives);
        for (size_t i = 0; i < t.output_count; i++)
            memset(r.outputs[i], 0, r.count * sizeof(double));
        const pg_batch batch = batch_of(&r, p);
        CHECK(pg_program_run_once(p, &batch, &guard));
        pg_program_run(p, &batch);
        int written = p->length != 0; /* what is the same for all rows is not */
        for (size_t i = 0; i < t.output_count; i++)
            written = written && p->result_slots[i] == PG_NO_SLOT;
        if (written) {
            int stop = 0;
            shared_program shared = {&t, p, &r, &stop};
            in_threads(use_program, &shared);
            used++;
        }
        drop_rows(&r);
        pg_program_free(p);
        drop_trace(&t);
    }
}

int main(int argc, char **argv)
{
    unlocked = argc > 1 && strcmp(argv[1], "unlocked") == 0;
    RUN(test_sweeps_of_several_threads_in_turns);
    RUN(test_programs_are_made_in_turns_and_run_beside_each_other);
    RUN(test_one_program_in_several_threads);
    CHECK(pg_live_nodes() == 0);
    printf("OK\n");
    return 0;
}
