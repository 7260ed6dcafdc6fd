/* detach: creates a thread without a handle and runs it to its end. */
#include "figure.h"

#include <green/green.h>

static int count_down(void *argument) {
    --*(long *)argument;
    return 0;
}

/* Detaches a batch at a time; one yield runs the whole batch. */
static double detach_batches(long steps, void *context) {
    long batch = *(const long *)context, left = 0;
    double begin = clock_ns();
    for (long done = 0; done < steps; done += batch) {
        for (left = 0; left < batch; left++)
            must(green_detach(count_down, &left), "green_detach");
        must(green_yield(), "green_yield");
        expect(left == 0, "a yield runs each ready thread");
    }
    return clock_ns() - begin;
}

void bench_detach(void) {
    static const long batches[] = {1, 100};
    for (size_t i = 0; i < sizeof batches / sizeof *batches; i++)
        figure_measure("detach", batches[i], 2000000, detach_batches, (void *)&batches[i]);
}
