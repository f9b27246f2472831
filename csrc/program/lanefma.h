/* lanefma.h: fma() for lanes of processors that have no instruction for it, with the bits of the C library's, which takes some
 * thirty times as long there: 130 ns. Lanes of the set that every x86-64 has use it; those of other sets have an instruction.
 *
 * GCC calls what is declared here in the place of fma(): for one number, and for two where it vectorises a loop, by the name
 * that the vector function ABI of x86-64 gives it. In a function whose target has the instruction it still takes that, but not
 * without optimisation, where all call the library, as Clang's, which knows no such declaration, do for all but LANE_FMA. To be
 * included before fma() is used. */
#ifndef PG_LANEFMA_H
#define PG_LANEFMA_H

#include <math.h>

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__AVX__)
#define PG_SOFT_FMA

typedef double pg_two __attribute__((vector_size(16)));

/* x * y + z, rounded once. */
pg_two pg_fma_of_two(pg_two x, pg_two y, pg_two z) __asm__("_ZGVbN2vvv_pg_fma_of_one");
#endif

/* And the library's own, for what is not lanes: most processors have the instruction, and the library finds it. */
#if defined(PG_SOFT_FMA) && defined(__ELF__) && defined(__OPTIMIZE__) && !defined(__clang__)
double pg_fma_of_library(double x, double y, double z) __asm__("fma");
double fma(double x, double y, double z) __asm__("pg_fma_of_one") __attribute__((simd("notinbranch")));
#else
#define pg_fma_of_library fma
#endif

#endif
