#include "offload.h"

#include "../base/lock.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum { THREADS_MAX = 16, IDLE_SECONDS = 10, STACK_SIZE = 256 * 1024 };

static void forget_threads(void);

static struct {
    green_lock lock;
    pthread_cond_t work;
    green_job *first, **last;
    unsigned threads, idle;
    green_job *forsaken; /* the jobs that a forked child has seen of its parent's */
} pool = {
    .lock = GREEN_LOCK_INITIALIZER(forget_threads),
    .work = PTHREAD_COND_INITIALIZER,
    .last = &pool.first,
};

/* A forked child has none of them; what they were to do is the parent's. */
static void forget_threads(void) {
    pool.work = (pthread_cond_t)PTHREAD_COND_INITIALIZER;
    pool.forsaken = pool.first;
    pool.first = NULL;
    pool.last = &pool.first;
    pool.threads = pool.idle = 0;
}

void green__offload_release(green_job *job) {
    if (__atomic_sub_fetch(&job->owners, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    if (job->done >= 0)
        close(job->done);
    job->release(job);
}

/* The next job; NULL after a while without any. Called with the lock held. */
static green_job *next_job(void) {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += IDLE_SECONDS;
    pool.idle++;
    while (!pool.first && pthread_cond_timedwait(&pool.work, &pool.lock.mutex, &until) == 0)
        ;
    pool.idle--;
    green_job *job = pool.first;
    if (job && !(pool.first = job->next))
        pool.last = &pool.first;
    return job;
}

static void *work(void *unused) {
    green__lock(&pool.lock);
    for (green_job *job; (job = next_job());) {
        green__unlock(&pool.lock);
        job->run(job);
        __atomic_store_n(&job->ended, true, __ATOMIC_RELEASE);
        /* An eventfd takes a 1 unless it is near 2^64. */
        ssize_t written = write(job->done, &(uint64_t){1}, sizeof(uint64_t));
        GREEN_INVARIANT(written == sizeof(uint64_t), "an eventfd can be written");
        green__offload_release(job);
        green__lock(&pool.lock);
    }
    pool.threads--;
    green__unlock(&pool.lock);
    return unused;
}

/* Signals are for the program's own threads. Called with the lock held. */
static int add_thread(void) {
    sigset_t all, before;
    pthread_attr_t attributes;
    pthread_t thread;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, STACK_SIZE);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&thread, &attributes, work, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    pool.threads += error == 0;
    return -error;
}

/* Queues the job, and sees to it that there is somebody to run it. */
static int enqueue(green_job *job) {
    int error = green__lock_enroll(&pool.lock);
    if (error < 0)
        return error;
    green__lock(&pool.lock);
    if (pool.idle == 0 && pool.threads < THREADS_MAX)
        error = add_thread();
    if (pool.threads > 0) {
        error = 0;
        job->next = NULL;
        *pool.last = job;
        pool.last = &job->next;
        pthread_cond_signal(&pool.work);
    }
    green__unlock(&pool.lock);
    return error;
}

static void describe(const green_wait *wait, char *text, size_t size) {
    (void)wait;
    snprintf(text, size, "waiting for a native thread");
}

static const green_wait_kind offloading = {green__io_cancel, describe};

int green__offload(green_hub *hub, green_job *job, int64_t timeout) {
    job->owners = 1;
    job->done = eventfd(0, EFD_CLOEXEC);
    if (job->done < 0)
        return green__fail(-errno, "offloading a call: its eventfd");
    int error = green__begin(hub, timeout);
    if (error < 0)
        return error;
    job->owners = 2;
    error = enqueue(job);
    if (error < 0) {
        job->owners = 1;
        return green__fail(error, "offloading a call: no native thread can be started");
    }
    uint64_t count;
    green_io io;
    green__io_init(hub, &io, &offloading, GREEN_OP_READ, job->done);
    io.op.address = &count;
    io.op.length = sizeof count;
    error = green__io_run(hub, &io, timeout);
    if (error < 0)
        return green__is_explained(error) ? error : green__fail(error, "waiting for a native thread");
    GREEN_INVARIANT(__atomic_load_n(&job->ended, __ATOMIC_ACQUIRE), "a job that woke its thread has ended");
    return 0;
}
