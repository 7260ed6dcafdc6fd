/* Objects that are freed on another OS thread than that of their hub. */
#include "os_threads.h"
#include "sleepers.h"

#include <green/green.h>

/* A kind of object, and a thread that waits for one. The wait ends with -EBADF, on the hub,
 * when the object is freed elsewhere. */
struct kind {
    const char *name;
    int (*make)(void **object); /* bound to this hub */
    int (*wait)(void *object);
    void (*free)(void *object);
};

static int make_event(void **event) {
    int error = green_event_make((green_event **)event);
    return error < 0 ? error : 0;
}

static int wait_event(void *event) {
    return green_event_wait(event, NULL, GREEN_FOREVER);
}

static void free_event(void *event) {
    green_event_free(event);
}

static int make_semaphore(void **semaphore) {
    return green_semaphore_make((green_semaphore **)semaphore, 0, 1);
}

static int wait_semaphore(void *semaphore) {
    return green_semaphore_acquire(semaphore, GREEN_FOREVER);
}

static void free_semaphore(void *semaphore) {
    green_semaphore_free(semaphore);
}

static int make_queue(void **queue) {
    return green_queue_make((green_queue **)queue, &(green_queue_options){.element_size = 1, .capacity = 1});
}

static int wait_queue(void *queue) {
    char byte;
    return green_queue_get(queue, &byte, GREEN_FOREVER);
}

static void free_queue(void *queue) {
    green_queue_free(queue);
}

static int make_pool(void **pool) {
    return green_pool_make((green_pool **)pool, 0);
}

static int wait_pool(void *pool) {
    return green_pool_spawn(pool, NULL, NULL, give, NULL, GREEN_FOREVER);
}

static void free_pool(void *pool) {
    green_pool_free(pool);
}

/* Of a thread that runs until the test kills it. */
static green_thread *member;

static int make_group(void **group) {
    int error = green_group_make((green_group **)group);
    return error < 0 ? error : green_group_add(*group, member);
}

static int wait_group(void *group) {
    green_thread *finished;
    return green_group_next(group, &finished, GREEN_FOREVER);
}

static void free_group(void *group) {
    green_group_free(group);
}

static green_pool *pile_pool;

static int make_pile(void **pile) {
    int error = green_pile_make((green_pile **)pile, pile_pool);
    return error < 0 ? error : green_pile_add(*pile, member, NULL);
}

static int wait_pile(void *pile) {
    int result;
    return green_pile_next(pile, &result, GREEN_FOREVER);
}

static void free_pile(void *pile) {
    green_pile_free(pile);
}

static const struct kind kinds[] = {
    {"event", make_event, wait_event, free_event}, {"semaphore", make_semaphore, wait_semaphore, free_semaphore},
    {"queue", make_queue, wait_queue, free_queue}, {"pool", make_pool, wait_pool, free_pool},
    {"group", make_group, wait_group, free_group}, {"pile", make_pile, wait_pile, free_pile},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

struct waiter {
    const struct kind *kind;
    void *object;
};

static int wait_for_object(void *argument) {
    const struct waiter *waiter = argument;
    return waiter->kind->wait(waiter->object);
}

static void begin(void) {
    member = start(nap, NULL);
    CHECK(green_pool_make(&pile_pool, 1), ==, 0);
    let_run();
}

static void end(void) {
    green_pool_free(pile_pool);
    CHECK(kill_and_finish(member), ==, -ECANCELED);
}

TEST(waited_for, "an object freed on another OS thread wakes its waiting threads on their hub") {
    begin();
    for (int i = 0; i < KINDS; i++) {
        struct waiter waiter = {.kind = &kinds[i]};
        CHECK(kinds[i].make(&waiter.object), ==, 0);
        green_thread *threads[3];
        for (int n = 0; n < 3; n++)
            threads[n] = start(wait_for_object, &waiter);
        let_run();
        on_os_thread(kinds[i].free, waiter.object);
        for (int n = 0; n < 3; n++)
            CHECK(!green_thread_is_finished(threads[n]));
        for (int n = 0; n < 3; n++)
            CHECK(finish(threads[n]), ==, -EBADF);
    }
    end();
}

static green_mutex *shared_mutex;
static green_condition *shared_condition;
static green_rwlock *shared_lock;

static int wait_for_mutex(void *unused) {
    (void)unused;
    return green_mutex_lock(shared_mutex, GREEN_FOREVER);
}

static int wait_for_condition(void *unused) {
    (void)unused;
    CHECK(green_mutex_lock(shared_mutex, GREEN_FOREVER), ==, 0);
    int error = green_condition_wait(shared_condition, shared_mutex, GREEN_FOREVER);
    CHECK(green_mutex_unlock(shared_mutex), ==, 0);
    return error;
}

static int wait_for_lock(void *unused) {
    (void)unused;
    return green_rwlock_read_lock(shared_lock, GREEN_FOREVER);
}

static void free_mutex(void *mutex) {
    green_mutex_free(mutex);
}

static void free_condition(void *condition) {
    green_condition_free(condition);
}

static void free_lock(void *lock) {
    green_rwlock_free(lock);
}

static void free_while_waited_for(green_function *wait, void (*free)(void *), void *object) {
    green_thread *threads[3];
    for (int n = 0; n < 3; n++)
        threads[n] = start(wait, NULL);
    let_run();
    on_os_thread(free, object);
    for (int n = 0; n < 3; n++)
        CHECK(!green_thread_is_finished(threads[n]));
    for (int n = 0; n < 3; n++)
        CHECK(finish(threads[n]), ==, -EBADF);
}

TEST(locks, "a lock or a condition freed on another OS thread wakes its waiting threads on their hub") {
    CHECK(green_mutex_make(&shared_mutex), ==, 0);
    CHECK(green_condition_make(&shared_condition), ==, 0);
    CHECK(green_rwlock_make(&shared_lock), ==, 0);
    free_while_waited_for(wait_for_condition, free_condition, shared_condition);
    CHECK(green_mutex_try_lock(shared_mutex), ==, 1);
    free_while_waited_for(wait_for_mutex, free_mutex, shared_mutex);
    CHECK(green_rwlock_try_write_lock(shared_lock), ==, 1);
    free_while_waited_for(wait_for_lock, free_lock, shared_lock);
    CHECK(green_mutex_make(&shared_mutex), ==, 0); /* no hub uses these */
    CHECK(green_condition_make(&shared_condition), ==, 0);
    CHECK(green_rwlock_make(&shared_lock), ==, 0);
    on_os_thread(free_mutex, shared_mutex);
    on_os_thread(free_condition, shared_condition);
    on_os_thread(free_lock, shared_lock);
}

TEST(unused, "an object that no hub has used may be freed on any OS thread") {
    begin();
    for (int i = 0; i < KINDS; i++) {
        void *object;
        if (kinds[i].make == make_group || kinds[i].make == make_pile)
            continue; /* bound by the thread in it */
        CHECK(kinds[i].make(&object), ==, 0);
        on_os_thread(kinds[i].free, object);
    }
    end();
    CHECK(green_hub_close(), ==, 0);
    void *event;
    CHECK(make_event(&event), ==, 0);
    on_os_thread(free_event, event);
}

static pthread_t destroyed_on;

static void destroy_element(void *element, void *context) {
    (void)element;
    *(int *)context += 1;
    destroyed_on = pthread_self();
    CHECK(green_sleep(1), ==, -EWOULDBLOCK);
}

static void release_context(void *context) {
    *(int *)context += 100;
}

TEST(elements, "elements of a queue that another OS thread frees are destroyed on the hub") {
    int destroyed = 0;
    green_queue *queue;
    green_queue_options options = {
        .element_size = 1,
        .capacity = GREEN_UNBOUNDED,
        .destroy = destroy_element,
        .context = &destroyed,
        .release = release_context,
    };
    CHECK(green_queue_make(&queue, &options), ==, 0);
    for (int i = 0; i < 10; i++)
        CHECK(green_queue_put(queue, "x", 0), ==, 0);
    on_os_thread(free_queue, queue);
    CHECK(destroyed, ==, 0);
    let_run();
    CHECK(destroyed, ==, 110);
    CHECK(pthread_equal(destroyed_on, pthread_self()));
}

static void discard_context(void *context) {
    mark_it(context);
}

static void free_pile_with(void *pile) {
    green_pile_free_with(pile, discard_context);
}

TEST(contexts, "the items of a pile that another OS thread frees are discarded on the hub, in order") {
    green_pile *pile;
    int value = 0;
    begin();
    CHECK(green_pile_make(&pile, pile_pool), ==, 0);
    for (const char *letter = "abcde"; *letter; letter++) {
        green_thread *thread = *letter == 'c' ? green_thread_retain(member) : start(give, &value);
        CHECK(green_pile_add(pile, thread, (char *)letter), ==, 0);
        green_thread_release(thread);
    }
    let_run();
    void *first;
    CHECK(green_pile_remove(pile, &first));
    on_os_thread(free_pile_with, pile);
    CHECK_TEXT(marks(), "");
    let_run();
    CHECK_TEXT(marks(), "bcde");
    end();
}

static int spawn_member(void *pool) {
    green_thread *thread;
    CHECK(green_pool_spawn(pool, &thread, NULL, nap, NULL, 0), ==, 0);
    on_os_thread(free_pool, pool);
    let_run();
    return kill_and_finish(thread);
}

TEST(running_pool, "a pool with running threads may be freed on another OS thread") {
    green_pool *pool;
    CHECK(green_pool_make(&pool, 2), ==, 0);
    CHECK(finish(start(spawn_member, pool)), ==, -ECANCELED);
}

/* Objects of a hub that has ended. */
static void *left[KINDS];

static void *leave_closed(void *unused) {
    int value = 0;
    member = start(give, &value);
    CHECK(green_pool_make(&pile_pool, 1), ==, 0);
    let_run();
    for (int i = 0; i < KINDS; i++) {
        CHECK(kinds[i].make(&left[i]), ==, 0);
        if (kinds[i].make == make_event)
            CHECK(green_event_send(left[i], NULL), ==, 0);
        else if (kinds[i].make == make_semaphore)
            CHECK(green_semaphore_release(left[i]), ==, 0);
        else if (kinds[i].make == make_queue)
            CHECK(green_queue_put(left[i], "x", 0), ==, 0);
        else if (kinds[i].make == make_pool)
            CHECK(green_pool_wait(left[i], 0), ==, 0);
        else
            CHECK(kinds[i].wait(left[i]), ==, 1);
    }
    green_thread_release(member);
    green_thread_release(member); /* that of the group */
    green_pool_free(pile_pool);
    return unused;
}

TEST(closed_hub, "an object may be freed on another OS thread after its hub") {
    pthread_t os_thread;
    CHECK(pthread_create(&os_thread, NULL, leave_closed, NULL), ==, 0);
    CHECK(pthread_join(os_thread, NULL), ==, 0);
    for (int i = 0; i < KINDS; i++)
        kinds[i].free(left[i]);
}

/* The same with threads that wait for the objects: the hub ends in use. */
static void *leave_in_use(void *unused) {
    static struct waiter waiters[KINDS];
    begin();
    for (int i = 0; i < KINDS; i++) {
        CHECK(kinds[i].make(&left[i]), ==, 0);
        waiters[i] = (struct waiter){&kinds[i], left[i]};
        (void)start(wait_for_object, &waiters[i]);
    }
    let_run();
    return unused;
}

static void free_left(void *first) {
    for (int i = *(int *)first; i < KINDS; i += 2)
        kinds[i].free(left[i]);
}

static void *free_half(void *first) {
    free_left(first);
    return NULL;
}

static void end_in_use(void) {
    pthread_t os_thread, halves[2];
    int first[2] = {0, 1};
    CHECK(pthread_create(&os_thread, NULL, leave_in_use, NULL), ==, 0);
    CHECK(pthread_join(os_thread, NULL), ==, 0);
    for (int i = 0; i < 2; i++)
        CHECK(pthread_create(&halves[i], NULL, free_half, &first[i]), ==, 0);
    for (int i = 0; i < 2; i++)
        CHECK(pthread_join(halves[i], NULL), ==, 0);
}

TEST(ended_in_use, "objects of a hub whose OS thread ended in use may be freed on several OS threads at once") {
    struct child child;
    run_child(&child, end_in_use);
    CHECK_CONTAINS(child.output, "ended while its hub was in use");
    CHECK(child.status, ==, 0);
}

static void use_foreign(void *queue) {
    char byte;
    CHECK(green_queue_try_get(queue, &byte), ==, -EXDEV);
    CHECK_CONTAINS(green_explain(-EXDEV), "this queue lives on another OS thread");
    CHECK_CONTAINS(green_explain(-EXDEV), "use a channel (green_channel, or Channel in Swift)");
    CHECK(green_queue_close(queue), ==, -EXDEV);
    CHECK_CONTAINS(green_explain(-EXDEV), "green_channel");
}

TEST(message, "the error of a call on another OS thread names the channel") {
    green_queue *queue;
    CHECK(make_queue((void **)&queue), ==, 0);
    CHECK(green_queue_put(queue, "x", 0), ==, 0);
    on_os_thread(use_foreign, queue);
    green_queue_free(queue);
}
