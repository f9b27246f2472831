/* digest.c: what the library computes, in short: a line for each op and kind of work with a hash of all bits that came
 * out. tests/faults/other_compilers.py compares the lines of builds by several compilers, for several processors. */
#include "traces.h"

enum { ROWS = 4096 };

/* FNV-1a over numbers, in which all nans are one. */
static uint64_t joined(uint64_t hash, double x)
{
    const uint64_t bits = x != x ? UINT64_C(0x7ff8000000000000) : to_bits(x);
    for (int i = 0; i < 64; i += 8)
        hash = (hash ^ (bits >> i & 0xff)) * UINT64_C(0x100000001b3);
    return hash;
}

static const uint64_t none = UINT64_C(0xcbf29ce484222325);

static void tell(const char *what, const char *name, uint64_t hash)
{
    printf("%s %s %016llx\n", what, name, (unsigned long long)hash);
}

/* -- one op ---------------------------------------------------------------------------------------- */

static const double exponents[] = {-1.0, 0.0, 1.0, 2.0, 3.0, 4.0, 0.5, -2.5};

/* The op on operands that differ by row, as a program of its own, and as eager code computes it. */
static void digest_op(int op, double k, uint64_t *lanes, uint64_t *eager)
{
    trace t = {.inputs = (size_t)pg_op_at(op - PG_OP_add)->arity, .rows = {1, 1, 1}, .output_count = 1};
    double lives[LIVES];
    row_set r;
    uint32_t guard;
    for (; t.count < t.inputs; t.count++)
        t.nodes[t.count] = traced(pg_leaf(any_number()));
    t.outputs[0] = append(&t, node_of_op(op, t.nodes, k));
    pg_program *p = program_of(&t, lives);
    make_rows(&r, &t, p, ROWS, any_number);
    for (int most = 0; most < 3; most++) {
        pg_choose_lanes(most);
        const pg_batch batch = batch_of(&r, p);
        CHECK(pg_program_run_once(p, &batch, &guard));
        pg_program_run(p, &batch);
        for (size_t i = 0; i < ROWS; i++) {
            const double *uniforms = r.uniforms; /* x ** 0 */
            *lanes = joined(*lanes, p->result_slots[0] == PG_NO_SLOT ? r.outputs[0][i] : uniforms[p->result_slots[0]]);
        }
    }
    for (int most = 0; most < 3; most++)
        for (size_t i = 0; i < ROWS; i++) {
            const double y = t.inputs > 1 ? r.inputs[1][i] : k;
            *eager = joined(*eager, forward_of(op, r.inputs[0][i], y, t.inputs > 2 ? r.inputs[2][i] : 0.0));
        }
    drop_rows(&r);
    pg_program_free(p);
    drop_trace(&t);
}

static void digest_ops(void)
{
    for (int op = PG_OP_add; op < PG_OPCODE_COUNT; op++) {
        const pg_op_info *info = pg_op_at(op - PG_OP_add);
        uint64_t lanes = none, eager = none;
        random_state = (uint64_t)op;
        for (size_t i = 0; i < (info->has_constant ? sizeof exponents / sizeof *exponents : 1); i++)
            digest_op(op, exponents[i], &lanes, &eager);
        tell("lanes", info->name, lanes);
        tell("eager", info->name, eager);
    }
}

/* -- programs -------------------------------------------------------------------------------------- */

/* All that programs of functions at random give: outputs, totals, and where rows leave. */
static void digest_programs(void)
{
    uint64_t hash = none;
    for (uint64_t seed = 1; seed <= 500; seed++) {
        trace t;
        row_set r;
        uint32_t guard;
        double lives[LIVES];
        random_state = seed;
        make_trace(&t, 1 + below(MOST_NODES), any_number);
        pg_program *p = program_of(&t, lives);
        make_rows(&r, &t, p, 200, any_number);
        memcpy(r.lives, lives, sizeof lives);
        for (size_t i = 0; i < t.output_count; i++)
            memset(r.outputs[i], 0, r.count * sizeof(double));
        const pg_batch batch = batch_of(&r, p);
        const int runs = pg_program_run_once(p, &batch, &guard);
        hash = joined(hash, runs);
        if (runs) {
            pg_program_run(p, &batch);
            for (size_t k = 0; k < r.count; k++)
                if (p->guards == 0 || r.left[k] == UINT32_MAX)
                    for (size_t i = 0; i < t.output_count; i++)
                        hash = joined(hash, r.outputs[i][k]);
                else
                    hash = joined(hash, r.left[k]);
            for (size_t i = 0; i < t.output_count; i++)
                hash = joined(hash, r.totals[i]);
        }
        drop_rows(&r);
        pg_program_free(p);
        drop_trace(&t);
    }
    tell("work", "programs", hash);
}

/* -- sweeps ---------------------------------------------------------------------------------------- */

/* Adjoints of graphs of ops that call no function of libm. */
static void digest_sweeps(void)
{
    static const int exact[] = {PG_OP_add,  PG_OP_sub,   PG_OP_mul,  PG_OP_div,     PG_OP_neg,
                                PG_OP_sqrt, PG_OP_relu,  PG_OP_abs,  PG_OP_maximum, PG_OP_minimum,
                                PG_OP_clip, PG_OP_where, PG_OP_sign, PG_OP_mul0};
    uint64_t hash = none;
    for (uint64_t seed = 1; seed <= 1000; seed++) {
        pg_node *nodes[60];
        size_t count = 4;
        random_state = seed;
        for (size_t i = 0; i < count; i++)
            nodes[i] = pg_leaf(any_number());
        for (; count < 60; count++) {
            pg_node *x = nodes[below(count)], *y = nodes[below(count)], *operands[3] = {x, y, nodes[count - 1]};
            nodes[count] = one_in(6) ? pg_compute_many(PG_DOT, nodes, count, nodes[0]->value, NULL, NULL)
                                     : node_of_op(exact[below(sizeof exact / sizeof *exact)], operands, 0.0);
            hash = joined(hash, nodes[count]->value);
        }
        CHECK(sweep(nodes[count - 1], 1.0, 10) == PG_OK);
        for (size_t i = 0; i < count; i++)
            hash = joined(hash, nodes[i]->grad);
        while (count != 0)
            pg_release(nodes[--count]);
    }
    tell("work", "sweeps", hash);
}

int main(void)
{
    digest_ops();
    digest_programs();
    digest_sweeps();
    return 0;
}
