/* Choices by one condition, which are made together where they stand together: programs of comparisons and choices at random
 * over few slots, against the same done one after the other.
 * Linked with the files of csrc that do not include Python.h, by tests/package/test_c_library.py. */
#include "random.h"
#include "traces.h"

enum { SLOTS = 7, GIVEN = 4, LENGTH = 12, ROWS = PG_LANES + 6 };

/* An operand that is not what the instruction gives. */
static pg_slot operand_beside(size_t out)
{
    const size_t found = below(SLOTS - 1);
    return PG_ROW | (pg_slot)(found + (found >= out));
}

static pg_instruction any_choice(const pg_instruction *before)
{
    const size_t out = below(SLOTS);
    pg_instruction in = {.code = PG_OP_where, .out = PG_ROW | (pg_slot)out};
    in.a = operand_beside(out), in.b = operand_beside(out), in.c = operand_beside(out);
    if (before == NULL || one_in(3)) {
        in.code = (uint16_t)(one_in(2) ? PG_OP_below : PG_OP_at_most);
        in.c = PG_NO_SLOT;
    } else if (before->code != PG_OP_where && before->out != in.out) {
        in.a = before->out;
    } else if (before->code == PG_OP_where && before->a != in.out) {
        in.a = before->a;
    }
    return in;
}

static double plainly(const pg_instruction *in, const double *x)
{
    const double a = x[in->a & ~PG_ROW], b = x[in->b & ~PG_ROW];
    return pg_evaluate_one(in->code, a, b, in->c == PG_NO_SLOT ? 0.0 : x[in->c & ~PG_ROW]);
}

/* A program that ends with all slots as outputs. */
static void run(pg_instruction *code, double columns[GIVEN][ROWS], double found[SLOTS][ROWS])
{
    pg_slot inputs[GIVEN], results[SLOTS];
    const double *given[GIVEN];
    double *outputs[SLOTS];
    ptrdiff_t strides[SLOTS];
    for (size_t i = 0; i < GIVEN; i++)
        inputs[i] = PG_ROW | (pg_slot)i, given[i] = columns[i];
    for (size_t i = 0; i < SLOTS; i++) {
        results[i] = PG_NO_SLOT, outputs[i] = found[i], strides[i] = 1;
        code[LENGTH + i] = (pg_instruction){
            .code = PG_CODE_OUTPUT, .out = (pg_slot)i, .a = PG_ROW | (pg_slot)i, .b = PG_NO_SLOT, .c = PG_NO_SLOT};
    }
    const pg_program p = {.inputs = GIVEN,
                          .lanes = SLOTS,
                          .outputs = SLOTS,
                          .input_slots = inputs,
                          .result_slots = results,
                          .code = code,
                          .length = LENGTH + SLOTS};
    const pg_batch batch = {.inputs = given,
                            .strides = strides,
                            .count = ROWS,
                            .outputs = outputs,
                            .output_strides = strides,
                            .uniforms = room(pg_uniform_bytes(&p), 1),
                            .lanes = room(pg_lane_bytes(&p), 1)};
    CHECK(pg_program_verify(&p) == 1);
    CHECK(pg_program_run(&p, &batch) == 0);
    free(batch.uniforms), free(batch.lanes);
}

static void test_choices_are_those_of_one_after_the_other(void)
{
    static double columns[GIVEN][ROWS], found[SLOTS][ROWS];
    for (size_t n = 0; n < TIMES(3000); n++) {
        pg_instruction code[LENGTH + SLOTS];
        pg_choose_lanes((int)(n % 4) - 1);
        for (size_t i = 0; i < LENGTH; i++)
            code[i] = any_choice(i == 0 ? NULL : &code[i - 1]);
        for (size_t i = 0; i < SLOTS - GIVEN; i++) { /* what is not given is written before it is read */
            code[i] = (pg_instruction){.code = PG_OP_below, .out = PG_ROW | (pg_slot)(GIVEN + i), .c = PG_NO_SLOT};
            code[i].a = PG_ROW | (pg_slot)below(GIVEN), code[i].b = PG_ROW | (pg_slot)below(GIVEN);
        }
        for (size_t i = 0; i < GIVEN; i++)
            for (size_t l = 0; l < ROWS; l++)
                columns[i][l] = (double)below(3) - 1.0;
        run(code, columns, found);
        for (size_t l = 0; l < ROWS; l++) {
            double x[SLOTS] = {0};
            for (size_t i = 0; i < GIVEN; i++)
                x[i] = columns[i][l];
            for (size_t i = 0; i < LENGTH; i++)
                x[code[i].out & ~PG_ROW] = plainly(&code[i], x);
            for (size_t i = 0; i < SLOTS; i++)
                CHECK(found[i][l] == x[i]);
        }
    }
    pg_choose_lanes(2);
}

int main(void)
{
    RUN(test_choices_are_those_of_one_after_the_other);
    CHECK(pg_live_nodes() == 0);
    printf("OK\n");
    return 0;
}
