/* processor.h: which of the sets of vector instructions of lanesets.h may be used here. */
#ifndef PG_PROCESSOR_H
#define PG_PROCESSOR_H

/* 2 for AVX-512, 1 for AVX2 with FMA, 0 for what every processor of the kind has. */
int pg_vector_level(void);

#endif
