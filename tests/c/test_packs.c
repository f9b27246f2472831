/* test_packs.c: packed programs give the bits of the same ones an instruction at a time, and end where they do. */
#include "loops.h"

#include "program/loop.h"
#include "program/pack.h"

enum { MOST_CODE = 600, MOST_TERMS = 4000, MOST_SLOTS = 800 };

/* A program in the making, without rows; all its results are outputs. */
typedef struct {
    pg_program p;
    pg_instruction code[MOST_CODE];
    pg_term terms[MOST_TERMS];
    double constants[8];
    pg_slot inputs[32], results[MOST_SLOTS];
    void *loops[4];
} made;

static double usual_number(void)
{
    return between(-2.0, 2.0);
}

static pg_loop *of_loop[4];

/* -- programs at random -------------------------------------------------------------------------- */

/* Where some operands stand, side by side in the code: one slot, slots in a row, or any. */
typedef struct {
    size_t from, step;
    int anyhow;
    size_t bound;
} stand;

static stand some_stand(const made *m, size_t width)
{
    stand s = {.bound = m->p.uniforms, .anyhow = one_in(4)};
    s.step = one_in(3) ? 0 : one_in(6) ? 2 : 1;
    const size_t room = s.step * (width - 1);
    if (room >= s.bound)
        s.step = 0;
    s.from = below(s.bound - s.step * (width - 1));
    return s;
}

static pg_slot at_stand(const stand *s, size_t i)
{
    return (pg_slot)(s->anyhow || one_in(60) ? below(s->bound) : s->from + i * s->step);
}

static pg_slot some_constant(const made *m)
{
    return (pg_slot)(m->p.lives + below(m->p.constants));
}

static pg_instruction *put_code(made *m, uint16_t code, size_t results)
{
    pg_instruction *in = &m->code[m->p.length++];
    *in = (pg_instruction){.code = code, .a = PG_NO_SLOT, .b = PG_NO_SLOT, .c = PG_NO_SLOT};
    in->out = (uint32_t)m->p.uniforms;
    for (size_t i = 0; i < results; i++)
        m->results[m->p.outputs++] = (pg_slot)m->p.uniforms++;
    return in;
}

/* A partner, on the operands that another has. */
static void put_beside(made *m, uint16_t partner, const pg_instruction *other)
{
    const pg_slot a = other->a, b = other->b;
    pg_instruction *in = put_code(m, partner, 1);
    in->a = a;
    in->b = b;
}

static void add_ops(made *m, int op, size_t width)
{
    const pg_op_info *info = pg_op_at(op - PG_OP_add);
    const stand a = some_stand(m, width), b = some_stand(m, width), c = some_stand(m, width);
    const int constant = one_in(3), square = one_in(5), partner = one_in(2) ? pg_partner(op) : -1;
    const pg_slot k = some_constant(m);
    for (size_t i = 0; i < width; i++) {
        const pg_slot x = at_stand(&a, i), y = at_stand(&b, i), z = at_stand(&c, i);
        pg_instruction *in = put_code(m, (uint16_t)op, 1);
        in->a = x;
        if (info->arity + info->has_constant > 1)
            in->b = info->has_constant ? (one_in(2) ? k : some_constant(m)) : square ? x : constant ? k : y;
        if (info->arity == 2 && !info->has_constant && constant && one_in(20)) {
            in->a = k;
            in->b = y;
        }
        if (info->arity > 2)
            in->c = z;
        if (partner >= 0 && !one_in(10))
            put_beside(m, (uint16_t)partner, in);
    }
}

static void add_sums(made *m, size_t width)
{
    const size_t count = one_in(8) ? 0 : 1 + below(one_in(4) ? 12 : 3);
    const uint64_t shape = random_word(), absorbing = one_in(2) ? 0 : random_word(), taken = random_word();
    const uint16_t code = one_in(2) ? PG_CODE_FUSED : PG_CODE_CONTRACTED;
    const stand start = some_stand(m, width);
    stand stands[26];
    for (size_t t = 0; t < 2 * count; t++)
        stands[t] = some_stand(m, width);
    for (size_t i = 0; i < width; i++) {
        const int other = one_in(40);
        const pg_slot first = at_stand(&start, i);
        pg_instruction *in = put_code(m, code, 1);
        in->a = first;
        in->first = (uint32_t)m->p.term_count;
        in->count = (uint32_t)count;
        for (size_t t = 0; t < count; t++) {
            const pg_slot x = at_stand(&stands[2 * t], i), y = at_stand(&stands[2 * t + 1], i);
            const int product = (shape >> t & 1) != (uint64_t)(other && t == 1);
            const uint16_t strong = product && (absorbing >> t & 1);
            in->expected = (uint16_t)(in->expected | strong);
            m->terms[m->p.term_count++] = (pg_term){x, product ? y : PG_NO_SLOT, strong,
                                                    code == PG_CODE_CONTRACTED && (taken >> t & 1)};
        }
    }
}

static void add_table(made *m)
{
    const size_t count = 1 + below(m->p.uniforms < 6 ? m->p.uniforms : 6);
    const int take = one_in(2), in_a_row = one_in(2);
    const pg_slot index = (pg_slot)below(m->p.uniforms), from = (pg_slot)below(m->p.uniforms - count + 1);
    pg_instruction *in = put_code(m, take ? PG_CODE_TAKE : PG_CODE_SEARCH, 1);
    in->a = index;
    in->expected = (uint16_t)(take ? 0 : below(PG_RULE_COUNT));
    in->count = (uint32_t)count;
    if (in_a_row) {
        in->b = from;
        return;
    }
    in->first = (uint32_t)m->p.term_count;
    for (size_t i = 0; i < count; i++)
        m->terms[m->p.term_count++] = (pg_term){(pg_slot)below(in->out), PG_NO_SLOT, 0, 0};
}

static void add_guard(made *m)
{
    const pg_slot a = (pg_slot)below(m->p.uniforms), b = (pg_slot)below(m->p.uniforms);
    pg_instruction *in = put_code(m, PG_CODE_GUARD, 0);
    in->out = (uint32_t)m->p.guards++;
    in->expected = (uint16_t)(2 * below(6) + below(2));
    if (one_in(2)) /* mostly holds */
        in->expected = 2 * PG_UNEQUAL + 1;
    in->a = a;
    in->b = b;
}

static void add_loop(made *m)
{
    const size_t which = below(4);
    const pg_loop *loop = of_loop[which];
    pg_instruction *in = put_code(m, PG_CODE_LOOP, loop->base.results);
    in->a = (pg_slot)m->p.loop_count;
    m->loops[m->p.loop_count++] = of_loop[which];
    in->first = (uint32_t)m->p.term_count;
    in->count = (uint32_t)loop->base.operands;
    for (size_t i = 0; i < in->count; i++)
        m->terms[m->p.term_count++] = (pg_term){(pg_slot)below(in->out), PG_NO_SLOT, 0, 0};
}

static void make_some(made *m, double (*number)(void), int loops)
{
    *m = (made){.p = {.inputs = 1 + below(24), .lives = below(3), .constants = 1 + below(4), .tells = one_in(2)}};
    pg_program *p = &m->p;
    for (size_t i = 0; i < p->constants; i++)
        m->constants[i] = i == 0 ? (double)below(5) - 1.0 : number();
    p->uniforms = p->lives + p->constants;
    for (size_t i = 0; i < p->inputs; i++)
        m->inputs[i] = one_in(10) ? PG_NO_SLOT : (pg_slot)p->uniforms++;
    for (size_t layers = 1 + below(14); layers != 0 && p->length < 400; layers--) {
        const size_t width = one_in(4) ? 1 + below(3) : one_in(10) ? 60 + below(40) : 1 + below(20);
        const size_t what = below(20);
        if (what < 6 && p->term_count < 2000)
            add_sums(m, width);
        else if (what == 6)
            add_table(m);
        else if (what == 7)
            add_guard(m);
        else if (what == 8 && loops && p->loop_count < 4)
            add_loop(m);
        else
            add_ops(m, some_op(), width);
    }
    p->constant_values = m->constants;
    p->input_slots = m->inputs;
    p->result_slots = m->results;
    p->code = m->code;
    p->terms = m->terms;
    p->loops = m->loops;
    p->once = p->spread = p->length;
}

/* -- runs ---------------------------------------------------------------------------------------- */

static double *memory_of(const pg_program *p)
{
    double *uniforms = room(pg_uniform_bytes(p), 1);
    memset(uniforms, 0, pg_uniform_bytes(p));
    pg_place_constants(p, uniforms);
    return uniforms;
}

/* Both ways, with each set of instructions and other numbers each time; whether they end before their end. */
static int check_runs(const made *m, const pg_pack *k, double (*number)(void))
{
    const pg_program *p = &m->p;
    double *plain = memory_of(p), *packed = memory_of(&k->rest);
    int left = 0;
    for (int run = 0; run < 6; run++) {
        uint32_t guard = 7, found = 7;
        pg_choose_lanes(run % 3);
        for (size_t i = 0; i < p->lives; i++)
            plain[i] = packed[i] = number();
        for (size_t i = 0; i < p->inputs; i++)
            if (m->inputs[i] != PG_NO_SLOT)
                plain[m->inputs[i]] = packed[m->inputs[i]] = number();
        const int outcome = pg_uniforms_run(p, plain, &guard);
        CHECK(pg_pack_run(k, packed, &found) == outcome && found == guard);
        for (size_t i = 0; outcome > 0 && i < p->outputs; i++)
            CHECK(same_number(plain[m->results[i]], packed[k->rest.result_slots[i]]));
        left |= outcome <= 0;
    }
    free(plain);
    free(packed);
    return left;
}

static size_t packed_count(const made *m, const pg_pack *k)
{
    return m->p.length - k->rest.length;
}

static void test_packed_programs_have_the_bits_of_others(void)
{
    static made m;
    size_t packs = 0, packed = 0, all = 0, left = 0;
    for (uint64_t seed = 1; seed <= TIMES(4000); seed++) {
        double (*number)(void) = seed % 3 ? usual_number : any_number;
        random_state = seed;
        make_some(&m, number, seed % 4 == 0);
        CHECK(pg_program_verify(&m.p) == 1 || m.p.loop_count != 0);
        pg_pack *k;
        CHECK(pg_pack_make(&m.p, &k) == PG_OK);
        if (k == NULL)
            continue;
        CHECK(pg_program_verify(&k->rest) >= 0);
        packs++;
        packed += packed_count(&m, k);
        all += m.p.length;
        left += (size_t)check_runs(&m, k, number);
        pg_pack_release(pg_pack_retain(k));
        pg_pack_release(k);
    }
    CHECK(packs > TIMES(4000) / 2 && 2 * packed > all && left > 50);
}

/* -- what is known of some programs -------------------------------------------------------------- */

/* count products of inputs 0, 1, ... with those from second on. */
static void multiply(made *m, size_t count, size_t second, int op)
{
    *m = (made){.p = {.inputs = 32, .constants = 1, .uniforms = 33, .tells = 1}};
    for (size_t i = 0; i < 32; i++)
        m->inputs[i] = (pg_slot)(1 + i);
    for (size_t i = 0; i < count; i++) {
        pg_instruction *in = put_code(m, (uint16_t)op, 1);
        in->a = (pg_slot)(1 + i);
        in->b = (pg_slot)(1 + second + i);
    }
    m->p.constant_values = m->constants;
    m->p.input_slots = m->inputs;
    m->p.result_slots = m->results;
    m->p.code = m->code;
    m->p.once = m->p.spread = m->p.length;
}

static void test_what_is_alike_and_independent_becomes_one_step(void)
{
    static made m;
    pg_pack *k;
    multiply(&m, 16, 16, PG_OP_mul);
    CHECK(pg_pack_make(&m.p, &k) == PG_OK && k->step_count == 1 && k->rest.length == 0);
    CHECK(k->steps[0].count == 16 && k->word_count == 3); /* one stretch, two operands */
    pg_pack_release(k);
    multiply(&m, 3, 16, PG_OP_mul);
    pg_fail_at(1000);
    CHECK(pg_pack_make(&m.p, &k) == PG_OK && k == NULL); /* too few to be worth it: */
    CHECK(pg_allocations() <= 6); /* to see that takes no more than to see what is alike */
    pg_fail_at(0);
    pg_pack_release(k);
    multiply(&m, 0, 16, PG_OP_mul);
    CHECK(pg_pack_make(&m.p, &k) == PG_OK && k == NULL);
    m.p.uniforms = PG_EACH;
    CHECK(pg_pack_make(&m.p, &k) == PG_OK && k == NULL); /* too many slots for words */
}

/* Each of the numbers that stand side by side alone meets what an exact 0 wins over. */
static void test_an_exact_0_wins_in_each_number_and_is_told(void)
{
    static made m;
    for (int lanes = 0; lanes < 3; lanes++)
        for (size_t count = 4; count <= 16; count++)
            for (size_t zero = 0; zero <= count; zero++) {
                pg_pack *k;
                uint32_t guard;
                multiply(&m, count, 16, PG_OP_mul0);
                CHECK(pg_pack_make(&m.p, &k) == PG_OK && k != NULL);
                pg_choose_lanes(lanes);
                double *uniforms = memory_of(&k->rest);
                for (size_t i = 0; i < 32; i++)
                    uniforms[1 + i] = i % 16 != zero ? 1.0 : i < 16 ? 0.0 : (double)INFINITY;
                if (zero == count) /* beyond the last: not met */
                    uniforms[1 + zero % 16] = uniforms[17 + zero % 16] = (double)(count == 16 ? 1.0 : NAN);
                CHECK(pg_pack_run(k, uniforms, &guard) == (zero < count ? 2 : 1));
                for (size_t i = 0; i < count; i++)
                    CHECK(uniforms[k->rest.result_slots[i]] == (i == zero ? 0.0 : 1.0));
                free(uniforms);
                pg_pack_release(k);
            }
}

static void test_a_pack_without_memory_is_not_made(void)
{
    static made m;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        random_state = 7000 + seed;
        make_some(&m, usual_number, 0);
        pg_pack *k = NULL;
        pg_status status = PG_NO_MEMORY;
        size_t n = 0;
        while (status == PG_NO_MEMORY) {
            fail(++n, (int)(seed % 2));
            status = pg_pack_make(&m.p, &k);
            fail(0, 0);
            CHECK(status == PG_OK || k == NULL);
        }
        CHECK(status == PG_OK && n > (k == NULL ? 6 : 9));
        pg_pack_release(k);
    }
}

/* Sums that differ in which of their terms are products, two of each shape: more shapes than a table has without any
 * two in one place. */
static void test_sums_of_many_shapes_are_told_apart(void)
{
    enum { SHAPES = 200, EACH = 8, TERMS = 8 };
    static made m;
    static pg_instruction code[SHAPES * EACH];
    static pg_term terms[SHAPES * EACH * TERMS];
    static pg_slot results[SHAPES * EACH];
    multiply(&m, 0, 0, PG_OP_mul);
    pg_program p = m.p;
    p.code = code;
    p.terms = terms;
    p.result_slots = results;
    for (size_t i = 0; i < SHAPES * EACH; i++) {
        code[i] = (pg_instruction){.code = PG_CODE_FUSED,
                                   .out = (uint32_t)p.uniforms,
                                   .a = (pg_slot)(1 + i % 32),
                                   .b = PG_NO_SLOT,
                                   .c = PG_NO_SLOT,
                                   .first = (uint32_t)p.term_count,
                                   .count = TERMS,
                                   .expected = i / SHAPES % 2}; /* as none says that is made */
        for (size_t t = 0; t < TERMS; t++)
            terms[p.term_count++] = (pg_term){(pg_slot)(1 + (i + t) % 32),
                                              i % SHAPES >> t & 1 ? (pg_slot)(1 + (i + 3 * t) % 32) : PG_NO_SLOT, 0, 0};
        results[p.outputs++] = (pg_slot)p.uniforms++;
    }
    p.length = p.once = p.spread = SHAPES * EACH;
    pg_pack *k;
    uint32_t guard;
    CHECK(pg_program_verify(&p) == 1);
    CHECK(pg_pack_make(&p, &k) == PG_OK && k->step_count == 2 * SHAPES && k->rest.length == 0);
    double *plain = memory_of(&p), *packed = memory_of(&k->rest);
    for (size_t i = 0; i < 32; i++)
        plain[1 + i] = packed[1 + i] = usual_number();
    CHECK(pg_uniforms_run(&p, plain, &guard) == 1 && pg_pack_run(k, packed, &guard) == 1);
    for (size_t i = 0; i < p.outputs; i++)
        CHECK(same_number(plain[results[i]], packed[k->rest.result_slots[i]]));
    free(plain);
    free(packed);
    pg_pack_release(k);
}

static void test_programs_are_packed_when_it_is_said(void)
{
    const size_t usual = pg_pack_after();
    CHECK(usual > 0 && usual < 1000);
    pg_pack_choose(3);
    CHECK(pg_pack_after() == 3);
    pg_pack_choose(usual);
}

int main(void)
{
    begin_tracing();
    for (int i = 0; i < 4; i++)
        of_loop[i] = made_loop(&kinds[i], 50);
    RUN(test_packed_programs_have_the_bits_of_others);
    RUN(test_what_is_alike_and_independent_becomes_one_step);
    RUN(test_an_exact_0_wins_in_each_number_and_is_told);
    RUN(test_a_pack_without_memory_is_not_made);
    RUN(test_sums_of_many_shapes_are_told_apart);
    RUN(test_programs_are_packed_when_it_is_said);
    for (int i = 0; i < 4; i++)
        pg_loop_release(of_loop[i]);
    end_tracing();
    printf("OK\n");
    return 0;
}
