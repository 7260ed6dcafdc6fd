/* Out of memory at each allocation of the core in turn. */
#include "../patch/patches.h"
#include "fault_injection.h"
#include "files.h"

#include <fcntl.h>
#include <green/task_runtime.h>
#include <signal.h>

/* The hub ------------------------------------------------------------------- */

static int open_and_close(void) {
    int error = (int)note_result(green_hub_open(NULL));
    if (error < 0)
        return error;
    error = (int)note_result(green_yield());
    CHECK(green_hub_close(), ==, 0);
    return error;
}

static int open_the_best(void) {
    CHECK(unsetenv("GREEN_ENGINE"), ==, 0);
    return open_and_close();
}

static int open_by_need(void) {
    return (int)note_result(green_sleep(1));
}

TEST(hub, "a hub is made or refused for each allocation that fails, and nothing is left behind") {
    static const struct scenario scenarios[] = {
        {.name = "hub", .run = open_and_close, .opens = true, .tolerates = "madvise strndup io_uring_register_ring_fd"},
        {.name = "first call",
         .run = open_by_need,
         .opens = true,
         .tolerates = "madvise strndup io_uring_register_ring_fd"},
        {.name = "hub of the best engine",
         .run = open_the_best,
         .opens = true,
         /* The hub falls back to the other engine. */
         .tolerates = "madvise strndup calloc mmap io_uring_queue_init_params io_uring_register_probe "
                      "io_uring_register_buf_ring io_uring_register_ring_fd"},
    };
    fail_on_each_engine(scenarios, 3, FAIL_MEMORY);
}

TEST(hub_calls, "making a hub fails if a call for its engine fails") {
    static const struct scenario scenarios[] = {{.name = "hub", .run = open_and_close, .opens = true}};
    fail_on_each_engine(scenarios, 1, FAIL_CALLS);
}

/* Threads ------------------------------------------------------------------- */

static int links;

static void count_link(green_thread *thread, void *argument) {
    (void)thread, (void)argument;
    links++;
}

static void *local_value = &links;

static int use_local(void *key) {
    int error = (int)note_result(green_local_set(key, local_value));
    if (error == 0)
        error = (int)note_result(green_sleep(GREEN_MICROSECOND));
    return error;
}

static void *same(void *value) {
    return value;
}

static int run_threads(void) {
    static int value = 3;
    green_thread *threads[5] = {NULL};
    green_local *key = NULL, *inherited = NULL;
    green_link *link;
    int error, null = -1;
    green_spawn_options options = {.name = "worker", .stack_size = 64 << 10};
    green_spawn_options late = {.delay = GREEN_MICROSECOND, .stack_size = 32 << 10, .dropped_with_spawner = true};
    TRY(green_local_make(&key, NULL));
    TRY(green_local_make_inherited(&inherited, same, NULL));
    TRY(green_local_set(inherited, local_value));
    TRY(green_spawn(&threads[0], give, &value));
    TRY(green_spawn_with(&threads[1], &options, use_local, key));
    TRY(green_spawn_with(&threads[2], &late, use_local, key));
    TRY(green_spawn_after(&threads[3], GREEN_MICROSECOND, give, &value));
    TRY(green_detach(give, &value));
    TRY(green_thread_link(threads[0], NULL, count_link, NULL));
    TRY(green_thread_link(threads[1], &link, count_link, NULL));
    green_link_remove(link);
    TRY(green_local_set(key, local_value));
    TRY(green_local_set(key, NULL));
    CHECK(null = open("/dev/null", O_WRONLY | O_CLOEXEC), >=, 0);
    TRY(green_dump(null));
    TRY(green_thread_wait(threads[0], NULL, PATIENTLY(GREEN_SECOND)));
    TRY(green_sleep(GREEN_MICROSECOND));
done:
    error = end_threads(threads, 5, error);
    if (inherited)
        (void)!green_local_set(inherited, NULL); /* fails only without a hub */
    green_local_free(inherited);
    green_local_free(key);
    close(null);
    return error;
}

/* Enough for another block of records, another arena and a larger heap. */
enum { CROWD = 300 };

static int nap_briefly(void *unused) {
    (void)unused;
    return (int)note_result(green_sleep(GREEN_MICROSECOND));
}

static int run_crowd(void) {
    static green_thread *threads[CROWD];
    int error = 0;
    memset(threads, 0, sizeof threads);
    for (int i = 0; i < CROWD && error == 0; i++)
        error = (int)note_result(green_spawn(&threads[i], nap_briefly, NULL));
    return end_threads(threads, CROWD, error);
}

BIG_TEST(threads, "green threads, links and locals without memory are errors, and end") {
    static const struct scenario scenarios[] = {
        {.name = "threads", .run = run_threads, .tolerates = "madvise mmap strndup"},
        {.name = "many threads", .run = run_crowd, .tolerates = "madvise mmap", .step = SLOW ? 7 : 1},
    };
    fail_on_each_engine(scenarios, 2, FAIL_MEMORY);
}

/* Jobs of Tasks ------------------------------------------------------------- */

static int jobs_ended;

static void run_job(void *yields, void *executor) {
    (void)executor;
    if (*(bool *)yields)
        (void)green_yield(); /* so that the next job needs another thread */
    jobs_ended++;
}

static void refuse_job(void *yields, void *executor) {
    (void)yields, (void)executor;
    jobs_ended++;
}

static int run_jobs(void) {
    static const green_task_job_kind kind = {run_job, refuse_job, false};
    static bool yields[2] = {false, true};
    jobs_ended = 0;
    for (int i = 0; i < CROWD; i++)
        green_task_job_enqueue(green_hub_current(), &kind, &yields[i % 2], &jobs_ended);
    let_run();
    CHECK(jobs_ended, ==, CROWD);
    return 0;
}

BIG_TEST(jobs, "a job of a Task is refused if there is no memory, and none is lost") {
    static const struct scenario scenarios[] = {
        {.name = "jobs",
         .run = run_jobs,
         .tolerates = "aligned_alloc calloc guard madvise malloc mmap mprotect realloc",
         .step = SLOW ? 7 : 1},
    };
    fail_on_each_engine(scenarios, 1, FAIL_MEMORY);
}

/* Between threads ------------------------------------------------------------ */

struct element {
    char bytes[600]; /* few per segment */
    int number;
};

static bool precedes(const void *first, const void *second, void *context) {
    (void)context;
    return ((const struct element *)first)->number < ((const struct element *)second)->number;
}

static int put_many(void *queue) {
    int error = 0;
    for (int i = 0; i < 40 && error == 0; i++)
        error = (int)note_result(green_queue_put(queue, &(struct element){.number = i}, PATIENTLY(GREEN_SECOND)));
    return error;
}

static int move_through(green_queue_order order, int64_t capacity, size_t alignment) {
    green_queue_options options = {.element_size = sizeof(struct element),
                                   .alignment = alignment,
                                   .capacity = capacity,
                                   .order = order,
                                   .precedes = precedes};
    green_queue *queue = NULL;
    green_thread *thread = NULL;
    struct element element;
    int error;
    TRY(green_queue_make(&queue, &options));
    TRY(green_spawn(&thread, put_many, queue));
    /* The putter may have failed; then there are no more items. */
    for (int i = 0; i < 40; i++) {
        TRY(green_queue_get(queue, &element, PATIENTLY(20 * GREEN_MILLISECOND)));
        TRY(green_queue_task_done(queue));
    }
    TRY(green_queue_join(queue, PATIENTLY(GREEN_SECOND)));
done:
    error = end_threads(&thread, 1, error);
    green_queue_free(queue);
    return error;
}

static int run_rendezvous(void) {
    return move_through(GREEN_FIFO, 0, 0);
}

static int run_fifo(void) {
    return move_through(GREEN_FIFO, GREEN_UNBOUNDED, 0);
}

static int run_bounded(void) {
    return move_through(GREEN_FIFO, 3, 64);
}

static int run_lifo(void) {
    return move_through(GREEN_LIFO, 7, 0);
}

static int run_priority(void) {
    return move_through(GREEN_PRIORITY, 20, 0);
}

/* Long enough that segments are mappings. */
static int fill_queue(void) {
    green_queue_options options = {.element_size = 4000, .capacity = GREEN_UNBOUNDED};
    static char element[4000];
    green_queue *queue = NULL;
    int error;
    TRY(green_queue_make(&queue, &options));
    for (int i = 0; i < 200; i++)
        TRY(green_queue_put(queue, element, 0));
done:
    green_queue_free(queue);
    return error;
}

struct waiting_put {
    green_queue *queue;
    int result;
    bool done;
};

static int put_one(void *argument) {
    static char element[4000];
    struct waiting_put *put = argument;
    put->result = green_queue_put(put->queue, element, GREEN_FOREVER);
    put->done = true;
    return 0;
}

/* A segment of a queue holds four elements of this size. */
TEST(waiting_puts, "every waiting put that gets room but no memory fails, not only the first") {
    enum { ROOM = 4, PUTS = 3 };
    green_queue_options options = {.element_size = 4000, .capacity = ROOM};
    struct waiting_put puts[ROOM + PUTS] = {0};
    green_thread *threads[ROOM + PUTS];
    green_queue *queue = NULL;
    CHECK(green_queue_make(&queue, &options), ==, 0);
    for (int i = 0; i < ROOM + PUTS; i++) {
        puts[i].queue = queue;
        threads[i] = start(put_one, &puts[i]);
    }
    let_run();
    CHECK(green_queue_putting(queue), ==, PUTS);
    fail_calls(FAIL_MEMORY, 1, UINT_MAX);
    CHECK(green_queue_resize(queue, GREEN_UNBOUNDED), ==, 0);
    let_run();
    fail_calls(0, 0, 0);
    CHECK(green_queue_putting(queue), ==, 0);
    for (int i = 0; i < ROOM + PUTS; i++) {
        CHECK(puts[i].done);
        CHECK(puts[i].result, ==, i < ROOM ? 0 : -ENOMEM);
        CHECK(finish(threads[i]), ==, 0);
    }
    CHECK(green_queue_count(queue), ==, ROOM);
    green_queue_free(queue);
}

/* The number of allocations for moving count elements through a queue that is never
 * empty. */
static unsigned allocations_of(green_queue *queue, int count) {
    struct element element = {0};
    fail_calls(FAIL_MEMORY, UINT_MAX, UINT_MAX);
    for (int i = 0; i < count; i++) {
        CHECK(green_queue_put(queue, &element, 0), ==, 0);
        CHECK(green_queue_get(queue, &element, 0), ==, 0);
    }
    return fail_calls(0, 0, 0);
}

TEST(steady_queue, "items that pass through a queue need no further memory") {
    green_queue_options options = {.element_size = sizeof(struct element), .capacity = 1000};
    struct element element = {0};
    green_queue *queue = NULL;
    CHECK(green_queue_make(&queue, &options), ==, 0);
    for (int i = 0; i < 500; i++)
        CHECK(green_queue_put(queue, &element, 0), ==, 0);
    allocations_of(queue, 10000);
    CHECK(allocations_of(queue, 100000), ==, 0);
    green_queue_free(queue);
}

TEST(queues, "a put without memory returns the element, and the queue stays usable") {
    static const struct scenario scenarios[] = {
        {.name = "rendezvous", .run = run_rendezvous, .tolerates = "madvise mmap"},
        /* A put without a slot tries once more before it fails. */
        {.name = "fifo", .run = run_fifo, .tolerates = "madvise mmap malloc aligned_alloc realloc"},
        {.name = "bounded, aligned", .run = run_bounded, .tolerates = "madvise mmap malloc aligned_alloc realloc"},
        {.name = "lifo", .run = run_lifo, .tolerates = "madvise mmap malloc aligned_alloc realloc"},
        {.name = "priority", .run = run_priority, .tolerates = "madvise mmap malloc aligned_alloc realloc"},
        {.name = "long queue", .run = fill_queue, .tolerates = "malloc mmap"},
    };
    fail_on_each_engine(scenarios, 6, FAIL_MEMORY);
}

static int send_event(void *event) {
    return (int)note_result(green_event_send(event, NULL));
}

static int run_event(void) {
    green_event *event = NULL;
    green_thread *thread = NULL;
    void *value;
    int error;
    TRY(green_event_make(&event));
    TRY(green_spawn(&thread, send_event, event));
    TRY(green_event_wait(event, &value, PATIENTLY(GREEN_SECOND)));
done:
    error = end_threads(&thread, 1, error);
    green_event_free(event);
    return error;
}

static int release_permit(void *semaphore) {
    return (int)note_result(green_semaphore_release(semaphore));
}

static int run_semaphore(void) {
    green_semaphore *semaphore = NULL;
    green_thread *thread = NULL;
    int error;
    TRY(green_semaphore_make(&semaphore, 0, 1));
    TRY(green_spawn(&thread, release_permit, semaphore));
    TRY(green_semaphore_acquire(semaphore, PATIENTLY(GREEN_SECOND)));
done:
    error = end_threads(&thread, 1, error);
    green_semaphore_free(semaphore);
    return error;
}

static int acquire_token(void *limiter) {
    return (int)note_result(green_rate_limiter_acquire(limiter, 1, PATIENTLY(GREEN_SECOND)));
}

static int run_rate_limiter(void) {
    green_rate_limiter *limiter = NULL;
    green_thread *threads[2] = {NULL};
    int error;
    TRY(green_rate_limiter_make(&limiter, &(green_rate_limiter_options){.tokens = 1, .period = GREEN_MICROSECOND}));
    TRY(green_spawn(&threads[0], acquire_token, limiter));
    TRY(green_spawn(&threads[1], acquire_token, limiter));
    TRY(green_rate_limiter_acquire(limiter, 1, PATIENTLY(GREEN_SECOND)));
    TRY(green_rate_limiter_acquire(limiter, 1, PATIENTLY(GREEN_SECOND)));
done:
    error = end_threads(threads, 2, error);
    green_rate_limiter_free(limiter);
    return error;
}

struct locks {
    green_mutex *mutex;
    green_condition *condition;
    green_rwlock *lock;
};

static int lock_and_signal(void *argument) {
    struct locks *locks = argument;
    int error;
    TRY(green_rwlock_read_lock(locks->lock, PATIENTLY(GREEN_SECOND)));
    TRY(green_rwlock_unlock(locks->lock));
    TRY(green_mutex_lock(locks->mutex, PATIENTLY(GREEN_SECOND)));
    TRY(green_mutex_unlock(locks->mutex));
done:
    green_condition_signal(locks->condition);
    return error;
}

static int run_locks(void) {
    struct locks locks = {NULL, NULL, NULL};
    green_thread *thread = NULL;
    int error;
    TRY(green_mutex_make(&locks.mutex));
    TRY(green_condition_make(&locks.condition));
    TRY(green_rwlock_make(&locks.lock));
    TRY(green_rwlock_write_lock(locks.lock, GREEN_FOREVER));
    TRY(green_mutex_lock(locks.mutex, GREEN_FOREVER));
    TRY(green_spawn(&thread, lock_and_signal, &locks));
    TRY(green_yield());
    TRY(green_rwlock_unlock(locks.lock));
    TRY(green_condition_wait(locks.condition, locks.mutex, PATIENTLY(GREEN_SECOND)));
    TRY(green_mutex_unlock(locks.mutex));
done:
    if (locks.lock && green_rwlock_writer(locks.lock))
        green_rwlock_unlock(locks.lock);
    if (locks.mutex && green_mutex_holder(locks.mutex) == green_current())
        green_mutex_unlock(locks.mutex);
    error = end_threads(&thread, 1, error);
    green_condition_free(locks.condition);
    green_mutex_free(locks.mutex);
    green_rwlock_free(locks.lock);
    return error;
}

static int run_timeout(void) {
    green_timeout *timeouts[3] = {NULL};
    int error;
    TRY(green_timeout_start(&timeouts[0], PATIENTLY(GREEN_SECOND)));
    TRY(green_timeout_start(&timeouts[1], 0));
    CHECK(green_yield(), ==, -ETIME);
    TRY(green_timeout_start(&timeouts[2], GREEN_MICROSECOND));
    error = (int)note_result(green_sleep(GREEN_SECOND));
    CHECK(error == -ETIME || error == -ENOMEM);
    error = error == -ETIME ? 0 : error;
done:
    for (int i = 0; i < 3; i++)
        green_timeout_free(timeouts[i]);
    return error;
}

static int run_scope(void) {
    static int value;
    green_group *group = NULL;
    int error;
    TRY(green_group_begin(&group, NULL));
    for (int i = 0; i < 10 && error == 0; i++)
        error = (int)note_result(green_group_spawn(group, NULL, NULL, give, &value));
    error = green_group_end(group, error);
done:
    return error;
}

static int run_group(void) {
    static int value = 1;
    enum { COUNT = 20 }; /* more than fit on a stack */
    green_group *group = NULL;
    green_thread *threads[COUNT] = {NULL}, *next;
    int error;
    TRY(green_group_make(&group));
    for (int i = 0; i < COUNT; i++) {
        TRY(green_spawn(&threads[i], give, &value));
        TRY(green_group_add(group, threads[i]));
        TRY(green_group_spawn(group, NULL, NULL, give, &value));
    }
    TRY(green_wait_any(threads, COUNT, PATIENTLY(GREEN_SECOND)));
    TRY(green_wait_all(threads, COUNT, PATIENTLY(GREEN_SECOND)));
    while ((error = (int)note_result(green_group_next(group, &next, PATIENTLY(GREEN_SECOND)))) > 0)
        green_thread_release(next);
done:
    error = end_threads(threads, COUNT, error);
    green_group_free(group);
    return error;
}

static int spawn_inside(void *pool) {
    static int value = 1;
    green_thread *thread;
    green_spawn_options options = {.name = "inner"};
    int error = (int)note_result(green_pool_spawn(pool, &thread, &options, give, &value, GREEN_FOREVER));
    if (error == 0)
        green_thread_release(thread);
    return error;
}

static int run_pool(void) {
    green_pool *pool = NULL;
    green_thread *threads[3] = {NULL};
    int error;
    TRY(green_pool_make(&pool, 1));
    for (int i = 0; i < 3; i++)
        TRY(green_pool_spawn(pool, &threads[i], NULL, spawn_inside, pool, PATIENTLY(GREEN_SECOND)));
    TRY(green_pool_wait(pool, PATIENTLY(GREEN_SECOND)));
done:
    error = end_threads(threads, 3, error);
    green_pool_free(pool);
    return error;
}

static int run_pile(void) {
    static int value = 1;
    green_pool *pool = NULL;
    green_pile *pile = NULL;
    int error, result = 0;
    TRY(green_pool_make(&pool, 2));
    TRY(green_pile_make(&pile, pool));
    for (int i = 0; i < 4; i++)
        TRY(green_pile_spawn(pile, NULL, give, &value, PATIENTLY(GREEN_SECOND)));
    while ((error = (int)note_result(green_pile_next(pile, &result, PATIENTLY(GREEN_SECOND)))) > 0)
        CHECK(result, ==, 1);
done:
    green_pile_free(pile);
    if (pool)
        CHECK(green_pool_wait(pool, GREEN_FOREVER), ==, 0);
    green_pool_free(pool);
    return error;
}

TEST(sync, "events, semaphores, locks, rate limiters, timeouts, groups, pools and piles without memory are errors") {
    static const struct scenario scenarios[] = {
        {.name = "event", .run = run_event, .tolerates = "madvise mmap"},
        {.name = "semaphore", .run = run_semaphore, .tolerates = "madvise mmap"},
        {.name = "rate limiter", .run = run_rate_limiter, .tolerates = "madvise mmap"},
        {.name = "locks", .run = run_locks, .tolerates = "madvise mmap"},
        {.name = "timeout", .run = run_timeout},
        {.name = "group", .run = run_group, .tolerates = "madvise mmap"},
        {.name = "scope", .run = run_scope, .tolerates = "madvise mmap"},
        {.name = "pool", .run = run_pool, .tolerates = "madvise mmap strndup"},
        {.name = "pile", .run = run_pile, .tolerates = "madvise mmap"},
    };
    fail_on_each_engine(scenarios, sizeof scenarios / sizeof *scenarios, FAIL_MEMORY);
}

/* The watcher ---------------------------------------------------------------- */

TEST(watcher, "a monitor or dumps on a signal without an OS thread are -EAGAIN, and the signal's action stays") {
    struct sigaction now;
    fail_calls(FAIL_CALLS, 1, UINT_MAX);
    CHECK(green_monitor_start(NULL), ==, -EAGAIN);
    CHECK_CONTAINS(green_explain(-EAGAIN), "cannot start an OS thread");
    CHECK(green_dump_on_signal(SIGUSR1), ==, -EAGAIN);
    CHECK_CONTAINS(green_explain(-EAGAIN), "cannot request dumps by signal 10");
    fail_calls(0, 0, 0);
    CHECK(sigaction(SIGURG, NULL, &now), ==, 0);
    CHECK(now.sa_handler == SIG_DFL);
    CHECK(sigaction(SIGUSR1, NULL, &now), ==, 0);
    CHECK(now.sa_handler == SIG_DFL);
    CHECK(green_monitor_start(NULL), ==, 0);
    CHECK(green_dump_on_signal(SIGUSR1), ==, 0);
    CHECK(green_dump_on_signal(0), ==, 0);
    CHECK(green_monitor_stop(), ==, 0);
}

/* Patching -------------------------------------------------------------------- */

/* A library whose slots are in writable pages. */
static int run_import(void) {
    green_patch *patch = NULL;
    int error;
    TRY(green_import_patched(&patch, PATCHED_LAZY, NULL));
done:
    CHECK(green_unpatch(patch), ==, 0);
    CHECK(!green_is_patched(PATCHED_LAZY));
    return error;
}

TEST(patching, "patching without memory is an error and patches nothing, and undoing it takes none") {
    static const struct scenario scenario = {.name = "patching", .run = run_import, .tolerates = "madvise"};
    fail_everywhere(&scenario, "epoll", FAIL_MEMORY);
}

static const struct fixture *patched;

/* Files need no memory, descriptors or OS threads to wait. */
static int run_files(void) {
    static char bytes[3000], read[3000];
    struct iovec pieces[12];
    for (int i = 0; i < 12; i++)
        pieces[i] = (struct iovec){read + 250 * i, 250};
    pattern_fill(bytes, sizeof bytes, 0);
    int fd = patched->open(path_of("file"), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    int directory = patched->open(path_of("."), O_RDONLY | O_CLOEXEC, 0);
    int other = patched->openat(directory, "file", O_RDWR | O_CLOEXEC, 0);
    CHECK(fd >= 0 && directory >= 0 && other >= 0);
    CHECK(patched->write(fd, bytes, 1000), ==, 1000);
    CHECK(patched->pwrite(fd, bytes + 1000, 2000, 1000), ==, 2000);
    CHECK(patched->fsync(fd), ==, 0);
    CHECK(patched->preadv(other, pieces, 12, 0), ==, 3000);
    pattern_check(read, sizeof read, 0);
    CHECK(patched->close(fd), ==, 0);
    CHECK(patched->close(directory), ==, 0);
    CHECK(patched->close(other), ==, 0);
    return 0;
}

BIG_TEST(patched_files, "patched calls on files need no memory, descriptors or OS threads") {
    static const struct scenario scenario = {
        .name = "patched files", .run = run_files, .tolerates = "malloc calloc realloc pthread_create epoll_ctl"};
    green_patch *patch;
    green_import_options options = {.families = GREEN_PATCH_ALL | GREEN_PATCH_FILE};
    CHECK(green_import_patched(&patch, PATCHED_LAZY, &options), ==, 0);
    patched = load_fixture(PATCHED_LAZY);
    (void)path_of("file");
    CHECK(green_yield(), ==, 0);
    fail_calls(FAIL_CALLS, 1, UINT_MAX); /* no worker starts */
    CHECK(run_files(), ==, 0);
    fail_calls(0, 0, 0);
    CHECK(green_hub_close(), ==, 0);
    fail_on_each_engine(&scenario, 1, FAIL_MEMORY);
    remove_directory();
    CHECK(green_unpatch(patch), ==, 0);
}
