/* lanesets.h: LANE_FILE once for each set of vector instructions, with LANE_NAME(name), LANE_TARGET, LANE_WIDTH and
 * LANE_FMA(x, y, z), x * y + z of vectors, rounded once, as fma() of numbers is, which compilers turn into it in loops over
 * lanes; nothing else becomes a fused multiply-add; and LANE_ANY(x), whether one of a vector's whole numbers is not 0. */

#if defined __GNUC__ && !defined PG_COUNTED
#define LANE_ALWAYS LANE_TARGET static inline __attribute__((always_inline))
#else
#define LANE_ALWAYS LANE_TARGET static inline
#endif
#if defined __GNUC__ /* what is short has not to save what others need */
#define LANE_APART LANE_TARGET static __attribute__((noinline))
#else
#define LANE_APART LANE_TARGET static
#endif

#include "program/lanefma.h"

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#elif defined(__aarch64__) && defined(__GNUC__)
#include <arm_neon.h>
#endif

#define LANE_NAME(name) name##_baseline
#define LANE_TARGET
#define LANE_WIDTH 2
#define LANE_ANY(x) (((x)[0] | (x)[1]) != 0)
#if defined(__aarch64__) && defined(__GNUC__)
#define LANE_FMA(x, y, z) ((__typeof__(z))vfmaq_f64(z, x, y))
#elif defined(PG_SOFT_FMA)
#define LANE_FMA(x, y, z) ((__typeof__(z))pg_fma_of_two((pg_two)(x), (pg_two)(y), (pg_two)(z)))
#else
#define LANE_FMA(x, y, z) ((__typeof__(z)){fma((x)[0], (y)[0], (z)[0]), fma((x)[1], (y)[1], (z)[1])})
#endif
#include LANE_FILE
#undef LANE_NAME
#undef LANE_TARGET
#undef LANE_WIDTH
#undef LANE_FMA
#undef LANE_ANY

#if defined(__x86_64__) && defined(__GNUC__)
#define LANE_NAME(name) name##_avx2
#define LANE_TARGET __attribute__((target("avx2,fma")))
#define LANE_WIDTH 4
#define LANE_FMA(x, y, z) ((__typeof__(z))_mm256_fmadd_pd(x, y, z))
#define LANE_ANY(x) (!_mm256_testz_si256((__m256i)(x), (__m256i)(x)))
#include LANE_FILE
#undef LANE_NAME
#undef LANE_TARGET
#undef LANE_WIDTH
#undef LANE_FMA
#undef LANE_ANY

#define LANE_NAME(name) name##_avx512
#ifdef __clang__ /* which would ignore all of it for the last word */
#define LANE_TARGET __attribute__((target("avx512f,avx512dq,avx512vl")))
#else
#define LANE_TARGET __attribute__((target("avx512f,avx512dq,avx512vl,prefer-vector-width=512")))
#endif
#define LANE_WIDTH 8
#define LANE_FMA(x, y, z) ((__typeof__(z))_mm512_fmadd_pd(x, y, z))
#define LANE_ANY(x) (_mm512_test_epi64_mask((__m512i)(x), (__m512i)(x)) != 0)
#include LANE_FILE
#undef LANE_NAME
#undef LANE_TARGET
#undef LANE_WIDTH
#undef LANE_FMA
#undef LANE_ANY
#endif
#undef LANE_FILE
#undef LANE_ALWAYS
#undef LANE_APART
