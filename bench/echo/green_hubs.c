/* green-bench-hubs: an echo server on several hubs, whose handlers compute for as long as each
 * message asks: see --work of echo_load. */
#include <green/green.h>

#include <getopt.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { CONCURRENCY = 100000, WORK_OFFSET = sizeof(uint64_t), WARM_UP = 20, WARM_UP_STEPS = 200000, HUBS_MAX = 1024 };

static green_hub_pool *hubs;
static double steps_per_microsecond;
static atomic_ulong connections[HUBS_MAX];

/* Steps that the compiler cannot leave out. An OS thread that is preempted meanwhile still
 * has to do all of them, so this is work, not the passing of time. */
static void compute(uint64_t steps) {
    uint64_t x = steps | 1;
    for (uint64_t i = 0; i < steps; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        __asm__ volatile("" : "+r"(x));
    }
}

static double cpu_microseconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return time.tv_sec * 1e6 + time.tv_nsec / 1e3;
}

static void calibrate(void) {
    double best = 1e9;
    for (int i = 0; i < WARM_UP; i++) {
        double before = cpu_microseconds();
        compute(WARM_UP_STEPS);
        double elapsed = cpu_microseconds() - before;
        best = elapsed < best ? elapsed : best;
    }
    steps_per_microsecond = WARM_UP_STEPS / best;
}

static void count_connection(void) {
    size_t i = 0;
    while (green_hub_pool_hub(hubs, i) != green_hub_current())
        i++;
    connections[i]++;
}

static int echo(green_socket *client, void *context) {
    (void)context;
    const void *bytes;
    ssize_t size, sent;
    count_connection();
    while ((size = green_receive(client, &bytes)) > 0) {
        uint32_t work = 0;
        if (size >= WORK_OFFSET + (ssize_t)sizeof work)
            memcpy(&work, (const char *)bytes + WORK_OFFSET, sizeof work);
        compute((uint64_t)(work * steps_per_microsecond));
        if ((sent = green_write(client, bytes, (size_t)size)) < 0)
            return (int)sent;
        green_consume(client, (size_t)size);
    }
    return (int)size;
}

/* Clients that reset the connection are normal. */
static void ignore(int error, void *context) {
    (void)error;
    (void)context;
}

static void allow_many_descriptors(void) {
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

/* Serves until standard input ends. */
static int run(const char *on, const green_hub_pool_options *pool, green_distribution distribution) {
    const green_server_options options = {.distribution = distribution,
                                          .serve = {.concurrency = CONCURRENCY, .on_error = ignore}};
    char text[GREEN_ADDRESS_TEXT_MAX];
    green_server *server;
    green_address address;
    int error = green_hub_pool_make(&hubs, pool);
    if (error == 0)
        error = green_server_start(&server, on, hubs, &options, echo, NULL);
    if (error < 0)
        return error;
    green_server_address(server, &address);
    green_address_print(&address, text, sizeof text);
    printf("listening on %s\n", text);
    fflush(stdout);
    while (getchar() != EOF)
        ;
    error = green_server_stop(server, 0);
    green_server_release(server);
    for (size_t i = 0; i < green_hub_pool_count(hubs); i++)
        printf("hub %zu: %lu connections\n", i, connections[i]);
    green_hub_pool_release(hubs);
    return error;
}

int main(int argc, char **argv) {
    static const struct option known[] = {{"listen", 1, 0, 'a'}, {"hubs", 1, 0, 'n'}, {"reuse-port", 0, 0, 'r'},
                                          {"pinned", 0, 0, 'p'}, {"help", 0, 0, 'h'}, {0}};
    const char *address = "127.0.0.1:0";
    green_hub_pool_options pool = {0};
    green_distribution distribution = GREEN_HAND_OVER;
    for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        if (option == 'a') {
            address = optarg;
        } else if (option == 'n') {
            pool.count = strtoul(optarg, NULL, 0);
        } else if (option == 'p') {
            pool.pinned = true;
        } else if (option == 'r') {
            distribution = GREEN_REUSE_PORT;
        } else {
            puts("green-bench-hubs [--listen 127.0.0.1:0] [--hubs N] [--pinned] [--reuse-port]\n"
                 "  serves until standard input ends");
            return option == 'h' ? 0 : 2;
        }
    }
    allow_many_descriptors();
    calibrate();
    int error = run(address, &pool, distribution);
    if (error < 0)
        fprintf(stderr, "green-bench-hubs: %s\n", green_explain(error));
    return error < 0;
}
