/* lanesets.h: LANE_FILE once for each set of vector instructions, with LANE_NAME(name), LANE_TARGET and LANE_WIDTH. */

#define LANE_NAME(name) name##_baseline
#define LANE_TARGET
#define LANE_WIDTH 2
#include LANE_FILE
#undef LANE_NAME
#undef LANE_TARGET
#undef LANE_WIDTH

#if defined(__x86_64__) && defined(__GNUC__)
#define LANE_NAME(name) name##_avx2
#define LANE_TARGET __attribute__((target("avx2")))
#define LANE_WIDTH 4
#include LANE_FILE
#undef LANE_NAME
#undef LANE_TARGET
#undef LANE_WIDTH

#define LANE_NAME(name) name##_avx512
#ifdef __clang__ /* which would ignore all of it for the last word */
#define LANE_TARGET __attribute__((target("avx512f,avx512dq,avx512vl")))
#else
#define LANE_TARGET __attribute__((target("avx512f,avx512dq,avx512vl,prefer-vector-width=512")))
#endif
#define LANE_WIDTH 8
#include LANE_FILE
#undef LANE_NAME
#undef LANE_TARGET
#undef LANE_WIDTH
#endif
#undef LANE_FILE
