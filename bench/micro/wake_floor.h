/* Hand-written round trips between two OS threads that sleep, on two cores: the least that two
 * hubs can take. */
#ifndef GREEN_BENCH_WAKE_FLOOR_H
#define GREEN_BENCH_WAKE_FLOOR_H

/* Each returns nanoseconds. */
double floor_by_eventfd(long rounds);  /* by blocking reads */
double floor_by_msg_ring(long rounds); /* by IORING_OP_MSG_RING, submitted with the wait; 0: not supported */

#endif
