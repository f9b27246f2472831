/* test_pieces.c: rows of a run cut into pieces, and threads that share them: the same results, and the same failures.
 * Linked with the files of csrc that do not include Python.h, by tests/package/test_c_library.py. */
#define _XOPEN_SOURCE 700 /* fork, nanosleep */

#include "loops.h"
#include "program/call.h"
#include "program/pieces.h"

#include <pthread.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ROWS = 1000, EARLY = 70, LATE = 900 }; /* the last two are in different pieces */

static double usual_number(void)
{
    return between(-2.0, 2.0);
}

/* -- how rows are cut ------------------------------------------------------------------------------ */

static void test_two_threads_get_as_many_pieces_each_or_one_of_many_more(void)
{
    for (size_t rows = 1; rows <= 40000; rows++) {
        const size_t piece = pg_piece(rows), pieces = pieces_of(rows);
        CHECK(piece % PG_LANES == 0 && piece <= 16 * PG_LANES);
        CHECK(pieces == 1 ? rows < 512 : rows >= 512 && (pieces % 2 == 0 || pieces > 14));
    }
}

static void test_totals_of_pieces_are_added_in_order(void)
{
    double totals[6] = {1.0, 1e-17, 1e16, 2.0, -1e16, 4.0};
    pg_add_pieces(totals, 3, 2);
    CHECK(totals[0] == (1.0 + 1e16) - 1e16 && totals[1] == (1e-17 + 2.0) + 4.0);
}

/* -- how many threads ------------------------------------------------------------------------------ */

static void test_little_work_is_not_worth_a_thread(void)
{
    trace t;
    double read[LIVES];
    random_state = 1;
    make_trace(&t, 30, usual_number);
    pg_program *p = program_of(&t, read);
    CHECK(pg_threads(p, 1, 8) == 1 && pg_threads(p, 64, 8) == 1 && pg_threads(p, 0, 8) == 1);
    CHECK(pg_threads(p, 200, 8) == 1 && pg_threads(p, 1000000, 1) == 1);
    CHECK(pg_threads(p, 1000000, 8) == 8);
    size_t last = 1, between_them = 0;
    for (size_t rows = 64; rows < 1000000; rows *= 2) {
        const size_t threads = pg_threads(p, rows, 8);
        CHECK(threads >= last && threads <= 8);
        between_them += threads > 1 && threads < 8;
        last = threads;
    }
    CHECK(between_them > 0);
    pg_program_free(p);
    drop_trace(&t);
}

static void test_sums_are_worth_as_much_as_their_terms(void)
{
    pg_instruction code[2] = {{.code = PG_CODE_FUSED, .count = 1000}, {.code = PG_CODE_CONTRACTED, .count = 1000}};
    pg_program p = {.code = code, .length = 1};
    CHECK(pg_threads(&p, 1000, 16) == 8);
    p.length = 2;
    CHECK(pg_threads(&p, 1000, 16) == 16);
}

/* -- the same results ------------------------------------------------------------------------------ */

static void check_threads(const trace *t, const pg_program *p, row_set *r)
{
    static double totals[40 * MOST_OUTPUTS], outputs[MOST_OUTPUTS][10000];
    static uint32_t left[10000];
    uint32_t guard;
    pg_batch batch = batch_of(r, p);
    CHECK(r->count <= 10000 && r->pieces <= 40);
    if (!pg_program_run_once(p, &batch, &guard))
        return;
    free(r->lanes);
    batch.lanes = r->lanes = room(8 * pg_lane_bytes(p), 1);
    static const size_t threads[] = {0, 1, 2, 3, 8};
    for (size_t k = 0; k < sizeof threads / sizeof *threads; k++) {
        batch.threads = threads[k];
        const int64_t place = pg_program_run(p, &batch);
        CHECK(place == 0);
        for (size_t i = 0; i < t->output_count; i++) {
            if (k == 0)
                memcpy(outputs[i], r->outputs[i], r->count * sizeof(double));
            for (size_t l = 0; l < r->count; l++)
                CHECK(memcmp(&outputs[i][l], &r->outputs[i][l], sizeof(double)) == 0);
        }
        if (k == 0) {
            memcpy(totals, r->totals, r->pieces * r->each * sizeof(double));
            memcpy(left, r->left, r->count * sizeof *left);
        }
        CHECK(memcmp(totals, r->totals, r->pieces * r->each * sizeof(double)) == 0);
        CHECK(p->guards == 0 || memcmp(left, r->left, r->count * sizeof *left) == 0);
    }
}

static void test_results_do_not_depend_on_threads(void)
{
    static const size_t counts[] = {1, 63, 64, 65, 255, 257, 511, 512, 513, 1023, 1025, 3000, 10000};
    for (uint64_t seed = 1; seed <= TIMES(3 * sizeof counts / sizeof *counts); seed++) {
        trace t;
        row_set r;
        double read[LIVES];
        random_state = 70000 + seed;
        make_trace(&t, 30, usual_number);
        memset(t.totals, seed % 2 != 0, sizeof t.totals);
        pg_program *p = program_of(&t, read);
        make_rows(&r, &t, p, counts[seed % (sizeof counts / sizeof *counts)], usual_number);
        memcpy(r.lives, read, sizeof read);
        for (size_t i = 0; i < t.output_count; i++)
            memset(r.outputs[i], 0, r.count * sizeof(double));
        memset(r.totals, 0, r.pieces * r.each * sizeof(double));
        check_threads(&t, p, &r);
        drop_rows(&r);
        pg_program_free(p);
        drop_trace(&t);
    }
}

/* -- failures -------------------------------------------------------------------------------------- */

/* What the function does that is called back, which doubles numbers; a number stands for its row. */
static struct {
    int in_order;      /* the early failure waits for the late one */
    int late_ends_all, early_ends_all; /* they are interrupts, and else failures of the call */
    int helper_comes;  /* before this thread goes on */
    int helper_waits;  /* until `released` */
    int *stop;         /* a helper sets it, and takes its time */
} plan;
static int failed_late, released, has_come; /* set once, by whoever it is about */
static int exceptions[2], dropped;
static pthread_t caller;

static void rest(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

static void wait_for(const int *flag)
{
    for (int i = 0; i < 20000 && !PG_IS_SET(flag); i++)
        rest();
    CHECK(PG_IS_SET(flag));
}

static int failing(int ends_all, int *exception)
{
    *(ends_all ? &pg_failure_here()->interrupt : &pg_failure_here()->error) = exception;
    return ends_all ? -1 : 0;
}

static int doubles(const pg_call *call, const double *operands, size_t rows, double *results, size_t *first,
                   size_t *last)
{
    (void)call;
    const int helps = !pthread_equal(pthread_self(), caller);
    if (plan.helper_comes) {
        if (helps)
            PG_SET(&has_come);
        wait_for(&has_come);
    }
    if (helps && plan.helper_waits)
        wait_for(&released);
    if (helps && plan.stop != NULL) {
        pg_stop(plan.stop);
        for (int i = 0; i < 60; i++)
            rest();
    }
    for (size_t i = 0; i < rows; i++) {
        *first = *last = i;
        results[i] = 2.0 * operands[i];
        if (operands[i] == (double)-LATE) {
            const int outcome = failing(plan.late_ends_all, &exceptions[1]);
            PG_SET(&failed_late);
            return outcome;
        }
        if (operands[i] == (double)-EARLY) {
            if (plan.in_order)
                wait_for(&failed_late);
            return failing(plan.early_ends_all, &exceptions[0]);
        }
    }
    return 1;
}

static void forget(void *what)
{
    (void)what;
}

static void drop(void *exception)
{
    CHECK(exception == &exceptions[0] || exception == &exceptions[1]);
    PG_SET(&dropped);
}

static double numbers[ROWS], doubled[ROWS];

static pg_program *calling(trace *t)
{
    double read[1];
    pg_node *item;
    *t = (trace){.inputs = 1, .count = 1, .nodes = {traced(pg_leaf(1.0))}, .optimise = 1, .output_count = 1};
    t->rows[0] = 1;
    pg_call *call = pg_call_make(1, 0, 1, "doubles", doubles, forget, NULL);
    CHECK(call != NULL);
    pg_node *n = pg_call_node(call, t->nodes, NULL, &item);
    hold(n), hold(item);
    pg_several_release(&call->base);
    t->outputs[0] = item;
    for (size_t l = 0; l < ROWS; l++)
        numbers[l] = (double)l;
    memset(&plan, 0, sizeof plan);
    failed_late = released = has_come = dropped = 0;
    caller = pthread_self();
    return program_of(t, read);
}

static int64_t run(const pg_program *p, const int *stop)
{
    const double *in[1] = {numbers};
    double *out[1] = {doubled};
    const ptrdiff_t strides[1] = {1};
    uint32_t guard;
    pg_batch batch = {.count = ROWS, .threads = 2, .stop = stop};
    batch.inputs = in;
    batch.strides = strides;
    batch.outputs = out;
    batch.output_strides = strides;
    batch.uniforms = room(pg_uniform_bytes(p), 1);
    batch.lanes = room(2 * pg_lane_bytes(p), 1);
    memset(doubled, 0, sizeof doubled);
    CHECK(pg_program_run_once(p, &batch, &guard) == 1);
    const int64_t outcome = pg_program_run(p, &batch);
    free(batch.uniforms);
    free(batch.lanes);
    return outcome;
}

static int all_doubled(void)
{
    for (size_t l = 0; l < ROWS; l++)
        if (doubled[l] != 2.0 * (double)l)
            return 0;
    return 1;
}

static void finish_with(pg_program *p, trace *t)
{
    pg_program_free(p);
    let_go(0);
    drop_trace(t);
}

static void test_the_first_row_that_fails_is_the_one_that_is_told_of(void)
{
    trace t;
    pg_program *p = calling(&t);
    numbers[EARLY] = -EARLY, numbers[LATE] = -LATE;
    pg_drop_exception = drop;
    plan.in_order = 1;
    CHECK(run(p, NULL) == -1);
    const pg_failure found = pg_failure_taken();
    CHECK(found.why == RAISED && found.row == EARLY && found.error == &exceptions[0] && found.interrupt == NULL);
    CHECK(dropped); /* the other one */
    finish_with(p, &t);
}

static void test_what_is_to_end_all_work_wins(void)
{
    trace t;
    pg_program *p = calling(&t);
    numbers[EARLY] = -EARLY, numbers[LATE] = -LATE;
    pg_drop_exception = drop;
    plan.in_order = plan.late_ends_all = 1;
    CHECK(run(p, NULL) == -1);
    const pg_failure found = pg_failure_taken();
    CHECK(found.why == ASKED && found.interrupt == &exceptions[1]);
    dropped = failed_late = 0, plan.early_ends_all = 1;
    CHECK(run(p, NULL) == -1 && dropped);
    CHECK(pg_failure_taken().interrupt == &exceptions[1]); /* the first that there was */
    finish_with(p, &t);
}

static int asked, forked_in;

static int ask_once(void)
{
    if (!PG_IS_SET(&has_come))
        return 0;
    asked++;
    PG_SET(&released);
    return 1;
}

static void test_who_waits_for_a_helper_looks_whether_to_stop(void)
{
    trace t;
    pg_program *p = calling(&t);
    plan.helper_comes = plan.helper_waits = 1;
    pg_stop_asked = ask_once;
    CHECK(run(p, NULL) == -1 && asked == 1);
    pg_stop_asked = NULL;
    finish_with(p, &t);
    int stop = 0;
    p = calling(&t);
    plan.helper_comes = 1, plan.stop = &stop;
    CHECK(run(p, &stop) == -1);
    CHECK(pg_failure_taken().interrupt == NULL);
    has_come = 0;
    CHECK(run(p, NULL) == 0 && all_doubled()); /* the flag is nobody's */
    finish_with(p, &t);
}

static void test_the_least_of_what_threads_tell_is_told(void)
{
    pg_pieces pieces = {.count = 0};
    static const size_t told[] = {0, 7, 9, 0, 3}, then[] = {0, 7, 7, 7, 3};
    for (size_t i = 0; i < sizeof told / sizeof *told; i++) {
        pg_pieces_tell(&pieces, told[i]);
        CHECK(pieces.singular == then[i]);
    }
}

/* -- loops ----------------------------------------------------------------------------------------- */

/* How many threads of eight so many rows of a loop are worth: of one trip, of nobody knows how many, or of such that call back. */
static size_t worth(int way, int calls, size_t rows)
{
    trace t = {.inputs = 2, .count = 2, .nodes = {traced(pg_leaf(1.0)), traced(pg_leaf(1.0))}, .optimise = 1};
    pg_node *x = hold(pg_leaf(1.0)), *y = hold(pg_leaf(2.0)), *item = x, *found[4], *results[2];
    pg_status status;
    double read[1];
    t.rows[0] = t.rows[1] = 1;
    if (calls) {
        pg_call *call = pg_call_make(1, 0, 1, "doubles", doubles, forget, NULL);
        CHECK(call != NULL);
        hold(pg_call_node(call, &x, NULL, &item)), hold(item);
        pg_several_release(&call->base);
    }
    results[0] = of(PG_OP_sub, item, y);
    results[1] = of(PG_OP_less, constant(0.0), results[0]);
    pg_body *body = pg_body_of((pg_node *[]){x, y}, 1, 1, results, way ? 1 : 2, way, way ? 1.0 : 1e6, &status, NULL);
    CHECK(body != NULL);
    pg_loop *loop = pg_loop_make(body, NULL, NULL);
    pg_node *goes = of(PG_OP_less, constant(0.0), t.nodes[0]);
    hold(pg_loop_node(loop, (pg_node *[]){t.nodes[0], goes, t.nodes[1]}, found, &status));
    hold(found[0]), hold(found[1]);
    pg_loop_release(loop);
    t.outputs[t.output_count++] = found[0];
    pg_program *p = program_of(&t, read);
    const size_t threads = pg_threads(p, rows, 8);
    finish_with(p, &t);
    return threads;
}

static void test_loops_are_worth_more_than_what_they_do_once(void)
{
    CHECK(worth(1, 0, 1000) == 1 && worth(0, 0, 10000) == 8 && worth(0, 0, 200) == 1);
    CHECK(worth(0, 1, 200) == 4); /* as many as there are blocks */
    trace t;
    pg_program *p = calling(&t);
    CHECK(pg_threads(p, 200, 8) == 4);
    finish_with(p, &t);
}

/* Work that ends at once, when enough have come to it. */
typedef struct {
    pg_task task; /* the first, as helpers know nothing else */
    size_t wanted, here;
} meeting;

static void meet(pg_task *task, size_t who)
{
    meeting *m = (meeting *)task;
    (void)who;
    __atomic_add_fetch(&m->here, 1, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(&m->here, __ATOMIC_SEQ_CST) < m->wanted)
        continue;
}

static void look_at_nothing(pg_task *task)
{
    (void)task;
}

/* Some of them a little later than who called, which has not gone to sleep yet. */
static void test_helpers_end_while_who_called_is_awake(void)
{
    for (size_t i = 0; i < 400; i++) {
        meeting m = {.task = {meet, look_at_nothing}, .wanted = 2 + i % 2};
        CHECK(pg_with_helpers(&m.task, 2) && m.here >= m.wanted);
    }
}

/* Work that wants more helpers than there are, and has more work within it. */
typedef struct {
    pg_task task; /* the first, as helpers know nothing else */
    int has_ended;
} crowd;

static void work_within(pg_task *task, size_t who)
{
    crowd *c = (crowd *)task;
    if (who != 0) {
        wait_for(&c->has_ended);
        return;
    }
    meeting m = {.task = {meet, look_at_nothing}, .wanted = 1};
    CHECK(pg_with_helpers(&m.task, 1) && m.here == 1);
    PG_SET(&c->has_ended);
}

static void test_one_of_two_tasks_is_done_alone_while_all_helpers_have_the_other(void)
{
    crowd c = {.task = {work_within, look_at_nothing}};
    CHECK(pg_with_helpers(&c.task, 1000) && c.has_ended);
}

/* -- forks ----------------------------------------------------------------------------------------- */

/* What was printed is this process's. */
static pid_t forked(void)
{
    fflush(NULL);
    return fork();
}

/* The end of a child: without a look for leaks, as what a helper had then is nobody's there; but counts are written. */
static void leave(int code)
{
#ifdef PG_COUNTED
    exit(code);
#else
    _exit(code);
#endif
}

/* Whether the child that this is the parent of has ended well. */
static int ends_well(pid_t child)
{
    int status;
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void test_a_child_has_helpers_of_its_own(void)
{
    trace t;
    pg_program *p = calling(&t);
    CHECK(run(p, NULL) == 0 && all_doubled());
    const pid_t child = forked();
    if (child == 0)
        leave(run(p, NULL) != 0 || !all_doubled() || run(p, NULL) != 0);
    CHECK(ends_well(child) && run(p, NULL) == 0 && all_doubled());
    finish_with(p, &t);
}

/* While this thread waits for a helper that is at work, as a signal handler may. */
static int fork_once(void)
{
    if (!PG_IS_SET(&has_come) || forked_in)
        return 0;
    forked_in = 1;
    const pid_t child = forked();
    if (child != 0) {
        CHECK(ends_well(child));
        PG_SET(&released);
    } else
        plan.helper_comes = plan.helper_waits = 0, forked_in = 2;
    return 0;
}

static void test_a_child_that_was_made_meanwhile_does_it_alone(void)
{
    trace t;
    pg_program *p = calling(&t);
    plan.helper_comes = plan.helper_waits = 1;
    pg_stop_asked = fork_once;
    CHECK(run(p, NULL) == 0 && all_doubled());
    if (forked_in == 2)
        leave(0);
    CHECK(forked_in == 1);
    pg_stop_asked = NULL;
    finish_with(p, &t);
}

static int tells, has_told;

/* Another thread, which is telling something as a fork comes. */
static void *tell(void *none)
{
    pg_take_tasks();
    PG_SET(&tells);
    while (!PG_IS_SET(&has_told))
        rest();
    pg_give_tasks();
    return none;
}

static void test_a_child_waits_for_no_thread_that_it_does_not_have(void)
{
    trace t;
    pg_program *p = calling(&t);
    pthread_t other;
    CHECK(pthread_create(&other, NULL, tell, NULL) == 0);
    while (!PG_IS_SET(&tells))
        rest();
    const pid_t child = forked();
    if (child == 0) {
        alarm(60); /* where it waits */
        leave(run(p, NULL) != 0 || !all_doubled());
    }
    CHECK(ends_well(child));
    PG_SET(&has_told);
    CHECK(pthread_join(other, NULL) == 0);
    finish_with(p, &t);
}

int main(void)
{
    RUN(test_two_threads_get_as_many_pieces_each_or_one_of_many_more);
    RUN(test_totals_of_pieces_are_added_in_order);
    RUN(test_little_work_is_not_worth_a_thread);
    RUN(test_sums_are_worth_as_much_as_their_terms);
    RUN(test_results_do_not_depend_on_threads);
    RUN(test_the_first_row_that_fails_is_the_one_that_is_told_of);
    RUN(test_what_is_to_end_all_work_wins);
    RUN(test_who_waits_for_a_helper_looks_whether_to_stop);
    RUN(test_the_least_of_what_threads_tell_is_told);
    RUN(test_loops_are_worth_more_than_what_they_do_once);
    RUN(test_helpers_end_while_who_called_is_awake);
    RUN(test_one_of_two_tasks_is_done_alone_while_all_helpers_have_the_other);
    RUN(test_a_child_has_helpers_of_its_own);
    RUN(test_a_child_that_was_made_meanwhile_does_it_alone);
    RUN(test_a_child_waits_for_no_thread_that_it_does_not_have);
    CHECK(pg_live_nodes() == 0);
    printf("OK\n");
    return 0;
}
