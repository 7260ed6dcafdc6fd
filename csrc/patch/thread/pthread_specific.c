/* Values of pthread keys, of which each green thread has its own. */
#include "pthread.h"

#include <limits.h>
#include <stdlib.h>

/* The number is odd while there is a key that a patched call has made. Even, it has
 * been deleted, or was made by a call that was not patched, which only the C library
 * knows. No value of one that had the same place is taken for the new one's. */
static struct key {
    uintptr_t number;             /* atomic */
    void (*destroy)(void *value); /* atomic */
} keys[PTHREAD_KEYS_MAX];

struct value {
    uintptr_t number; /* of its key, when it was set */
    void *value;
};

struct green_pthread_specific {
    green_exit_observer exit_observer;
    size_t count;
    struct value *values; /* by key */
};

static uintptr_t number_of(pthread_key_t key) {
    return __atomic_load_n(&keys[key].number, __ATOMIC_ACQUIRE);
}

static bool is_known(uintptr_t number) {
    return number % 2 == 1;
}

/* As the C library says when it is given what it has. */
static bool exists(pthread_key_t key) {
    return green__real.pthread_setspecific(key, green__real.pthread_getspecific(key)) == 0;
}

int green__green_pthread_key_create(pthread_key_t *key, void (*destroy)(void *value)) {
    int error = green__real.pthread_key_create(key, destroy);
    if (error != 0)
        return error;
    __atomic_store_n(&keys[*key].destroy, destroy, __ATOMIC_RELAXED);
    __atomic_store_n(&keys[*key].number, (number_of(*key) + 2) | 1, __ATOMIC_RELEASE);
    return 0;
}

static void forget(pthread_key_t key) {
    __atomic_store_n(&keys[key].number, (number_of(key) | 1) + 1, __ATOMIC_RELEASE);
    __atomic_store_n(&keys[key].destroy, NULL, __ATOMIC_RELAXED);
}

/* Green's part comes first: from the C library's on, the place may be another key's. */
int green__green_pthread_key_delete(pthread_key_t key) {
    if (key < PTHREAD_KEYS_MAX)
        forget(key);
    return green__real.pthread_key_delete(key);
}

void green__pthread_specific_forget_keys(void) {
    for (pthread_key_t key = 0; key < PTHREAD_KEYS_MAX; key++)
        if (is_known(number_of(key)))
            forget(key);
}

void *green__green_pthread_getspecific(pthread_key_t key) {
    const green_hub *hub = green__hub;
    if (!hub || !hub->current->stack)
        return green__real.pthread_getspecific(key);
    const struct green_pthread_specific *specific = hub->current->specific;
    if (!specific || key >= specific->count)
        return NULL;
    const struct value *value = &specific->values[key];
    return value->number == number_of(key) ? value->value : NULL;
}

/* Setting -------------------------------------------------------------------- */

static void has_ended(green_exit_observer *exit_observer, green_thread *thread) {
    (void)exit_observer;
    green__pthread_specific_end(thread);
}

static struct green_pthread_specific *make(green_thread *thread) {
    struct green_pthread_specific *specific = calloc(1, sizeof *specific);
    if (!specific)
        return NULL;
    specific->exit_observer.ended = has_ended;
    green__exit_observer_add(thread, &specific->exit_observer);
    return thread->specific = specific;
}

static bool make_room(struct green_pthread_specific *specific, pthread_key_t key) {
    if (key < specific->count)
        return true;
    size_t count = specific->count ? specific->count : 8;
    while (count <= key)
        count *= 2;
    struct value *larger = realloc(specific->values, count * sizeof *larger);
    if (!larger)
        return false;
    for (size_t i = specific->count; i < count; i++)
        larger[i] = (struct value){0};
    specific->values = larger;
    specific->count = count;
    return true;
}

int green__green_pthread_setspecific(pthread_key_t key, const void *value) {
    green_thread *thread = green__patch_current_thread();
    if (!thread)
        return green__real.pthread_setspecific(key, value);
    if (key >= PTHREAD_KEYS_MAX || !(is_known(number_of(key)) || exists(key)))
        return EINVAL;
    struct green_pthread_specific *specific = thread->specific ? thread->specific : make(thread);
    if (!specific || !make_room(specific, key))
        return ENOMEM;
    specific->values[key] = (struct value){number_of(key), (void *)value};
    return 0;
}

/* Ending --------------------------------------------------------------------- */

/* Returns whether a destructor was called, which may have set values again. It may
 * park, too, where the thread may. */
static bool destroy_all(struct green_pthread_specific *specific) {
    bool any = false;
    for (pthread_key_t key = 0; key < specific->count; key++) {
        struct value taken = specific->values[key];
        specific->values[key].value = NULL;
        void (*destroy)(void *) = __atomic_load_n(&keys[key].destroy, __ATOMIC_RELAXED);
        if (!taken.value || taken.number != number_of(key) || !destroy)
            continue;
        destroy(taken.value);
        any = true;
    }
    return any;
}

void green__pthread_specific_end(green_thread *thread) {
    struct green_pthread_specific *specific = thread->specific;
    if (!specific)
        return;
    for (int round = 0; round < PTHREAD_DESTRUCTOR_ITERATIONS; round++)
        if (!destroy_all(specific))
            break;
    thread->specific = NULL;
    green__exit_observer_remove(&specific->exit_observer);
    free(specific->values);
    free(specific);
}
