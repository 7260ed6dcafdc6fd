/* Joining green threads of a patched library. */
#include "patched_threads.h"

#include <sys/wait.h>

TEST(late_join, "the result of a thread that has ended is kept until it is joined") {
    begin();
    int value;
    pthread_t thread = create(give_back, &value);
    let_run();
    CHECK(joined(thread) == &value);
    thread = create(give_back, &value);
    let_run();
    CHECK(lib->join(thread, NULL), ==, 0);
    end();
}

static void *join_itself(void *unused) {
    (void)unused;
    return (void *)(intptr_t)lib->join(lib->self(), NULL);
}

struct couple {
    pthread_t one, other;
    int errors[2];
};

static void *join_other(void *argument) {
    struct couple *couple = argument;
    couple->errors[0] = lib->join(couple->other, NULL);
    return NULL;
}

static void *join_one(void *argument) {
    struct couple *couple = argument;
    CHECK(lib->usleep(1000), ==, 0);
    couple->errors[1] = lib->join(couple->one, NULL);
    return NULL;
}

TEST(deadlocks, "joining oneself, or a thread that joins oneself, is EDEADLK") {
    begin();
    struct couple couple;
    CHECK((intptr_t)joined(create(join_itself, NULL)), ==, EDEADLK);
    couple.one = create(join_other, &couple);
    couple.other = create(join_one, &couple);
    CHECK(joined(couple.one) == NULL);
    CHECK(couple.errors[0], ==, 0);
    CHECK(couple.errors[1], ==, EDEADLK);
    end();
}

static void *wait_for_event(void *event) {
    void *value;
    return (void *)(intptr_t)green_event_wait(event, &value, GREEN_FOREVER);
}

TEST(never_ends, "if nothing can end a thread, a join by the OS thread's context is EDEADLK, and can be repeated") {
    begin();
    green_event *event;
    CHECK(green_event_make(&event), ==, 0);
    pthread_t thread = create(wait_for_event, event);
    capture_begin();
    CHECK(lib->join(thread, NULL), ==, EDEADLK);
    CHECK_CONTAINS(capture_end(), "deadlock: ");
    CHECK(green_event_send(event, NULL), ==, 0);
    CHECK(joined(thread) == NULL);
    green_event_free(event);
    end();
}

static void *try_other(void *argument) {
    struct couple *couple = argument;
    couple->errors[0] = lib->timedjoin(couple->other, NULL, &(struct timespec){1, 0});
    CHECK(lib->usleep(5000), ==, 0);
    return NULL;
}

TEST(no_deadlock, "a thread that has given up joining oneself can be joined") {
    begin();
    struct couple couple;
    couple.one = create(try_other, &couple);
    couple.other = create(join_one, &couple);
    let_run();
    CHECK(joined(couple.other) == NULL);
    CHECK(couple.errors[0], ==, ETIMEDOUT);
    CHECK(couple.errors[1], ==, 0);
    end();
}

struct late {
    pthread_t thread;
    int error;
};

static void join_in_link(green_thread *thread, void *argument) {
    struct late *late = argument;
    (void)thread;
    late->error = lib->join(late->thread, NULL);
}

TEST(in_link, "in a link, which cannot wait, joining a thread of the same OS thread is EDEADLK") {
    begin();
    int zero = 0;
    struct late late = {.thread = create(sleep_a_little, NULL)};
    green_thread *thread = start(give, &zero);
    CHECK(green_thread_link(thread, NULL, join_in_link, &late), ==, 0);
    CHECK(finish(thread), ==, 0);
    CHECK(late.error, ==, EDEADLK);
    joined(late.thread);
    end();
}

static void *join_given(void *thread) {
    CHECK(lib->join(*(pthread_t *)thread, NULL), ==, 0);
    return NULL;
}

TEST(refused_joins, "a thread that is being joined, is detached, or is not of pthread_create cannot be joined") {
    begin();
    pthread_t thread = create(sleep_a_little, NULL), joiner = create(join_given, &thread);
    let_run();
    CHECK(lib->join(thread, NULL), ==, EINVAL);
    CHECK(lib->detach(thread), ==, EINVAL);
    joined(joiner);
    thread = create(sleep_a_little, NULL);
    CHECK(lib->detach(thread), ==, 0);
    CHECK(lib->detach(thread), ==, EINVAL);
    CHECK(lib->join(thread, NULL), ==, EINVAL);
    CHECK(lib->usleep(20000), ==, 0);
    end();
}

static int identify(void *id) {
    *(pthread_t *)id = lib->self();
    return green_sleep(GREEN_MILLISECOND);
}

TEST(spawned, "a green thread spawned by the program is not joinable") {
    begin();
    pthread_t id;
    green_thread *thread = start(identify, &id);
    let_run();
    CHECK(lib->join(id, NULL), ==, EINVAL);
    CHECK(lib->tryjoin(id, NULL), ==, EINVAL);
    CHECK(lib->detach(id), ==, EINVAL);
    CHECK(finish(thread), ==, 0);
    end();
}

TEST(tries, "a tryjoin does not wait, and a timed join waits until its deadline") {
    begin();
    struct timespec past = {1, 0}, bad = {0, -1}, soon;
    void *result;
    pthread_t thread = create(sleep_a_little, &past);
    CHECK(lib->tryjoin(thread, &result), ==, EBUSY);
    CHECK(lib->timedjoin(thread, &result, &past), ==, ETIMEDOUT);
    CHECK(lib->clockjoin(thread, &result, CLOCK_MONOTONIC, &past), ==, ETIMEDOUT);
    CHECK(lib->clockjoin(thread, &result, CLOCK_MONOTONIC, &bad), ==, EINVAL);
    CHECK(lib->clockjoin(thread, &result, CLOCK_PROCESS_CPUTIME_ID, &past), ==, EINVAL);
    clock_gettime(CLOCK_MONOTONIC, &soon);
    soon.tv_sec += 60;
    CHECK(lib->clockjoin(thread, &result, CLOCK_MONOTONIC, &soon), ==, 0);
    CHECK(result == &past);
    CHECK(lib->timedjoin(create(sleep_a_little, NULL), &result, NULL), ==, 0);
    thread = create(give_back, &soon);
    let_run();
    CHECK(lib->tryjoin(thread, &result), ==, 0);
    CHECK(result == &soon);
    end();
}

static int join_long(void *thread) {
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    time.tv_sec += 3600;
    return -lib->timedjoin(*(pthread_t *)thread, NULL, &time);
}

TEST(killed_joins, "a kill ends a timed join, and the thread can still be joined") {
    begin();
    bool going = true;
    pthread_t thread = create(count_while, &going);
    green_thread *joiner = start(join_long, &thread);
    let_run();
    CHECK(kill_and_finish(joiner), ==, -ETIMEDOUT);
    going = false;
    CHECK(joined(thread) != NULL);
    end();
}

struct patient {
    pthread_t thread;
    int joined, slept;
};

static int join_and_sleep(void *argument) {
    struct patient *patient = argument;
    patient->joined = lib->join(patient->thread, NULL);
    patient->slept = lib->usleep(1) < 0 ? errno : 0;
    return 0;
}

TEST(deadline, "a kill does not end a join without a deadline, but the next call that waits") {
    begin();
    bool going = true;
    struct patient patient = {.thread = create(count_while, &going)};
    green_thread *joiner = start(join_and_sleep, &patient);
    let_run();
    CHECK(green_thread_kill(joiner), ==, 0);
    CHECK(lib->usleep(5000), ==, 0);
    CHECK(!green_thread_is_finished(joiner));
    capture_begin();
    CHECK(green_dump(STDERR_FILENO), ==, 0);
    CHECK_CONTAINS(capture_end(), "in a patched call, waiting for the end of a thread");
    going = false;
    CHECK(finish(joiner), ==, 0);
    CHECK(patient.joined, ==, 0);
    CHECK(patient.slept, ==, ECANCELED);
    end();
}

/* On other OS threads ---------------------------------------------------------------- */

static void *join_plainly(void *thread) {
    CHECK((intptr_t)joined(*(pthread_t *)thread), ==, 77);
    return NULL;
}

static void *join_with_hub(void *thread) {
    CHECK(green_sleep(1), ==, 0);
    CHECK((intptr_t)joined(*(pthread_t *)thread), ==, 77);
    CHECK(green_hub_close(), ==, 0);
    return NULL;
}

static void *time_out_join(void *thread) {
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    CHECK(lib->timedjoin(*(pthread_t *)thread, NULL, &time), ==, ETIMEDOUT);
    CHECK(lib->timedjoin(*(pthread_t *)thread, NULL, &(struct timespec){-1, 0}), ==, ETIMEDOUT);
    clock_gettime(CLOCK_MONOTONIC, &time);
    CHECK(lib->clockjoin(*(pthread_t *)thread, NULL, CLOCK_MONOTONIC, &time), ==, ETIMEDOUT);
    return NULL;
}

static void *join_in_time(void *thread) {
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    time.tv_sec += 3600;
    CHECK(lib->timedjoin(*(pthread_t *)thread, NULL, &time), ==, 0);
    return NULL;
}

TEST(elsewhere, "other OS threads join a green thread, with a hub and without") {
    begin();
    void *(*const ways[])(void *) = {join_plainly, join_with_hub};
    pthread_t thread;
    for (int i = 0; i < 2; i++) {
        thread = create(sleep_a_little, (void *)77);
        on_os_thread(ways[i], &thread);
        thread = create(give_back, (void *)77);
        let_run();
        on_os_thread(ways[i], &thread);
    }
    bool going = true;
    thread = create(count_while, &going);
    on_os_thread(time_out_join, &thread);
    going = false;
    on_os_thread(join_in_time, &thread);
    end();
}

/* In a forked child ----------------------------------------------------------------- */

static pthread_t of_parent;

static void *join_of_parent(void *unused) {
    CHECK(lib->join(of_parent, NULL), ==, ESRCH);
    CHECK(lib->detach(of_parent), ==, ESRCH);
    end(); /* the parent's threads do not prevent it */
    return unused;
}

static void *fork_and_join(void *unused) {
    (void)unused;
    pid_t child = fork();
    if (child == 0)
        join_of_parent(NULL);
    return (void *)(intptr_t)child;
}

TEST(parents, "a forked child cannot join its parent's threads") {
    begin();
    of_parent = create(sleep_a_little, NULL);
    pid_t pid = (pid_t)(intptr_t)joined(create(fork_and_join, NULL));
    int status;
    CHECK(waitpid(pid, &status, 0), ==, pid);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    joined(of_parent);
    end();
}
