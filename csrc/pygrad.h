/* pygrad.h: the contract of pygrad's C library.
 *
 * A graph of scalar nodes (graph.c), one table of ops (ops.def), a numeric reverse sweep over the graph
 * (sweep.c) and one place where memory comes from (memory.c). No function here prints, exits, recurses
 * over a graph, or keeps state other than the node pool with its counters, pg_unpin, the unfinished
 * sweeps and threads that wait to help (helpers.h). Functions that can fail return a pg_status and write their out-parameters only on PG_OK.
 *
 * Ownership is said in three words. "Caller owns": the caller holds one reference and must give it back
 * with pg_release. "Borrowed": valid while whoever owns it keeps it. "Static": valid for ever.
 *
 * Threads: functions that take nodes must be called with Python's GIL held. The functions between the
 * two cdef marks touch no node and may be called without it, but for the counters, which are only read. */
#ifndef PYGRAD_H
#define PYGRAD_H

#include <stddef.h>
#include <stdint.h>

/* -- for Python through cffi: build.py slices the cdef from here ... ----------------------------- */
/* cdef begin */
/* One line of the op table, as text. Every string is static. */
typedef struct {
    const char *name;      /* name of the op, e.g. "tanh" */
    const char *symbol;    /* what Value._op shows, e.g. "+" */
    const char *doc;       /* one sentence */
    const char *meaning;   /* of an op that only rules use, in the words of public ops; else "" */
    const char *forward;   /* the forward expression over x y w k */
    const char *rules[3];  /* the slope by each operand over X Y W K Z, NULL past the arity */
    const char *errors;    /* name of its error class */
    int arity;             /* operands: 1, 2 or 3 */
    int has_constant;      /* 1 for x ** n, whose exponent is a constant of the node */
    int is_public;         /* 0 for ops that only rules use */
} pg_op_info;

typedef struct {
    const char *alias;     /* a second name, static */
    const char *name;      /* the op it stands for, static */
} pg_alias_info;

/* Line i of the op table, counted from 0; NULL past its end. Static. */
const pg_op_info *pg_op_at(int i);

/* Second name i, counted from 0; NULL past the end. Static. */
const pg_alias_info *pg_alias_at(int i);

/* What compiled the library, for bug reports. Static. */
const char *pg_compiler(void);

/* Nodes that exist now. */
size_t pg_live_nodes(void);

/* Bytes held by the pool of nodes, free ones included. */
size_t pg_pool_bytes(void);

/* Fault injection: let the n-th allocation from now fail, and every later one, until called with 0. */
void pg_fail_at(size_t n);

/* The same for the n-th alone. */
void pg_fail_once(size_t n);

/* Allocations asked for since either was last called with a number other than 0. */
size_t pg_allocations(void);

/* Bytes asked for in blocks since then; not while several threads ask. */
size_t pg_allocated(void);

/* -- compiled programs (program.c, evaluate.c): immutable, without references to nodes. Any thread may run one, as
 * long as each call has scratch memory of its own. */

/* Where a number is kept while a program runs. Numbers that are the same for all rows (uniform) stand one by one;
 * the others in lanes, a block of rows at a time. The highest bit says which. */
typedef uint32_t pg_slot;
#define PG_ROW 0x80000000u
#define PG_NO_SLOT 0x7fffffffu

typedef struct {
    uint16_t code;         /* an op of the table, or one of the codes of program.h */
    uint16_t expected;     /* guard: how to compare, times 2, plus the outcome; sums and products: whether one of
                            * the products is absorbing; search: its rule */
    uint32_t out;          /* a slot, or a number of an output, total or guard */
    pg_slot a, b, c;       /* search, take: b is the first of count uniforms in a row, or PG_NO_SLOT */
    uint32_t first, count; /* fused, contracted: its terms; search, take: items, as terms unless they stand in a row */
} pg_instruction;

/* a * b, or a alone if b is PG_NO_SLOT. If only one has lanes it is a. */
typedef struct {
    pg_slot a, b;
    uint16_t absorbing; /* an exact 0 wins over inf and nan in the product */
    uint16_t subtracted; /* of sums: from what is before it */
} pg_term;

/* The arrays are the program's. */
typedef struct {
    size_t inputs; /* how many; input i is uniform or has lanes, see input_slots */
    size_t lives; /* uniforms that are read at each call, the first slots */
    size_t uniforms; /* uniform slots: lives, constants, results */
    size_t constants; /* those that follow the lives */
    size_t lanes; /* slots of lanes */
    size_t outputs, guards;
    double *constant_values;
    pg_slot *input_slots; /* for input i: where it goes, or PG_NO_SLOT if nothing needs it */
    pg_slot *result_slots; /* for output i: its slot if it is uniform, or PG_NO_SLOT */
    pg_instruction *code;
    size_t length;
    size_t once; /* instructions before this one are uniform: once per call */
    size_t spread; /* from there to before this one: uniforms spread over lanes, once per thread */
    pg_term *terms;
    size_t term_count;
    void **loops; /* each a pg_loop of loop.h or a pg_call of call.h; references are owned */
    size_t loop_count;
    int tells; /* it has derivatives of second or higher order: a run says where one may be singular */
} pg_program;

/* What an instruction's code stands for: the name of an op, "fused", "contracted", "search", "take", "spread", "guard",
 * "output", "total", "total_less", "total_product", "total_uniform", "loop" or "call"; NULL for others. Static. */
const char *pg_code_name(int code);

/* Scratch memory that a call needs, aligned to 64 bytes; lanes for one thread. */
size_t pg_uniform_bytes(const pg_program *p);
size_t pg_lane_bytes(const pg_program *p);

/* Rows of a batch for one call. Arrays are the caller's, borrowed during the call. */
typedef struct {
    const double *const *inputs; /* input i of row r is inputs[i][r * strides[i]] */
    const ptrdiff_t *strides; /* 0 for an input that is the same for all rows */
    const double *lives;
    const size_t *rows; /* which rows, in the order given; NULL for first, first + 1, ... */
    size_t first, count; /* without rows: from this one on; and how many rows in all */
    double *const *outputs; /* output i of row r goes to outputs[i][r * output_strides[i]] */
    const ptrdiff_t *output_strides;
    double *totals; /* for each piece of rows, the last one perhaps shorter, a number for each output: its total over
                            * the piece; NULL if no output is added up */
    size_t piece; /* rows of a piece, if there are totals; 0: pg_piece(count) */
    uint32_t *left; /* for each row of the call the guard at which it left the path, or UINT32_MAX;
                            * what it writes to outputs of such a row means nothing. NULL without guards */
    void *uniforms, *lanes; /* scratch memory; lanes for each thread, one behind the other */
    size_t threads; /* that may work on it: this one and helpers; 0 is 1. See pg_threads */
    const int *stop; /* NULL, or another thread gives it to pg_stop for the call to end early; 0 before that */
    int *
        beyond; /* NULL, or it is set to 1 if some number is inf or nan that is written to outputs; it may be of a row that
                  * has left the path */
    size_t calls; /* pg_program_call counts here those that stayed on the path */
} pg_batch;

/* Runs the uniform part; to be called once, before rows are run with the same inputs, lives and uniforms. True
 * unless a guard that is the same for all rows fails; then *guard is the first. -1 if it was stopped, as by Ctrl-C or
 * by pg_loop_failure(). 2 if the program tells, and 0 * inf
 * or a slope that is 0 by convention was met: only a look at the function itself can say what it means. */
int pg_program_run_once(const pg_program *p, const pg_batch *batch, uint32_t *guard);

/* Runs the rows; -1 if it was stopped before the last (see stopping.h), by Ctrl-C, by batch->stop, or because of
 * pg_loop_failure(); else 0, or if the
 * program tells, 1 + the place, among those of the call, of the first row that has met 0 * inf or a slope that is 0 by
 * convention. The result does not depend on threads, and not on how a batch is cut, as long as cuts
 * are between pieces of the same size (without totals: at multiples of 64 rows) and totals of all pieces are added up in order. */
int64_t pg_program_run(const pg_program *p, const pg_batch *batch);

/* How many rows' totals are added up before they join others, of so many rows: this and nothing else says how totals are
 * rounded. A multiple of 64. */
size_t pg_piece(size_t rows);

/* The totals of all pieces, in their order, into those of the first. */
void pg_add_pieces(double *totals, size_t pieces, size_t outputs);

/* How many threads, of so many at most, are worth it for a run of so many rows: others take some microseconds to wake. */
size_t pg_threads(const pg_program *p, size_t rows, size_t most);

/* Ends calls whose batch->stop this is; any thread may do that at any time. And whether it was done. */
void pg_stop(int *stop);
int pg_is_stopped(const int *stop);
/* Rows that have left a path, which were some of a call's. */
typedef struct {
    size_t *rows; /* room for as many as the batch has: those that left, by guard, then in their order */
    size_t *spare; /* as much */
    uint32_t *guards; /* as much: the guards at which some left, ascending */
    size_t *counts; /* as much: how many at each */
    size_t guard_count;
    size_t told; /* the row that PG_RUN_TOLD is about */
} pg_leaving;

/* How a run of pg_program_run_few came out: any of these. */
#define PG_RUN_STOPPED 1
#define PG_RUN_LEFT 2
#define PG_RUN_TOLD 4

/* pg_program_run_once and pg_program_run, for as many rows as one call does without a look at what else is to be done:
 * 0 where all rows stayed and there is nothing to tell; PG_RUN_STOPPED if it was stopped; PG_RUN_LEFT with *leaving
 * written if some left; PG_RUN_TOLD where one of the two told of a derivative that may be singular. Totals are added up, and
 * those of all are the first; where all left before they were run they are 0. batch->piece is 0. batch->rows may be leaving->rows; batch->left is never NULL. */
int pg_program_run_few(const pg_program *p, const pg_batch *batch, pg_leaving *leaving);

#define PG_GUARD_TOLD 0xffffffffu
#define PG_GUARD_STOPPED 0xfffffffeu

/* Why the last run in this thread that was stopped was: 0 if it was asked to; 1 for want of memory; 2 if a loop has not
 * ended after *trips trips, in the row *row of the arrays, or before any if that is SIZE_MAX; 3 if what it called back has
 * failed, in one of the rows from *row to *trips, or before any. It is forgotten then. */
int pg_loop_failure(size_t *row, double *trips);

/* What the first function is called that a program calls back (call.h), which is the program's; NULL if there is none. */
const char *pg_program_calls(const pg_program *p);

/* One of a program's loops, as loop.h has it: the programs for numbers of its body and, if it goes back, of that one's way
 * back, else NULL, which are the loop's. */
typedef struct {
    const pg_program *body, *back;
    size_t state, captured; /* numbers; of the loop that goes forward */
    size_t arrived; /* of a loop that goes back: at how many numbers of the state something has */
    size_t operands, results;
    int counts; /* the number of trips is given */
    double most; /* trips */
    size_t given, made; /* columns of a scan; of the loop that goes forward */
    size_t back_given, back_made; /* of the way back's body: what is given forward, and what has arrived */
    size_t known, length;
    int reverse;
    const double *numbers; /* of the columns that are known, which are the loop's; NULL if there are none */
} pg_opened_loop;

void pg_loop_opened(const void *loop, pg_opened_loop *out);

/* Whether none of the numbers is inf or nan. */
int pg_all_finite(const double *numbers, size_t count);

/* A program without rows: pg_program_run_once, and output i to outputs[i][0]. True if that was 1; where it was 2,
 * outputs are there, and *guard is PG_GUARD_TOLD; where it was -1 *guard is PG_GUARD_STOPPED. */
int pg_program_call(const pg_program *p, pg_batch *batch, uint32_t *guard);

/* 1 if every instruction reads what was written before it and stays within its slots, 0 if not, -1 for want of
 * memory. */
int pg_program_verify(const pg_program *p);

/* The bodies of loops in a file (bodies.c): what loops of its programs are named by, by number. NULL will do where there are
 * none. */
typedef struct {
    struct pg_shelved *all; /* see bodies.h */
    size_t count, capacity;
    uint64_t bytes; /* of all their programs */
} pg_bodies;

/* Saved programs (saved.c). How many bytes one takes in a file, with so many of its inputs: any after these are
 * not used. There are less than 2**32 items of each kind. */
size_t pg_program_size(const pg_program *p, size_t inputs);

/* None yet. NULL for want of memory. Caller owns, until pg_bodies_close, which also takes NULL; programs that were read
 * keep what they need. */
pg_bodies *pg_bodies_open(void);
void pg_bodies_close(pg_bodies *bodies);

/* Adds those of a program's loops, with so many of its inputs, that are not there yet. 1; -1 for want of memory; 0 if one
 * of its loops is none that a file can have. */
int pg_bodies_add(pg_bodies *bodies, const pg_program *p, size_t inputs);

/* The program of body i, borrowed; how many bytes the body takes in a file; and these, as pg_program_write does it. */
const pg_program *pg_body_program(const pg_bodies *bodies, size_t i);
size_t pg_body_size(const pg_bodies *bodies, size_t i);
void pg_body_write(const pg_bodies *bodies, size_t i, const uint16_t *codes, unsigned char *out);

/* Adds a body from all of these bytes, as pg_program_read reads a program: 1; 0; or -1. It asks for no more than five times
 * size and 700 bytes. */
int pg_body_read(pg_bodies *bodies, const unsigned char *bytes, size_t size, const uint16_t *codes, size_t count);

/* Writes a program to out, which has room for that many bytes. codes[c] is what the file has for an instruction's code c;
 * the bodies of all loops are among bodies. */
void pg_program_write(const pg_program *p, size_t inputs, const uint16_t *codes, const pg_bodies *bodies,
                      unsigned char *out);

/* A program from all of these bytes, which reads so many lives. codes, of count, is the way back: codes[c] is what
 * the file's code c stands for. 1 and *out, which passes pg_program_verify and which the caller owns until
 * pg_program_free; 0 if the bytes are none; -1 for want of memory. It asks for no more than twice
 * size, lives and 400 bytes. Its loops are of these bodies. */
int pg_program_read(const unsigned char *bytes, size_t size, size_t lives, const uint16_t *codes, size_t count,
                    const pg_bodies *bodies, pg_program **out);

/* For tests: use no more than baseline (0), AVX2 (1), AVX-512 (2) of what the processor has. Not while a program
 * runs. */
void pg_choose_lanes(int most);

/* For tests: after how many calls, from C, a program without rows is packed (see pack.h), and bodies of loops when they
 * are made; SIZE_MAX: never. Programs that are keep their packs. */
void pg_pack_choose(size_t calls);

/* A name for the instructions in use: "avx512", "avx2" or "baseline". Static. */
const char *pg_lane_instructions(void);

/* Frees what pg_program_make or pg_program_read made; NULL is allowed. */
void pg_program_free(pg_program *p);

/* -- sparsity (pattern.c, colouring.c) */

/* A matrix of which only is known where it is not 0: in row i in columns items[starts[i]] to items[starts[i + 1] -
 * 1], ascending. */
typedef struct {
    size_t rows, columns, count;
    uint32_t *starts, *items;
} pg_pattern;

/* Which of the first outputs, the rows, depend on which of the inputs from first on, the columns. 1, and *out,
 * which the caller owns until pg_pattern_free; 0 if there are more than most entries; -1 for want of memory; -2 if
 * it was stopped. */
int pg_program_pattern(const pg_program *p, size_t first, size_t inputs, size_t outputs, size_t most, pg_pattern **out);

/* Frees what pg_program_pattern made; NULL is allowed. */
void pg_pattern_free(pg_pattern *m);

/* Colours for columns, so that no two of a colour have an entry in one row: in the given order of all columns,
 * each the smallest that is allowed. by_column is the transposed pattern. How many there are; -1 for want of
 * memory; -2 if it was stopped; more than most, and colours that mean nothing, where most do not suffice. */
int32_t pg_colour_columns(const pg_pattern *by_row, const pg_pattern *by_column, const int32_t *order, int32_t most,
                          int32_t *colours);

/* The same for a symmetric pattern, so that of each entry off the diagonal one end has no other neighbour of the
 * other's colour, and both differ in colour. */
int32_t pg_colour_stars(const pg_pattern *graph, const int32_t *order, int32_t most, int32_t *colours);
/* cdef end */

/* -- status codes ------------------------------------------------------------------------------- */
typedef enum {
    PG_OK = 0,
    PG_MORE, /* not an error: the budget is used up, call again */
    PG_CLOSURE, /* not an error: a user closure is due */
    PG_NO_MEMORY,
    PG_BUSY, /* an inner node of an unfinished sweep was met */
    PG_TOO_DEEP, /* more than 65,535 sweeps are unfinished */
    PG_OPAQUE, /* a node whose slopes are numbers, where they are wanted as nodes */
    PG_DOMAIN_ERROR, /* ValueError: math domain error */
    PG_RANGE_ERROR, /* OverflowError: the result is too large */
    PG_DIVISION_BY_ZERO,
    PG_INFINITE, /* inf has no whole number */
    PG_NOT_A_NUMBER, /* nan has no whole number */
    PG_STOPPED, /* work was asked to stop: see stopping.h */
    PG_NESTED, /* more than PG_DEEPEST_LOOP loops in one another: see loop.h */
    PG_RULED, /* a program that has lost a rule of the user's is to be differentiated */
    PG_RAISED /* a rule of the user's has raised, and its exception is set */
} pg_status;

/* When eager evaluation of an op fails, given its operands and its result. ops.def omits the PG_ERR_: math.h
 * of Windows and of older glibc defines DOMAIN, so the bare words are only ever pasted or quoted. */
enum pg_errors {
    PG_ERR_TOTAL, /* never */
    PG_ERR_DOMAIN, /* nan from no nan, or inf from finite operands: PG_DOMAIN_ERROR */
    PG_ERR_RANGE, /* nan from no nan: PG_DOMAIN_ERROR; inf from finite: PG_RANGE_ERROR */
    PG_ERR_POLES, /* as math.lgamma: inf at 0 or a negative whole number is PG_DOMAIN_ERROR, else as RANGE */
    PG_ERR_DIVISION, /* divisor 0: PG_DIVISION_BY_ZERO */
    PG_ERR_FLOAT_POW, /* as Python's float ** float, without complex results */
    PG_ERR_MATH_POW, /* as math.pow */
    PG_ERR_INTEGRAL /* as math.floor: inf and nan have no whole number */
};

/* -- memory (memory.c) -------------------------------------------------------------------------- */

/* Room for count items of size bytes each, or NULL. Caller owns; give back with pg_free. */
void *pg_alloc(size_t count, size_t size);

/* The same for what is written to as soon as it is there, from its start on. Then the first write to each page costs ten
 * times as much as the others, unless pages are large: where they can be, a block of 256 KiB has one. */
void *pg_alloc_to_fill(size_t count, size_t size);

/* A block with room for count items and the contents of the old one, which has old_count and is freed.
 * On NULL the old block is unchanged and still the caller's; otherwise the caller owns the new one only. */
void *pg_resize(void *block, size_t old_count, size_t count, size_t size);

/* Takes back what pg_alloc or pg_resize gave; NULL is allowed. */
void pg_free(void *block);

/* -- nodes (node.c, graph.c) -------------------------------------------------------------------- */
typedef struct pg_node pg_node;

/* A leaf of the given value, or NULL for want of memory. Caller owns. */
pg_node *pg_leaf(double value);

/* A node of op with one or two operands and its value, or NULL. Retains the operands; b is NULL for
 * unary ops. Caller owns the result. */
pg_node *pg_compute(int op, pg_node *a, pg_node *b, double value);

/* A node x ** k of the given value, or NULL. Retains x. Caller owns. */
pg_node *pg_compute_pown(pg_node *x, double k, double value);

/* A node of any op with count operands, or NULL. Retains them. partials (count numbers, copied) and
 * given (count nodes, NULL where the partial is a plain number; retained) belong to PG_PARTIALS nodes and
 * are NULL for every other. Caller owns the result. */
pg_node *pg_compute_many(int op, pg_node *const *operands, size_t count, double value, const double *partials,
                         pg_node *const *given);

/* One more reference to n, for the caller. Returns n. */
pg_node *pg_retain(pg_node *n);

/* Gives one reference back. Frees every node that nothing refers to any more, iteratively and without
 * allocating. Safe to call from within itself (a destructor it set off): the outer call does the work. */
void pg_release(pg_node *n);

/* Number of operands, and operand i (borrowed from n). */
size_t pg_operand_count(const pg_node *n);
pg_node *pg_operand(const pg_node *n, size_t i);

/* The node given as partial i of a PG_PARTIALS node, borrowed from n, or NULL for a plain number. */
pg_node *pg_given_partial(const pg_node *n, size_t i);

/* Called with the wrapper of a pinned node once nothing but that wrapper refers to the node. */
extern void (*pg_unpin)(void *wrapper);

/* -- evaluation of one op (sweep.c) ------------------------------------------------------------- */

/* The slopes of n by each operand, from the values its operands have now, into out, which has room for
 * pg_operand_count(n) numbers. */
void pg_local_derivatives(const pg_node *n, double *out);

/* Adds n's contributions (its grad times each slope) to its operands' grads, once, through
 * pg_write_grad. slopes is room for pg_operand_count(n) numbers. */
pg_status pg_propagate(const pg_node *n, double *slopes);

/* -- sweeps (sort.c, sweep.c, journal.c) ------------------------------------------------------------- *
 * One reverse sweep: pg_sweep_open, pg_sweep_sort until PG_OK, pg_sweep_begin, pg_sweep_step until PG_OK,
 * then pg_sweep_commit. After a failure, or instead of going on: pg_sweep_abandon. Each of the two ends
 * the sweep and frees it, in the thread that opened it. The caller keeps the root alive meanwhile. */
typedef struct pg_sweep pg_sweep;

/* A sweep from root, nothing sorted yet. One that writes sets inner grads to +0.0 as it sorts, having
 * noted them; the other kind is for looking at the order. Caller owns, until commit or abandon. */
pg_status pg_sweep_open(pg_node *root, int writes, pg_sweep **out);

/* Sorts up to about budget nodes; PG_MORE if some are left. PG_BUSY, PG_NO_MEMORY: abandon it. After
 * PG_OK the sweep allocates nothing more. */
pg_status pg_sweep_sort(pg_sweep *s, size_t budget);

/* Where the sweep is to stop, told before it is sorted: these nodes (borrowed) come first in order, their
 * operands are not looked at, and the way back ends with them. */
pg_status pg_sweep_stop_at(pg_sweep *s, pg_node *const *stops, size_t count);

/* Told before it is sorted: the sweep takes nodes that were not made while tracing for leaves. */
void pg_sweep_within_trace(pg_sweep *s);

/* Told before it is sorted: the sweep looks at the operands of conditions, too, as one within a trace does. Others take
 * these for leaves, since no derivative goes through them. */
void pg_sweep_through_conditions(pg_sweep *s);

/* How many nodes were sorted so far, and node i of them, operands before their users (borrowed). */
size_t pg_sweep_count(const pg_sweep *s);
pg_node *pg_sweep_node(const pg_sweep *s, size_t i);

/* The grad that node i of the order had when it was sorted. */
double pg_sweep_old_grad(const pg_sweep *s, size_t i);

/* Sets the root's grad to seed, for the way back. */
void pg_sweep_begin(pg_sweep *s, double seed);

/* The same with a seed for each operand of the root, which itself is left out. It may be said again for
 * another way back once one is done: every grad but those of leaves on the way starts at 0. */
void pg_sweep_begin_below(pg_sweep *s, const double *seeds);

/* Goes back over up to budget nodes. PG_MORE: call again. PG_CLOSURE: *closure (borrowed) is a node whose
 * user closure is to be called before calling again. PG_OK: every node is done. */
pg_status pg_sweep_step(pg_sweep *s, size_t budget, pg_node **closure);

/* The way forward, in place of the way back: tangents are carried from the stops, each of which gets its own,
 * along the order and left in the grads; every other leaf has 0, and the root is left out. PG_CLOSURE: *closure
 * (borrowed) takes a tangent but has a closure for a rule; abandon the sweep. */
void pg_sweep_begin_forward(pg_sweep *s, const double *tangents);
pg_status pg_sweep_step_forward(pg_sweep *s, size_t budget, pg_node **closure);

/* The node that the next step begins with (borrowed), on the way back or forward; NULL after the last. */
pg_node *pg_sweep_next(const pg_sweep *s);
pg_node *pg_sweep_next_forward(const pg_sweep *s);

/* Ends the sweep and keeps the grads; an enclosing sweep of the same thread takes over the journal. */
void pg_sweep_commit(pg_sweep *s);

/* Ends the sweep and restores every grad that it, or a write during it, has changed. */
void pg_sweep_abandon(pg_sweep *s);

/* Writes a grad from outside a rule; within a sweep of this thread the old one is journalled first. */
pg_status pg_write_grad(pg_node *n, double grad);

/* Whether there is such a sweep: else whoever writes many grads may do it by himself. */
int pg_sweep_notes_grads(void);

/* -- derivatives as nodes (adjoint.c) ------------------------------------------------------------------- *
 * The same two ways over a sorted sweep, with every slope, product and sum made a node, so that what comes
 * out can be differentiated again. Only what depends on the inputs is looked at. Use: pg_adjoint_open,
 * pg_adjoint_prepare until PG_OK, then any number of times pg_adjoint_begin and pg_adjoint_step until PG_OK, then
 * pg_adjoint_close. */
typedef struct pg_adjoint pg_adjoint;

typedef enum { PG_REVERSE, PG_FORWARD } pg_way;

/* Derivatives by the inputs (borrowed), which may stand anywhere in the order or nowhere, or by every leaf
 * if inputs is NULL. s is borrowed, and has to outlive it. Caller owns, until pg_adjoint_close. */
pg_status pg_adjoint_open(const pg_sweep *s, pg_node *const *inputs, size_t count, pg_adjoint **out);

/* Looks at up to budget nodes to see which depend on the inputs. PG_MORE: call again; PG_OK: it is ready. */
pg_status pg_adjoint_prepare(pg_adjoint *a, size_t budget);

/* From now on partial derivatives that were given as numbers are constants; else they are opaque. */
void pg_adjoint_take_constants(pg_adjoint *a);

/* Begins one way. On the way back seed i goes to operand i of the root; forward, to input i. A seed is the
 * number, or the node in its place where seed_nodes is not NULL and has one (borrowed). */
pg_status pg_adjoint_begin(pg_adjoint *a, pg_way way, const double *seeds, pg_node *const *seed_nodes);

/* Does up to about budget nodes. PG_MORE: call again. PG_OPAQUE: *opaque (borrowed) has slopes that are
 * numbers only. PG_NO_MEMORY, PG_OPAQUE: close it. */
pg_status pg_adjoint_step(pg_adjoint *a, size_t budget, pg_node **opaque);

/* The node that the next step begins with (borrowed), NULL after the last; and which way is gone. */
pg_node *pg_adjoint_next(const pg_adjoint *a);
pg_way pg_adjoint_way(const pg_adjoint *a);

/* The derivative that has arrived at n, as a node that nothing else refers to; NULL for want of memory.
 * Caller owns. */
pg_node *pg_adjoint_at(pg_adjoint *a, const pg_node *n);

/* Its number. */
double pg_adjoint_value_at(const pg_adjoint *a, const pg_node *n);

/* Frees it with all derivatives that nobody else refers to; NULL is allowed. */
void pg_adjoint_close(pg_adjoint *a);

/* -- compiling (compile.c) ------------------------------------------------------------------------------- */

/* A comparison that a trace has made, and its outcome. */
typedef enum { PG_LESS, PG_LESS_EQUAL, PG_EQUAL, PG_UNEQUAL, PG_GREATER, PG_GREATER_EQUAL } pg_comparison;

typedef struct {
    pg_node *a, *b; /* borrowed */
    pg_comparison compare;
    int outcome;
} pg_guard;

/* What was traced. The sweep is sorted, stops at the inputs and at nodes not made in the trace, and its root
 * uses all sides of guards, in order, and then the outputs. */
typedef struct {
    const pg_sweep *sweep;
    const uint8_t *rows; /* for each input whether it differs by row */
    const pg_guard *guards;
    size_t guard_count;
    pg_node *const *outputs;
    size_t output_count;
    const uint8_t *totals; /* for each output whether it is added up over rows; NULL: none is */
    int optimise; /* fuse sums and products */
    int contract; /* round a product and the sum that it is added to once; if sums are fused */
    int tells; /* the program does: see pg_program */
    int body; /* of a loop: results stay in slots, and inputs where they were put */
} pg_trace;

/* A program for what was traced; PG_OPAQUE: *opaque (borrowed) is a node that cannot be computed again. Caller
 * owns, until pg_program_free. */
pg_status pg_program_make(const pg_trace *t, pg_node **opaque, pg_program **out);

#endif
