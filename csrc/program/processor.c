/* processor.c: the processor is asked itself: __builtin_cpu_supports asks a library of the compiler's, which in Zig's for
 * Windows knows of nothing. See Intel, Software Developer's Manual, volume 1, 14.3 and 15.2 to 15.4: a set may be used if
 * the processor has it, and if the system keeps its registers when it turns to another thread. */
#include "program/processor.h"

#if defined(__x86_64__) && defined(__GNUC__)
#include <cpuid.h>

enum { KEEPS_256_BITS = 0x6, KEEPS_512_BITS = 0xe6 }; /* of XCR0 */

static unsigned kept_registers(void)
{
    unsigned low, high;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    (void)high;
    return low;
}

static int has_all(unsigned of, unsigned wanted)
{
    return (of & wanted) == wanted;
}

int pg_vector_level(void)
{
    unsigned a, b, basic, extended, d;
    if (!__get_cpuid(1, &a, &b, &basic, &d) || !has_all(basic, bit_OSXSAVE | bit_AVX | bit_FMA))
        return 0;
    const unsigned kept = kept_registers();
    if (!__get_cpuid_count(7, 0, &a, &extended, &b, &d) || !has_all(extended, bit_AVX2) ||
        !has_all(kept, KEEPS_256_BITS))
        return 0;
    return 1 + (has_all(extended, bit_AVX512F | bit_AVX512DQ | bit_AVX512VL) && has_all(kept, KEEPS_512_BITS));
}

#else

int pg_vector_level(void)
{
    return 0;
}

#endif
