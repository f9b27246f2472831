/* table.c: ops.def as text, from which Python derives names, docs, stubs and tests. */
#include "pygrad.h"

static const pg_op_info ops[] = {
#define UNARY(name, symbol, errors, forward, dx, doc) \
    {#name, symbol, doc, "", #forward, {#dx, NULL, NULL}, #errors, 1, 0, 1},
#define BINARY(name, symbol, errors, forward, dx, dy, doc) \
    {#name, symbol, doc, "", #forward, {#dx, #dy, NULL}, #errors, 2, 0, 1},
#define TERNARY(name, symbol, errors, forward, dx, dy, dw, doc) \
    {#name, symbol, doc, "", #forward, {#dx, #dy, #dw}, #errors, 3, 0, 1},
#define CONSTANT(name, symbol, errors, forward, dx, doc) \
    {#name, symbol, doc, "", #forward, {#dx, NULL, NULL}, #errors, 1, 1, 1},
#define SLOPE1(name, meaning, errors, forward, dx, doc) \
    {#name, #name, doc, #meaning, #forward, {#dx, NULL, NULL}, #errors, 1, 0, 0},
#define SLOPE2(name, meaning, errors, forward, dx, dy, doc) \
    {#name, #name, doc, #meaning, #forward, {#dx, #dy, NULL}, #errors, 2, 0, 0},
#include "ops.def"
};

static const pg_alias_info aliases[] = {
#define ALIAS1(alias, name) {#alias, #name},
#define ALIAS2(alias, name) {#alias, #name},
#define ALIAS3(alias, name) {#alias, #name},
#include "ops.def"
};

const pg_op_info *pg_op_at(int i)
{
    return i >= 0 && (size_t)i < sizeof ops / sizeof *ops ? &ops[i] : NULL;
}

const pg_alias_info *pg_alias_at(int i)
{
    return i >= 0 && (size_t)i < sizeof aliases / sizeof *aliases ? &aliases[i] : NULL;
}

const char *pg_compiler(void)
{
#if defined(__clang__)
    return "Clang " __clang_version__;
#elif defined(__GNUC__)
    return "GCC " __VERSION__;
#else
    return "unknown";
#endif
}
