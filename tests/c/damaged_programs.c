/* damaged_programs.c: programs of saved files, damaged by the million, through the reader that load() has for them.
 *
 *     damaged_programs SEEDS COUNT SEED
 *
 * Built and run by tests/faults/damaged_files.py with the files of csrc that do not include Python.h. SEEDS has sound
 * programs as they stand in files: each is how many parts it has, which are bodies of loops and the program itself, how
 * many lives it reads, how many codes there are (32 bits each), the codes (16 bits each), and for each part its size and
 * its bytes. One part is changed. What is read is run: once, as a call, for rows with every set of vector
 * instructions, and looked at for sparsity. Prints a line for each kind of change: how many, how many of them were
 * programs still; then the most memory that reading one took, over its size, and the slowest, in microseconds. */
#define _GNU_SOURCE /* clock_gettime */
#include "graph/stopping.h"
#include "program/program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MOST_SEEDS = 256, MOST_BYTES = 1 << 16, COUNTS = 11, INSTRUCTION = 28, TERM = 12, ROWS = 130 };
enum { BODY = 12, SCAN = 24, MOST_PARTS = 16 }; /* bytes before a body's program, and of a scan's besides */
enum { N_INPUTS, N_LIVES, N_UNIFORMS, N_CONSTANTS, N_LANES, N_OUTPUTS, N_GUARDS, N_LENGTH, N_ONCE, N_SPREAD, N_TERMS };

typedef struct {
    uint32_t size;
    unsigned char *bytes;
} part;

typedef struct {
    uint32_t count, lives, code_count;
    uint16_t *codes;
    part parts[MOST_PARTS];
} seed;

static seed seeds[MOST_SEEDS];
static size_t seed_count;

/* -- random numbers ----------------------------------------------------------------------------- */
static uint64_t state;

static uint64_t random_bits(void) /* xorshift64* */
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * 0x2545F4914F6CDD1DULL;
}

static uint32_t below(uint32_t n)
{
    return n == 0 ? 0 : (uint32_t)((random_bits() >> 32) % n);
}

/* -- the bytes ---------------------------------------------------------------------------------- */
static unsigned char bytes[2 * MOST_BYTES];
static size_t size;
static uint32_t counts[COUNTS];
static size_t base, code_at, terms_at, loops_at; /* where the program begins, its code, terms and loops */

static uint32_t get(size_t at, int width)
{
    uint32_t number = 0;
    for (int i = 0; i < width; i++)
        number |= (uint32_t)bytes[at + (size_t)i] << 8 * i;
    return number;
}

static void put(size_t at, uint32_t number, int width)
{
    for (int i = 0; i < width; i++)
        bytes[at + (size_t)i] = (unsigned char)(number >> 8 * i);
}

/* How many bytes of a body stand before its program: see bodies.c. */
static size_t head_of_body(uint32_t which)
{
    if (!(get(0, 4) & 0x80000000u))
        return BODY;
    const size_t known = get(BODY + 8, 4), length = get(BODY + 12, 4);
    return BODY + SCAN + (get(BODY + 20, 4) == which ? 8 * known * length : 0);
}

static void begin(const seed *s, uint32_t which)
{
    memcpy(bytes, s->parts[which].bytes, s->parts[which].size);
    size = s->parts[which].size;
    base = which + 1 < s->count ? head_of_body(which) : 0;
    for (size_t i = 0; i < COUNTS; i++)
        counts[i] = get(base + 4 * i, 4);
    code_at = base + 4 * COUNTS + 8 * (size_t)counts[N_CONSTANTS] + 4 * ((size_t)counts[N_INPUTS] + counts[N_OUTPUTS]);
    terms_at = code_at + INSTRUCTION * (size_t)counts[N_LENGTH];
    loops_at = terms_at + TERM * (size_t)counts[N_TERMS];
}

static uint32_t strange(uint32_t number)
{
    static const uint32_t edges[] = {0,          1,          2,          3,         7,          64,
                                     127,        255,        0x7FFF,     0xFFFF,    0x7FFFFFFE, 0x7FFFFFFF,
                                     0x80000000, 0x80000001, 0xFFFFFFFE, 0xFFFFFFFF};
    switch (below(5)) {
    case 0:
        return edges[below(sizeof edges / sizeof *edges)];
    case 1:
        return below(16);
    case 2:
        return number ^ 0x80000000;
    default:
        return number + below(5) - 2;
    }
}

/* -- changes ------------------------------------------------------------------------------------ */
static size_t some_instruction(void)
{
    return code_at + INSTRUCTION * (size_t)below(counts[N_LENGTH]);
}

static void change_code(void)
{
    if (counts[N_LENGTH] != 0)
        put(some_instruction(), below(below(4) == 0 ? 0x10000 : 12), 2);
}

static void change_expected(void)
{
    if (counts[N_LENGTH] != 0)
        put(some_instruction() + 2, below(4) == 0 ? strange(0) : below(14), 2);
}

static void change_slot(void)
{
    size_t at = base + 4 * COUNTS + 8 * (size_t)counts[N_CONSTANTS] +
                4 * (size_t)below(counts[N_INPUTS] + counts[N_OUTPUTS]);
    if (counts[N_LENGTH] != 0 && below(4) != 0)
        at = some_instruction() + 4 + 4 * (size_t)below(4);
    if (counts[N_TERMS] != 0 && below(3) == 0)
        at = terms_at + TERM * (size_t)below(counts[N_TERMS]) + 4 * (size_t)below(2);
    if (at + 4 <= size)
        put(at,
            below(3) == 0 && counts[N_LENGTH] != 0 ? get(some_instruction() + 4 + 4 * (size_t)below(4), 4)
                                                   : strange(get(at, 4)),
            4);
}

static void change_range(void)
{
    size_t at = counts[N_LENGTH] != 0 ? some_instruction() + 20 + 4 * (size_t)below(2) : base;
    if (counts[N_TERMS] != 0 && below(3) == 0)
        at = terms_at + TERM * (size_t)below(counts[N_TERMS]) + 8;
    put(at, strange(get(at, 4)), 4);
}

static void change_count(void)
{
    size_t at = base + 4 * (size_t)below(COUNTS);
    put(at, strange(get(at, 4)), 4);
}

static void change_constant(void)
{
    static const double numbers[] = {0.0, -0.0, 1.0, -1.0, 0.5, 1e-300, 1e300, 1e308, 5e-324};
    double number = numbers[below(sizeof numbers / sizeof *numbers)];
    uint64_t bits = random_bits();
    if (counts[N_CONSTANTS] != 0)
        memcpy(bytes + base + 4 * COUNTS + 8 * (size_t)below(counts[N_CONSTANTS]),
               below(2) ? (void *)&bits : (void *)&number, 8);
}

/* An instruction or a term goes, comes twice, or changes places; the counts agree. */
static void change_items(void)
{
    const int terms = counts[N_TERMS] != 0 && below(3) == 0;
    const size_t each = terms ? TERM : INSTRUCTION, start = terms ? terms_at : code_at;
    const uint32_t count = counts[terms ? N_TERMS : N_LENGTH], i = below(count), other = below(count);
    unsigned char *const here = bytes + start + each * i;
    if (count == 0)
        return;
    const uint32_t how = below(3);
    if (how == 2) {
        unsigned char kept[INSTRUCTION];
        memcpy(kept, here, each);
        memmove(here, bytes + start + each * other, each);
        memcpy(bytes + start + each * other, kept, each);
        return;
    }
    const uint32_t by = how == 0 ? 1 : (uint32_t)-1;
    const size_t behind = size - (start + each * (i + 1));
    if (how == 0)
        memmove(here + each, here, each + behind);
    else
        memmove(here, here + each, behind);
    size = how == 0 ? size + each : size - each;
    put(base + 4U * (terms ? N_TERMS : N_LENGTH), count + by, 4);
    if (!terms && i < counts[N_ONCE])
        put(base + 4 * N_ONCE, counts[N_ONCE] + by, 4);
    if (!terms && i < counts[N_SPREAD])
        put(base + 4 * N_SPREAD, counts[N_SPREAD] + by, 4);
}

/* Which bodies a loop has, and its parts; how large a body's state is, and how many trips it may do. */
static void change_loop(void)
{
    if (base != 0 && below(3) == 0) {
        const double numbers[] = {0.0, 1.0, 3.0, 0.5, -1.0, 1e9, 9007199254740992.0, 1e300};
        if (below(2))
            put(0, strange(get(0, 4)), 4);
        else
            memcpy(bytes + 4, &numbers[below(sizeof numbers / sizeof *numbers)], 8);
    } else if (loops_at + 4 <= size) {
        const size_t at = loops_at + below((uint32_t)(size - loops_at));
        if (below(2))
            bytes[at] = (unsigned char)below(below(4) == 0 ? 256 : 4);
        else if (at + 4 <= size)
            put(at, strange(get(at, 4)), 4);
    } else {
        change_slot();
    }
}

/* What only moves what is behind comes last. */
static void change_several(void)
{
    static void (*const changes[])(void) = {change_code,  change_expected, change_slot,     change_slot,
                                            change_range, change_count,    change_constant, change_loop};
    for (uint32_t i = 2 + below(6); i != 0; i--)
        changes[below(sizeof changes / sizeof *changes)]();
    if (below(3) == 0)
        change_items();
}

/* The end of another program behind the beginning of this one, in whole instructions. */
static void change_halves(void)
{
    const seed *from_seed = &seeds[below((uint32_t)seed_count)];
    const part *other = &from_seed->parts[below(from_seed->count)];
    const size_t at = counts[N_LENGTH] == 0 ? code_at : some_instruction();
    const size_t from = other->size - (size_t)INSTRUCTION * below(other->size / INSTRUCTION);
    memcpy(bytes + at, other->bytes + from, other->size - from);
    size = below(2) ? at + other->size - from : size;
}

static void change_bytes(void)
{
    for (uint32_t i = 1 + below(8); i != 0; i--)
        bytes[below((uint32_t)size)] = (unsigned char)random_bits();
    if (below(4) == 0)
        size = below((uint32_t)size);
}

static const struct {
    const char *name;
    void (*change)(void);
    uint32_t weight;
} kinds[] = {
    {"opcodes", change_code, 10},
    {"expected", change_expected, 8},
    {"slots", change_slot, 30},
    {"ranges", change_range, 8},
    {"counts", change_count, 8},
    {"constants", change_constant, 5},
    {"instructions and terms", change_items, 15},
    {"several fields", change_several, 20},
    {"loops", change_loop, 10},
    {"halves of two programs", change_halves, 6},
    {"bytes at random", change_bytes, 6},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

/* -- running what was read ---------------------------------------------------------------------- */
static double inputs[MOST_BYTES], outputs[ROWS * 4096], lives_room[MOST_BYTES];

/* Blocks of exactly the size that the program says it needs, so that a sanitizer sees what goes beyond. */
static void *block(size_t bytes_needed)
{
    void *found = NULL;
    if (posix_memalign(&found, 64, bytes_needed + 64) != 0)
        exit(3);
    memset(found, 0, bytes_needed + 64);
    return found;
}

static int is_of_rows(const pg_program *p)
{
    for (size_t i = 0; i < p->inputs; i++)
        if (p->input_slots[i] != PG_NO_SLOT && p->input_slots[i] & PG_ROW)
            return 1;
    return p->spread != p->length || p->lanes != 0;
}

static void run(const pg_program *p)
{
    const size_t row = p->inputs + 1, out_row = p->outputs + 1;
    if (p->inputs * ROWS >= MOST_BYTES || p->outputs * ROWS >= ROWS * 4096 || p->lives >= MOST_BYTES)
        return;
    double **in = malloc(row * sizeof *in), **out = malloc(out_row * sizeof *out);
    ptrdiff_t *strides = calloc(row, sizeof *strides), *out_strides = calloc(out_row, sizeof *out_strides);
    uint32_t *left = malloc(ROWS * sizeof *left), guard;
    double *totals = calloc(out_row, sizeof *totals);
    if (in == NULL || out == NULL || strides == NULL || out_strides == NULL || left == NULL || totals == NULL)
        exit(3);
    for (size_t i = 0; i < p->inputs; i++) {
        const int by_row = p->input_slots[i] != PG_NO_SLOT && p->input_slots[i] & PG_ROW;
        in[i] = inputs + (by_row ? i * ROWS : i);
        strides[i] = by_row ? 1 : 0;
    }
    for (size_t i = 0; i < p->outputs; i++) {
        out[i] = outputs + i * ROWS;
        out_strides[i] = 1;
    }
    pg_batch batch = {0};
    batch.inputs = (const double *const *)in, batch.strides = strides;
    batch.outputs = out, batch.output_strides = out_strides;
    batch.lives = lives_room;
    batch.uniforms = block(pg_uniform_bytes(p));
    batch.lanes = block(pg_lane_bytes(p));
    batch.first = 0, batch.count = ROWS, batch.left = left;
    /* A program gives its outputs by row or adds them up, and only one of these arrays is looked at. */
    batch.totals = totals;
    if (!is_of_rows(p)) {
        pg_program_call(p, &batch, &guard);
    } else if (pg_program_run_once(p, &batch, &guard)) {
        for (int lanes = 0; lanes <= 2; lanes++) {
            pg_choose_lanes(lanes);
            pg_program_run(p, &batch);
        }
    }
    pg_pattern *pattern = NULL;
    if (pg_program_pattern(p, 0, p->inputs, p->outputs, 10000, &pattern) == 1)
        pg_pattern_free(pattern);
    free(batch.uniforms), free(batch.lanes), free(in), free(out), free(strides), free(out_strides), free(left),
        free(totals);
}

/* -- the loop ----------------------------------------------------------------------------------- */
static void read_seeds(const char *name)
{
    FILE *file = fopen(name, "rb");
    if (file == NULL)
        exit(2);
    seed s;
    while (seed_count < MOST_SEEDS && fread(&s.count, 4, 1, file) == 1) {
        if (fread(&s.lives, 4, 1, file) != 1 || fread(&s.code_count, 4, 1, file) != 1 || s.count > MOST_PARTS)
            exit(2);
        s.codes = malloc(s.code_count * sizeof *s.codes + 1);
        if (s.codes == NULL || fread(s.codes, 2, s.code_count, file) != s.code_count)
            exit(2);
        for (part *one = s.parts; one != s.parts + s.count; one++) {
            if (fread(&one->size, 4, 1, file) != 1 || one->size > MOST_BYTES)
                exit(2);
            one->bytes = malloc(one->size);
            if (one->bytes == NULL || fread(one->bytes, 1, one->size, file) != one->size)
                exit(2);
        }
        seeds[seed_count++] = s;
    }
    fclose(file);
}

static double microseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec * 1e-3;
}

/* The parts one after the other, one of which was changed, as exact copies of their bytes: 1 and the program, or 0. */
static int read_all(const seed *s, uint32_t which, size_t *all, pg_program **p)
{
    pg_bodies *bodies = s->count == 1 ? NULL : pg_bodies_open();
    int sound = 1;
    for (uint32_t i = 0; sound == 1 && i < s->count; i++) {
        const part *one = &s->parts[i];
        const size_t length = i == which ? size : one->size;
        unsigned char *copy = malloc(length + 1);
        if (copy == NULL)
            exit(3);
        memcpy(copy, i == which ? bytes : one->bytes, length);
        *all += length + (i + 1 < s->count ? 700 : 400);
        sound = i + 1 < s->count ? pg_body_read(bodies, copy, length, s->codes, s->code_count)
                                 : pg_program_read(copy, length, s->lives, s->codes, s->code_count, bodies, p);
        free(copy);
    }
    pg_bodies_close(bodies);
    return sound;
}

/* The change of a kind, read and run; whether it was a program still. */
static int try_one(const seed *s, uint32_t which, double *most_memory, double *slowest)
{
    pg_program *p = NULL;
    size_t all = s->count == 1 ? 0 : 2000; /* of what names bodies */
    pg_fail_at(SIZE_MAX);
    const double began = microseconds();
    const int sound = read_all(s, which, &all, &p);
    const double took = microseconds() - began, memory = (double)pg_allocated() / (double)all;
    pg_fail_at(0);
    if (took > *slowest)
        *slowest = took;
    if (memory > *most_memory)
        *most_memory = memory;
    if (sound == 1) {
        run(p);
        pg_program_free(p);
    }
    return sound == 1;
}

/* Loops end when they are told to, however many trips they may do. */
static int is_enough(void)
{
    return 1;
}

int main(int count, char **arguments)
{
    if (count != 4)
        return 2;
    read_seeds(arguments[1]);
    pg_stop_asked = is_enough;
    state = strtoull(arguments[3], NULL, 10) * 2 + 1;
    for (size_t i = 0; i < MOST_BYTES; i++) {
        inputs[i] = (double)below(7) - 3.0;
        lives_room[i] = 0.5;
    }
    uint32_t weights = 0;
    for (size_t k = 0; k < KINDS; k++)
        weights += kinds[k].weight;
    unsigned long long tried[KINDS] = {0}, sound[KINDS] = {0};
    double most_memory = 0.0, slowest = 0.0;
    for (unsigned long long n = strtoull(arguments[2], NULL, 10); n != 0; n--) {
        const seed *s = &seeds[below((uint32_t)seed_count)];
        uint32_t at = below(weights);
        size_t k = 0;
        while (at >= kinds[k].weight)
            at -= kinds[k++].weight;
        const uint32_t which = below(s->count);
        begin(s, which);
        kinds[k].change();
        tried[k]++;
        sound[k] += (unsigned)try_one(s, which, &most_memory, &slowest);
    }
    for (size_t k = 0; k < KINDS; k++)
        printf("%s\t%llu\t%llu\n", kinds[k].name, tried[k], sound[k]);
    printf("memory\t%.3f\nslowest\t%.1f\n", most_memory, slowest);
    return 0;
}
