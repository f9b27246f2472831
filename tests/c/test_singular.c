/* test_singular.c: where a computed 0 meets an infinite slope in a derivative of a derivative, and where nothing does.
 * Linked with the files of csrc that do not include Python.h, by tests/package/test_c_library.py. */
#include "random.h"

#include "graph/cells.h"
#include "graph/singular.h"
#include "graph/sweep.h"

/* -- graphs, and their derivatives ----------------------------------------------------------------- */

static pg_node *kept[512]; /* all nodes of a test, released together */
static size_t kept_count;

static pg_node *keep(pg_node *n)
{
    CHECK(n != NULL && kept_count < sizeof kept / sizeof *kept);
    return kept[kept_count++] = n;
}

static void drop_all(void)
{
    while (kept_count != 0)
        pg_release(kept[--kept_count]);
}

/* A leaf that somebody holds, and can ask for its grad; and one that stands for a number. */
static pg_node *variable(double value)
{
    static char wrapper;
    pg_node *n = keep(pg_leaf(value));
    n->wrapper = &wrapper;
    return n;
}

static pg_node *number(double value)
{
    pg_node *n = variable(value);
    n->flags |= PG_BY_OP;
    return n;
}

static pg_node *of(int op, pg_node *x, pg_node *y)
{
    return keep(node_of_op(op, (pg_node *[3]){x, y != NULL ? y : x, x}, 0.0));
}

static pg_node *power_of(pg_node *x, double k)
{
    return keep(node_of_op(PG_OP_pown, (pg_node *[3]){x, x, x}, k));
}

static pg_node *choice(pg_node *condition, pg_node *x, pg_node *y)
{
    return keep(node_of_op(PG_OP_where, (pg_node *[3]){condition, x, y}, 0.0));
}

static pg_node *many(int op, pg_node *const *operands, size_t count)
{
    double value = 0.0;
    for (size_t i = 0; i < count / (op == PG_DOT ? 2 : 1); i++)
        value += operands[i]->value * (op == PG_DOT ? operands[i + count / 2]->value : 1.0);
    return keep(pg_compute_many(op, operands, count, value, NULL, NULL));
}

static pg_node *root_of(pg_node *f)
{
    return keep(pg_compute_many(PG_SUM, &f, 1, f->value, NULL, NULL));
}

/* df/dx as a node. */
static pg_node *derivative(pg_node *f, pg_node *x)
{
    const double one = 1.0;
    pg_node *opaque;
    pg_adjoint *a;
    pg_sweep *s = sorted(root_of(f), 0, &x, 1);
    CHECK(pg_adjoint_open(s, &x, 1, &a) == PG_OK);
    pg_adjoint_take_constants(a);
    CHECK(pg_adjoint_prepare(a, ENOUGH) == PG_OK && pg_adjoint_begin(a, PG_REVERSE, &one, NULL) == PG_OK);
    CHECK(pg_adjoint_step(a, ENOUGH, &opaque) == PG_OK);
    pg_node *d = keep(pg_adjoint_at(a, x));
    pg_adjoint_close(a);
    pg_sweep_abandon(s);
    return d;
}

/* -- what is found --------------------------------------------------------------------------------- */

/* In the derivative of f itself by the inputs, one way, with the seed. */
static pg_singularity found_with(pg_node *f, pg_way way, pg_node *const *inputs, size_t count, double seed)
{
    pg_singularity found;
    double seeds[4] = {seed, seed, seed, seed};
    pg_sweep *s = sorted(root_of(f), 0, inputs, way == PG_FORWARD ? count : 0);
    CHECK(pg_find_singular(s, way, inputs, count, seeds, &found) == PG_OK);
    pg_sweep_abandon(s);
    return found;
}

/* The way back from f by all leaves that somebody holds, as backward() goes it. */
static pg_singularity found_by_leaves(pg_node *f)
{
    pg_singularity found;
    pg_sweep *s = sorted(f, 0, NULL, 0);
    CHECK(pg_find_singular(s, PG_REVERSE, NULL, 0, NULL, &found) == PG_OK);
    pg_sweep_abandon(s);
    return found;
}

static int is_nothing(pg_singularity found)
{
    return found.node == NULL && found.operand == 0 && found.derivative == 0.0 && found.slope == 0.0;
}

static void check_nothing(pg_node *f, pg_node *x)
{
    CHECK(is_nothing(found_with(f, PG_REVERSE, &x, 1, 1.0)));
    CHECK(is_nothing(found_with(f, PG_FORWARD, &x, 1, 1.0)));
    CHECK(is_nothing(found_by_leaves(f)));
}

static void check_found(pg_node *f, pg_node *x, pg_node *node)
{
    for (int way = 0; way < 3; way++) {
        const pg_singularity found = way == 0 ? found_by_leaves(f)
                                              : found_with(f, way == 1 ? PG_REVERSE : PG_FORWARD, &x, 1, 1.0);
        CHECK(found.node != NULL && found.operand < pg_operand_count(found.node));
        CHECK(!isfinite(found.slope) || isinf(found.derivative));
        CHECK(node == NULL || (found.node == node && found.operand == 0));
    }
}

static void test_the_root_of_a_square_has_a_singular_second_derivative_where_it_is_0(void)
{
    pg_node *x = variable(0.0), *root = of(PG_OP_sqrt, of(PG_OP_mul, x, x), NULL);
    pg_node *f = power_of(root, 2.0), *d = derivative(f, x);
    check_nothing(f, x); /* in the first derivative 0 is the convention */
    check_found(d, x, root);
    const pg_singularity found = found_with(d, PG_REVERSE, &x, 1, 1.0);
    CHECK(found.derivative == 0.0 && isinf(found.slope) && found.slope > 0.0);
    drop_all();
    x = variable(0.5); /* and elsewhere it has not */
    check_nothing(derivative(power_of(of(PG_OP_sqrt, of(PG_OP_mul, x, x), NULL), 2.0), x), x);
    drop_all();
}

static void test_roots_of_sums_and_dots_are_found_too(void)
{
    pg_node *x = variable(0.0), *y = variable(0.0);
    pg_node *squares[2] = {of(PG_OP_mul, x, x), of(PG_OP_mul, y, y)}, *pairs[4] = {x, y, x, y};
    pg_node *biased[3] = {x, x, squares[1]};
    pg_node *roots[] = {of(PG_OP_sqrt, many(PG_SUM, squares, 2), NULL), of(PG_OP_sqrt, many(PG_DOT, pairs, 4), NULL),
                        of(PG_OP_sqrt, many(PG_DOT, biased, 3), NULL)};
    for (size_t i = 0; i < sizeof roots / sizeof *roots; i++)
        check_found(derivative(power_of(roots[i], 2.0), x), x, roots[i]);
    drop_all();
}

/* Of a table only the item that is taken counts: a root that is not taken is silent. */
static void test_a_root_that_is_an_item_of_a_table_is_found_where_it_is_taken(void)
{
    for (int taken = 0; taken < 3; taken++) {
        pg_node *x = variable(0.0), *root = of(PG_OP_sqrt, of(PG_OP_mul, x, x), NULL);
        pg_node *nodes[3] = {number(taken == 0 ? 0.0 : taken == 1 ? 1.0 : -1.0), root, x};
        pg_node *d = derivative(power_of(keep(pg_item_of(nodes, 2, 1)), 2.0), x);
        if (taken == 0)
            check_found(d, x, root);
        else
            check_nothing(d, x);
        drop_all();
    }
}

static void test_slopes_that_are_0_by_convention_are_found_where_they_have_no_limit(void)
{
    pg_node *x = variable(0.0), *y = variable(0.0);
    check_found(derivative(of(PG_OP_hypot, x, y), x), x, NULL);
    check_found(derivative(of(PG_OP_atan2, x, y), x), x, NULL);
    check_found(derivative(derivative(of(PG_OP_atan2, x, y), x), x), x, NULL);
    drop_all();
}

/* Away from kinks and poles nothing is singular, whatever the op and those that its rules are made of. */
static void test_no_op_is_singular_where_it_is_smooth(void)
{
    const double points[][2] = {{0.3, 0.7}, {1.7, 2.3}, {-0.4, 0.6}};
    for (int op = PG_OP_add; op < PG_OPCODE_COUNT; op++)
        for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
            pg_node *x = variable(points[i][0]), *y = variable(points[i][1]);
            pg_node *f = keep(node_of_op(op, (pg_node *[3]){x, y, y}, 2.5));
            pg_node *d = derivative(of(PG_OP_mul, f, x), x), *dd = derivative(d, x);
            if (isfinite(dd->value))
                check_nothing(dd, x);
            drop_all();
        }
}

/* -- zeros that are no computed ones ---------------------------------------------------------------- */

static void test_a_fixed_zero_is_absent(void)
{
    pg_node *x = variable(0.0), *y = variable(2.0), *root = of(PG_OP_sqrt, of(PG_OP_mul, x, x), NULL);
    pg_node *square = of(PG_OP_mul, y, y), *norm = power_of(root, 2.0);
    pg_node *off = of(PG_OP_relu, of(PG_OP_sub, x, number(1.0)), NULL);
    pg_node *absent[] = {
        of(PG_OP_mul, number(0.0), root),
        of(PG_OP_mul, root, number(0.0)),
        of(PG_OP_mul, of(PG_OP_step, x, NULL), root),
        of(PG_OP_mul, off, root),
        choice(of(PG_OP_step, x, NULL), norm, of(PG_OP_mul, x, x)),
        choice(number(1.0), of(PG_OP_mul, x, x), norm),
        of(PG_OP_maximum, root, number(1.0)),
        of(PG_OP_stop_gradient, norm, NULL),
        of(PG_OP_div, of(PG_OP_mul, number(0.0), root), y),
        of(PG_OP_sqrt, of(PG_OP_mul, number(0.0), y), NULL),
        power_of(root, 0.0),
    };
    for (size_t i = 0; i < sizeof absent / sizeof *absent; i++)
        check_nothing(derivative(of(PG_OP_add, of(PG_OP_mul, absent[i], x), of(PG_OP_mul, square, x)), x), x);
    check_found(derivative(choice(number(1.0), norm, square), x), x, root); /* what was chosen counts */
    check_found(derivative(choice(number(0.0), square, norm), x), x, root);
    drop_all();
}

static void test_a_logarithm_in_a_rule_has_its_limit(void)
{
    pg_node *x = variable(0.0), *y = variable(2.0);
    pg_node *f = of(PG_OP_pow, x, y);
    check_nothing(derivative(f, y), y); /* 0 ** y * log(0): 0 is the limit */
    check_nothing(derivative(derivative(f, y), y), y);
    drop_all();
}

static void test_inputs_far_out_are_not_looked_at(void)
{
    pg_node *x = variable(0.0), *far_out = variable(0x1p511);
    pg_node *f = power_of(of(PG_OP_sqrt, of(PG_OP_mul, x, x), NULL), 2.0), *d = derivative(f, x);
    pg_node *sum = of(PG_OP_add, d, of(PG_OP_mul, far_out, x)), *both[2] = {x, far_out};
    CHECK(is_nothing(found_by_leaves(sum)));
    CHECK(is_nothing(found_with(sum, PG_REVERSE, both, 2, 1.0)));
    CHECK(found_with(sum, PG_REVERSE, both, 1, 1.0).node != NULL); /* by x alone the other is a constant */
    far_out->value = 0x1.fffffp510;
    CHECK(found_by_leaves(sum).node != NULL && found_with(sum, PG_REVERSE, both, 2, 1.0).node != NULL);
    far_out->value = (double)NAN;
    CHECK(is_nothing(found_by_leaves(sum)));
    drop_all();
}

static void test_where_nothing_arrives_nothing_is_found(void)
{
    pg_node *x = variable(0.0), *elsewhere = variable(0.0), *both[2] = {elsewhere, x};
    pg_node *d = derivative(power_of(of(PG_OP_sqrt, of(PG_OP_mul, x, x), NULL), 2.0), x);
    CHECK(is_nothing(found_with(d, PG_REVERSE, &x, 1, 0.0)));
    CHECK(is_nothing(found_with(d, PG_FORWARD, &x, 1, 0.0)));
    CHECK(is_nothing(found_with(d, PG_REVERSE, &elsewhere, 1, 1.0)));
    CHECK(found_with(d, PG_REVERSE, both, 2, 1.0).node != NULL);
    CHECK(found_with(d, PG_FORWARD, both, 2, 1.0).node != NULL);
    const double seeds[2] = {1.0, 0.0};
    pg_singularity found;
    pg_sweep *s = sorted(root_of(d), 0, &x, 1); /* an input that is none of the order */
    CHECK(pg_find_singular(s, PG_FORWARD, both, 2, seeds, &found) == PG_OK && is_nothing(found));
    pg_sweep_abandon(s);
    x->wrapper = NULL; /* nobody can ask it for a grad */
    CHECK(is_nothing(found_by_leaves(d)));
    drop_all();
}

static void test_closures_and_custom_nodes_end_the_way(void)
{
    for (int closure = 0; closure < 2; closure++) {
        pg_node *x = variable(0.0), *n = keep(pg_compute_many(PG_CUSTOM, &x, 1, 0.0, NULL, NULL));
        pg_node *d = derivative(power_of(of(PG_OP_sqrt, of(PG_OP_mul, x, x), NULL), 2.0), x);
        if (closure)
            n->flags |= PG_HAS_CLOSURE;
        pg_node *f = of(PG_OP_mul, n, d), *inner = of(PG_OP_sqrt, of(PG_OP_mul, n, n), NULL);
        check_found(of(PG_OP_add, f, d), x, NULL);
        pg_node *by_n = derivative(power_of(inner, 2.0), n);
        CHECK(found_with(by_n, PG_REVERSE, &n, 1, 1.0).node == inner);
        CHECK(found_with(by_n, PG_FORWARD, &n, 1, 1.0).node == inner);
        CHECK(is_nothing(found_with(by_n, PG_REVERSE, &x, 1, 1.0)));
        CHECK(is_nothing(found_by_leaves(by_n)));
        drop_all();
    }
}

static void test_a_condition_is_a_number_on_the_way(void)
{
    pg_node *x = variable(0.0), *y = variable(2.0), *square = of(PG_OP_mul, x, x);
    pg_node *root = of(PG_OP_sqrt, square, NULL), *below = of(PG_OP_below, square, y);
    pg_node *d = derivative(power_of(root, 2.0), x);
    check_found(choice(below, d, number(1.0)), x, root);
    check_nothing(choice(below, number(1.0), d), x);
    drop_all();
}

static void test_given_partials_are_numbers_or_nodes(void)
{
    const double infinite = (double)INFINITY, zero = 0.0;
    pg_node *x = variable(0.0), *none = NULL, *node = of(PG_OP_div0, number(1.0), of(PG_OP_abs, x, NULL));
    pg_node *tame = of(PG_OP_mul, x, x);
    node->value = infinite;
    for (int kind = 0; kind < 3; kind++) { /* no nodes, a NULL, a node */
        pg_node *n = keep(pg_compute_many(PG_PARTIALS, &x, 1, 0.0, &infinite,
                                          kind == 0   ? NULL
                                          : kind == 1 ? &none
                                                      : &node));
        pg_node *d = derivative(power_of(n, 3.0), x);
        check_found(d, x, NULL);
        const pg_singularity found = found_with(d, PG_REVERSE, &x, 1, 1.0);
        CHECK(found.node == n && found.derivative == 0.0 && found.slope == infinite);
        n = keep(pg_compute_many(PG_PARTIALS, &x, 1, 0.0, &zero, kind == 0 ? NULL : kind == 1 ? &none : &tame));
        check_nothing(derivative(power_of(n, 2.0), x), x);
    }
    drop_all();
}

/* n as the derivative that somebody has asked for. */
static pg_node *given_out(pg_node *n)
{
    pg_node *sum = of(PG_OP_add, keep(pg_leaf(0.0)), n);
    sum->flags |= PG_BY_OP;
    return sum;
}

static int is_told(pg_node *f)
{
    return found_by_leaves(f).node != NULL;
}

static void test_what_counts_is_whether_a_zero_was_computed(void)
{
    const double none = 0.0;
    pg_node *x = variable(0.0), *zero = variable(0.0), *constant = number(0.0), *null = NULL;
    pg_node *root = of(PG_OP_sqrt, of(PG_OP_mul, x, x), NULL), *negative = of(PG_OP_sqrt, variable(-1.0), NULL);
    pg_node *n = of(PG_OP_mul, root, zero), *large = number(1e308);
    CHECK(is_told(given_out(n)) && !is_told(n)); /* of first order */
    CHECK(!is_told(of(PG_OP_add, n, given_out(of(PG_OP_mul, x, x)))));
    CHECK(is_told(of(PG_OP_pow_dx, root, number(3.0)))); /* an op that only rules make is a derivative, too */
    CHECK(!is_told(given_out(of(PG_OP_mul, negative, zero)))); /* out of its domain */
    pg_node *infinite = of(PG_OP_mul, of(PG_OP_mul, x, large), large);
    CHECK(!is_told(of(PG_OP_add, given_out(n), infinite))); /* which nobody takes for a number */
    CHECK(!is_told(given_out(keep(pg_compute_many(PG_PARTIALS, &root, 1, 0.0, &none, NULL)))));
    CHECK(!is_told(given_out(keep(pg_compute_many(PG_PARTIALS, &root, 1, 0.0, &none, &null)))));
    CHECK(is_told(given_out(keep(pg_compute_many(PG_PARTIALS, &root, 1, 0.0, &none, &zero)))));
    pg_node *closure = of(PG_OP_mul, constant, constant),
            *custom = keep(pg_compute_many(PG_CUSTOM, &constant, 1, 0.0, NULL, NULL));
    CHECK(!is_told(given_out(of(PG_OP_mul, root, closure))));
    pg_node *opposite = of(PG_OP_neg, zero, NULL);
    CHECK(!is_told(given_out(of(PG_OP_mul, root, of(PG_OP_add, zero, opposite)))));
    CHECK(!is_told(given_out(of(PG_OP_mul, root, of(PG_OP_add, opposite, zero)))));
    opposite->flags |= PG_HAS_CLOSURE; /* as it is then not known to be */
    CHECK(is_told(given_out(of(PG_OP_mul, root, of(PG_OP_add, zero, opposite)))));
    closure->flags |= PG_HAS_CLOSURE; /* what it computes from may be anything */
    CHECK(is_told(given_out(of(PG_OP_mul, root, closure))));
    CHECK(is_told(given_out(of(PG_OP_mul, root, custom))));
    n->flags |= PG_HAS_CLOSURE; /* takes the place of the rule */
    CHECK(!is_told(given_out(n)));
    drop_all();
}

/* m gets an infinite number of second order, and a nan of first order; then only the first product with 0 is to blame. */
static void test_a_node_is_named_where_no_slope_is_infinite(void)
{
    pg_node *x = variable(1.0), *zero = variable(0.0), *other = variable(0.0);
    pg_node *m = of(PG_OP_mul, zero, of(PG_OP_neg, x, NULL)), *infinite = of(PG_OP_sqrt, given_out(m), NULL);
    pg_node *first = of(PG_OP_mul, of(PG_OP_sqrt, m, NULL), other), *inputs[3] = {x, zero, other};
    const pg_singularity found = found_with(of(PG_OP_add, infinite, first), PG_REVERSE, inputs, 3, 1.0);
    CHECK(found.node == m && found.operand == 1 && found.derivative == 0.0 && isinf(found.slope));
    drop_all();
}

/* A computed 0 that meets this infinite number, or a slope that is infinite. */
static int times_a_zero(pg_node *infinite)
{
    return is_told(given_out(of(PG_OP_mul, of(PG_OP_mul, variable(1.0), infinite), variable(0.0))));
}

static int slope_times_a_zero(pg_node *n)
{
    return is_told(given_out(of(PG_OP_mul, n, variable(0.0))));
}

static void test_what_has_overflowed_is_no_pole(void)
{
    pg_node *large = number(1e308), *three = number(3.0), *none = number(0.0), *one = number(1.0);
    pg_node *pair[2] = {large, large}, *over = of(PG_OP_add, large, large), *pole = of(PG_OP_div, one, none);
    pg_node *huge[] = {over,
                       of(PG_OP_sub, large, number(-1e308)),
                       of(PG_OP_neg, over, NULL),
                       of(PG_OP_mul, large, large),
                       of(PG_OP_mul0, large, large),
                       of(PG_OP_exp, number(1000.0), NULL),
                       of(PG_OP_exp2, number(2000.0), NULL),
                       of(PG_OP_expm1, number(1000.0), NULL),
                       of(PG_OP_sinh, number(1000.0), NULL),
                       of(PG_OP_cosh, number(1000.0), NULL),
                       of(PG_OP_div, large, number(1e-10)),
                       of(PG_OP_div0, large, number(1e-10)),
                       power_of(large, 2.0),
                       of(PG_OP_pow, large, three),
                       of(PG_OP_power, large, three),
                       of(PG_OP_pow_dx, large, three),
                       of(PG_OP_pow_dxx, large, number(4.0)),
                       of(PG_OP_pow_less, large, three),
                       of(PG_OP_pow_dy, large, three),
                       many(PG_SUM, pair, 2),
                       many(PG_DOT, pair, 2)};
    for (size_t i = 0; i < sizeof huge / sizeof *huge; i++)
        CHECK(isinf(huge[i]->value) && !times_a_zero(huge[i]));
    pg_node *poles[] = {pole,
                        of(PG_OP_neg, pole, NULL),
                        of(PG_OP_div0, one, none),
                        of(PG_OP_log, none, NULL),
                        of(PG_OP_pow, none, number(-1.0)),
                        power_of(none, -1.0),
                        number((double)INFINITY),
                        of(PG_OP_mul, pole, large),
                        of(PG_OP_mul, large, pole)};
    for (size_t i = 0; i < sizeof poles / sizeof *poles; i++)
        CHECK(isinf(poles[i]->value) && times_a_zero(poles[i]));
    pg_node *closure = of(PG_OP_add, large, large);
    closure->flags |= PG_HAS_CLOSURE; /* has computed what it likes */
    CHECK(times_a_zero(closure));
    CHECK(!slope_times_a_zero(of(PG_OP_div, one, variable(1e-300))));
    CHECK(!slope_times_a_zero(of(PG_OP_exp, variable(1000.0), NULL)));
    CHECK(slope_times_a_zero(of(PG_OP_asin_dx, variable(1.0), NULL)));
    CHECK(slope_times_a_zero(of(PG_OP_sqrt, variable(0.0), NULL)));
    /* So has what arrives, though no slope is infinite. */
    pg_node *twice = of(PG_OP_mul, of(PG_OP_mul, of(PG_OP_mul, variable(1.0), variable(0.0)), large), large);
    CHECK(!is_told(given_out(twice)));
    /* 0 times it is 0, which meets poles as any other does. */
    CHECK(slope_times_a_zero(of(PG_OP_mul, of(PG_OP_sqrt, variable(0.0), NULL), over)));
    drop_all();
}

static void test_which_zeros_are_computed(void)
{
    pg_node *x = variable(0.0), *y = variable(2.0), *one = number(1.0), *none = number(0.0), *zero = variable(0.0);
    pg_node *root = of(PG_OP_sqrt, of(PG_OP_mul, x, x), NULL);
    pg_node *bounds[3] = {root, one, number(2.0)}, *pair[2] = {root, none};
    pg_node *computed[] = {zero, of(PG_OP_sign, x, NULL), of(PG_OP_abs, x, NULL), of(PG_OP_sub, x, zero),
                           of(PG_OP_exp, variable(-1000.0), NULL)};
    pg_node *fixed[] = {none, of(PG_OP_sub, x, x), of(PG_OP_sub, of(PG_OP_sign, y, NULL), one),
                        of(PG_OP_sign, none, NULL), of(PG_OP_step, x, NULL)};
    for (size_t i = 0; i < sizeof computed / sizeof *computed; i++)
        CHECK(computed[i]->value == 0.0 && is_told(given_out(of(PG_OP_mul, root, computed[i]))));
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
        CHECK(fixed[i]->value == 0.0 && !is_told(given_out(of(PG_OP_mul, root, fixed[i]))));
    CHECK(is_told(given_out(of(PG_OP_abs, root, NULL))));
    CHECK(!is_told(given_out(of(PG_OP_relu, root, NULL))));
    CHECK(!is_told(given_out(keep(node_of_op(PG_OP_clip, bounds, 0.0)))));
    CHECK(!is_told(given_out(many(PG_DOT, pair, 2))));
    CHECK(!is_told(of(PG_OP_pow_dx, root, none)) && !is_told(of(PG_OP_pow_dxx, root, none)));
    CHECK(!is_told(given_out(of(PG_OP_sqrt, of(PG_OP_mul, of(PG_OP_sub, x, x), of(PG_OP_sub, x, x)), NULL))));
    /* Infinite, and then times a computed 0: what multiplies says so, too. */
    pg_node *cosine = of(PG_OP_cos, x, NULL);
    const pg_singularity found = found_by_leaves(given_out(of(PG_OP_sqrt, of(PG_OP_sub, cosine, one), NULL)));
    CHECK(found.node == cosine && isinf(found.derivative) && found.slope == 0.0);
    CHECK(is_told(given_out(of(PG_OP_sqrt, of(PG_OP_mul, y, of(PG_OP_mul, zero, one)), NULL))));
    /* Out of the domain, and on from there. */
    CHECK(!is_told(given_out(of(PG_OP_sqrt, of(PG_OP_sub, of(PG_OP_mul, y, zero), one), NULL))));
    drop_all();
}

static void test_what_is_of_second_order(void)
{
    pg_node *x = variable(0.0), *zero = variable(0.0), *root = of(PG_OP_sqrt, of(PG_OP_mul, x, x), NULL);
    CHECK(!is_told(of(PG_OP_mul, of(PG_OP_identity, root, NULL), zero)));
    pg_node *flagged = of(PG_OP_mul, root, zero);
    flagged->flags |= PG_BY_OP; /* means something else for a product */
    CHECK(!is_told(flagged));
    pg_sweep *s = sorted(of(PG_OP_greater, x, zero), 0, NULL, 0);
    CHECK(!pg_has_derivatives(s)); /* nothing is passed on by what is flat */
    pg_sweep_abandon(s);
    drop_all();
}

static void test_the_one_that_matters_is_named(void)
{
    const double infinite[2] = {(double)INFINITY, (double)INFINITY};
    pg_node *x = variable(0.0), *zero = variable(0.0), *none = number(0.0), *large = number(1e308);
    pg_node *constant = of(PG_OP_sqrt, number(0.0), NULL), *over = of(PG_OP_add, large, large);
    pg_node *absent = of(PG_OP_sqrt, of(PG_OP_mul, x, x), NULL), *first = of(PG_OP_sqrt, of(PG_OP_mul, x, x), NULL);
    pg_node *root = of(PG_OP_sqrt, of(PG_OP_mul, x, x), NULL), *later = of(PG_OP_sqrt, of(PG_OP_mul, x, x), NULL);
    pg_node *told = of(PG_OP_mul, root, zero);
    pg_node *before[] = {of(PG_OP_mul, absent, none), of(PG_OP_mul, constant, zero),
                         of(PG_OP_mul, of(PG_OP_mul, variable(1.0), over), zero)};
    for (size_t i = 0; i < sizeof before / sizeof *before; i++)
        CHECK(found_by_leaves(given_out(of(PG_OP_add, before[i], told))).node == root);
    pg_node *of_first_order = of(PG_OP_add, of(PG_OP_mul, first, zero), given_out(told));
    CHECK(found_with(of_first_order, PG_FORWARD, (pg_node *[2]){x, zero}, 2, 1.0).node == root);
    pg_node *both = given_out(of(PG_OP_add, told, of(PG_OP_mul, later, zero)));
    CHECK(found_with(both, PG_FORWARD, (pg_node *[2]){x, zero}, 2, 1.0).node == root);
    pg_node *two[2] = {x, zero}, *partials = keep(pg_compute_many(PG_PARTIALS, two, 2, 0.0, infinite, NULL));
    const pg_singularity found = found_by_leaves(given_out(of(PG_OP_mul, partials, zero)));
    CHECK(found.node == partials && found.operand == 0);
    drop_all();
}

static void test_seeds_of_one_operand_add_up_and_other_leaves_are_nobody_s(void)
{
    const double opposite[2] = {1.0, -1.0};
    pg_singularity found;
    pg_node *x = variable(0.0), *given = given_out(of(PG_OP_sqrt, x, NULL)), *same[2] = {given, given};
    pg_sweep *s = sorted(many(PG_SUM, same, 2), 0, &x, 0);
    CHECK(pg_find_singular(s, PG_REVERSE, &x, 1, opposite, &found) == PG_OK && found.node != NULL);
    pg_sweep_abandon(s);
    pg_node *other = variable(0.0), *tame = of(PG_OP_mul, x, number(0.0));
    pg_node *f = given_out(of(PG_OP_mul, of(PG_OP_sqrt, of(PG_OP_add, tame, other), NULL), x));
    CHECK(is_nothing(found_with(f, PG_REVERSE, &x, 1, 1.0)));
    CHECK(found_by_leaves(f).node != NULL);
    drop_all();
}

/* -- at random ------------------------------------------------------------------------------------- */

enum { INPUTS = 3, NODES = 14 };

static double some_number(void)
{
    static const double numbers[] = {0.0, 0.0, 0.0, 1.0, -1.0, 2.0, 0.5};
    return one_in(12) ? any_number() : numbers[below(7)];
}

static pg_node *some_node(void)
{
    static const double exponents[] = {-1.0, 0.0, 1.0, 2.0, 3.0, 0.5, 0.25};
    pg_node *o[4];
    double partials[4];
    for (int i = 0; i < 4; i++)
        o[i] = kept[one_in(3) ? below(kept_count) : kept_count - 1 - below(kept_count < 4 ? kept_count : 4)];
    for (int i = 0; i < 4; i++)
        partials[i] = o[3 - i]->value;
    if (one_in(12))
        return number(some_number());
    if (one_in(12))
        return many(one_in(2) ? PG_SUM : PG_DOT, o, below(5));
    if (one_in(12))
        return keep(pg_compute_many(PG_PARTIALS, o, 2, some_number(), partials, one_in(2) ? NULL : o + 2));
    return keep(node_of_op(PG_OP_add + (int)below(PG_OPCODE_COUNT - PG_OP_add), o, exponents[below(7)]));
}

/* Whatever is found is one of the order, and the sweep itself has met a product or a slope that it took to be 0. */
static size_t check_any(pg_node *f, pg_node *const *inputs, pg_way way)
{
    pg_singularity found;
    pg_node *closure;
    const double seeds[INPUTS] = {1.0, one_in(2) ? 1.0 : 0.0, -0.5};
    pg_node *root = root_of(f);
    pg_sweep *s = sorted(root, 1, inputs, INPUTS);
    const unsigned before = pg_suppressed;
    if (way == PG_REVERSE)
        pg_sweep_begin_below(s, seeds);
    else
        pg_sweep_begin_forward(s, seeds);
    CHECK((way == PG_REVERSE ? pg_sweep_step : pg_sweep_step_forward)(s, ENOUGH, &closure) == PG_OK);
    const unsigned met = pg_suppressed - before;
    CHECK(pg_find_singular(s, way, inputs, INPUTS, seeds, &found) == PG_OK);
    CHECK(found.node == NULL || (met != 0 && found.node->mark == root->mark && pg_has_derivatives(s)));
    CHECK(found.node == NULL || found.operand < pg_operand_count(found.node));
    pg_sweep_abandon(s);
    return found.node != NULL;
}

static void test_nothing_is_found_unless_a_sweep_has_taken_something_to_be_0(void)
{
    size_t found = 0;
    for (uint64_t seed = 1; seed <= TIMES(60000); seed++) {
        pg_node *inputs[INPUTS];
        random_state = seed;
        for (int i = 0; i < INPUTS; i++)
            inputs[i] = variable(some_number());
        for (int i = 0; i < NODES; i++)
            some_node();
        pg_node *f = kept[kept_count - 1], *d = derivative(f, inputs[0]);
        if (one_in(2))
            d = derivative(of(PG_OP_add, of(PG_OP_mul, d, kept[INPUTS + 1]), d), inputs[1]);
        found += check_any(d, inputs, PG_REVERSE);
        found += check_any(d, inputs, PG_FORWARD);
        drop_all();
    }
    CHECK(found > TIMES(60000) / 1000);
}

/* -- where memory fails ---------------------------------------------------------------------------- */

static void test_each_allocation_of_a_search_fails_in_turn(void)
{
    pg_node *x = variable(0.0), *f = power_of(of(PG_OP_sqrt, of(PG_OP_mul, x, x), NULL), 2.0);
    pg_sweep *s = sorted(root_of(derivative(f, x)), 0, NULL, 0);
    const double one = 1.0;
    for (int alone = 0; alone < 2; alone++) {
        pg_status status = PG_NO_MEMORY;
        size_t n = 0;
        while (status != PG_OK) {
            pg_singularity found = {.node = x};
            fail(++n, alone);
            status = pg_find_singular(s, PG_REVERSE, &x, 1, &one, &found);
            pg_fail_at(0);
            CHECK(status == PG_OK || (status == PG_NO_MEMORY && is_nothing(found)));
            CHECK((status == PG_OK) == (found.node != NULL));
        }
        CHECK(n == 3); /* the states and the index */
    }
    pg_sweep_abandon(s);
    drop_all();
}

int main(void)
{
    RUN(test_the_root_of_a_square_has_a_singular_second_derivative_where_it_is_0);
    RUN(test_roots_of_sums_and_dots_are_found_too);
    RUN(test_a_root_that_is_an_item_of_a_table_is_found_where_it_is_taken);
    RUN(test_slopes_that_are_0_by_convention_are_found_where_they_have_no_limit);
    RUN(test_no_op_is_singular_where_it_is_smooth);
    RUN(test_a_fixed_zero_is_absent);
    RUN(test_a_logarithm_in_a_rule_has_its_limit);
    RUN(test_inputs_far_out_are_not_looked_at);
    RUN(test_where_nothing_arrives_nothing_is_found);
    RUN(test_closures_and_custom_nodes_end_the_way);
    RUN(test_a_condition_is_a_number_on_the_way);
    RUN(test_given_partials_are_numbers_or_nodes);
    RUN(test_what_counts_is_whether_a_zero_was_computed);
    RUN(test_a_node_is_named_where_no_slope_is_infinite);
    RUN(test_what_has_overflowed_is_no_pole);
    RUN(test_which_zeros_are_computed);
    RUN(test_what_is_of_second_order);
    RUN(test_the_one_that_matters_is_named);
    RUN(test_seeds_of_one_operand_add_up_and_other_leaves_are_nobody_s);
    RUN(test_nothing_is_found_unless_a_sweep_has_taken_something_to_be_0);
    RUN(test_each_allocation_of_a_search_fails_in_turn);
    CHECK(pg_live_nodes() == 0);
    printf("OK\n");
    return 0;
}
