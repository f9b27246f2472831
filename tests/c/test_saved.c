/* test_saved.c: programs as bytes and back; and what is not sound is refused before it runs.
 * Linked with the files of csrc that do not include Python.h, by tests/package/test_c_library.py. */
#include "traces.h"

static double usual_number(void)
{
    return between(-2.0, 2.0);
}

/* As many as a damaged program may name. */
static uint16_t as_it_is[PG_CODE_COUNT + 1];

/* Bytes that pg_alloc gave. */
typedef struct {
    unsigned char *bytes;
    size_t size;
} text;

static text written(const pg_program *p, size_t inputs)
{
    text t = {NULL, pg_program_size(p, inputs)};
    t.bytes = pg_alloc(t.size, 1);
    pg_program_write(p, inputs, as_it_is, NULL, t.bytes);
    return t;
}

static int read_back(text t, size_t lives, pg_program **p)
{
    return pg_program_read(t.bytes, t.size, lives, as_it_is, PG_CODE_COUNT + 1, NULL, p);
}

/* -- there and back ------------------------------------------------------------------------------ */

static void test_a_program_that_was_read_is_the_one_that_was_written(void)
{
    for (uint64_t seed = 1; seed <= 1000; seed++) {
        trace t;
        double lives[LIVES];
        random_state = seed;
        make_trace(&t, 1 + below(MOST_NODES), any_number);
        pg_program *p = program_of(&t, lives), *q = NULL;
        const text first = written(p, p->inputs);
        for (size_t n = 1; q == NULL; n++) {
            pg_fail_at(n);
            const int found = read_back(first, p->lives, &q);
            pg_fail_at(0);
            CHECK(found == (q == NULL ? -1 : 1));
        }
        const text second = written(q, q->inputs);
        CHECK(first.size == second.size && memcmp(first.bytes, second.bytes, first.size) == 0);
        pg_program_free(q);
        CHECK(read_back(first, p->lives + 1, &q) == 0);
        for (size_t size = 0; size < first.size; size += 1 + size / 7)
            CHECK(read_back((text){first.bytes, size}, p->lives, &q) == 0);
        if (p->length != 0)
            CHECK(pg_program_read(first.bytes, first.size, p->lives, as_it_is, PG_OP_add, NULL, &q) == 0);
        pg_free(first.bytes);
        pg_free(second.bytes);
        pg_program_free(p);
        drop_trace(&t);
    }
}

/* -- damage -------------------------------------------------------------------------------------- */

/* A slot that there is, or nearly, or none. */
static pg_slot any_slot(const pg_program *p)
{
    switch (below(5)) {
    case 0:
        return PG_NO_SLOT;
    case 1:
        return (pg_slot)random_word();
    case 2:
        return (pg_slot)below(p->uniforms % 4096 + 2);
    default:
        return PG_ROW | (pg_slot)below(p->lanes % 4096 + 2);
    }
}

static void damage_instruction(pg_program *p)
{
    pg_instruction *in = &p->code[below(p->length)];
    switch (below(10)) {
    case 0:
        in->code = (uint16_t)below(PG_CODE_COUNT + 1);
        break;
    case 1:
        in->expected = (uint16_t)below(16);
        break;
    case 2:
        in->out = any_slot(p);
        break;
    case 3:
        in->out = (uint32_t)below(p->outputs + p->guards % 4096 + 2);
        break;
    case 4:
        in->first = (uint32_t)below(p->term_count + 2);
        break;
    case 5:
        in->count = (uint32_t)below(p->term_count + 2);
        break;
    case 6: /* the same once more */
        p->code[below(p->length)] = *in;
        break;
    default:
        (&in->a)[below(3)] = any_slot(p);
    }
}

static void damage(pg_program *p)
{
    size_t *const counts[] = {&p->uniforms, &p->lanes, &p->guards, &p->once, &p->spread, &p->lives};
    switch (below(8)) {
    case 0:
        *counts[below(5)] += below(5) - 2;
        return;
    case 1:
        if (p->inputs != 0)
            p->input_slots[below(p->inputs)] = any_slot(p);
        return;
    case 2:
        p->result_slots[below(p->outputs)] = any_slot(p);
        return;
    case 3:
        if (p->term_count != 0)
            *(one_in(2) ? &p->terms[below(p->term_count)].a : &p->terms[below(p->term_count)].b) = any_slot(p);
        return;
    case 4:
        if (p->term_count != 0)
            *(one_in(2) ? &p->terms[below(p->term_count)].absorbing
                        : &p->terms[below(p->term_count)].subtracted) = (uint16_t)below(3);
        return;
    default:
        if (p->length != 0)
            damage_instruction(p);
    }
}

static void test_a_damaged_program_is_refused_or_keeps_to_its_memory(void)
{
    size_t sound = 0, refused = 0;
    for (uint64_t seed = 1; seed <= 3000; seed++) {
        trace t;
        double lives[LIVES];
        random_state = 10000 + seed;
        make_trace(&t, 1 + below(25), usual_number);
        pg_program *p = program_of(&t, lives);
        drop_trace(&t);
        const text whole = written(p, p->inputs);
        for (int turn = 0; turn < TIMES(60); turn++) {
            pg_program *q = NULL, *r = NULL;
            CHECK(read_back(whole, p->lives, &q) == 1);
            for (size_t times = 1 + below(3); times != 0; times--)
                damage(q);
            const text broken = written(q, q->inputs); /* counts of arrays are as they were */
            const int found = read_back(broken, q->lives, &r);
            CHECK(found == 0 || found == 1);
            CHECK(pg_program_verify(q) == found);
            if (found) {
                run_anything(r, any_number);
                pg_program_free(r);
            }
            sound += found == 1;
            refused += found == 0;
            pg_free(broken.bytes);
            pg_program_free(q);
        }
        pg_free(whole.bytes);
        pg_program_free(p);
    }
    CHECK(sound > TIMES(30000) && refused > TIMES(30000));
}

static void test_bytes_at_random_are_refused_or_keep_to_their_memory(void)
{
    for (uint64_t seed = 1; seed <= TIMES(20000); seed++) {
        trace t;
        double lives[LIVES];
        random_state = 40000 + seed / 100;
        make_trace(&t, 1 + below(8), usual_number);
        pg_program *p = program_of(&t, lives), *q = NULL;
        drop_trace(&t);
        const text whole = written(p, p->inputs);
        random_state = seed * 1000;
        for (size_t times = 1 + below(4); times != 0; times--)
            whole.bytes[below(whole.size)] ^= (unsigned char)(1u << below(8));
        if (read_back(whole, p->lives, &q) == 1) {
            run_anything(q, any_number);
            pg_program_free(q);
        }
        pg_free(whole.bytes);
        pg_program_free(p);
    }
}

static void test_every_code_has_a_name_and_no_other_number_has(void)
{
    for (int code = -1; code < PG_CODE_COUNT + 2; code++)
        CHECK((pg_code_name(code) != NULL) == (PG_OP_add <= code && code < PG_CODE_COUNT));
    CHECK(strcmp(pg_code_name(PG_OP_add), "add") == 0 && strcmp(pg_code_name(PG_CODE_FUSED), "fused") == 0);
    pg_program_free(NULL);
}

int main(void)
{
    for (size_t i = 0; i <= PG_CODE_COUNT; i++)
        as_it_is[i] = (uint16_t)i;
    RUN(test_a_program_that_was_read_is_the_one_that_was_written);
    RUN(test_a_damaged_program_is_refused_or_keeps_to_its_memory);
    RUN(test_bytes_at_random_are_refused_or_keep_to_their_memory);
    RUN(test_every_code_has_a_name_and_no_other_number_has);
    CHECK(pg_live_nodes() == 0);
    printf("OK\n");
    return 0;
}
