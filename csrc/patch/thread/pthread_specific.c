/* Each green thread has its own values of pthread keys. */
#include "pthread_specific.h"

#include "../../core/exit_observer.h"
#include "../may_park.h"

#include <limits.h>
#include <stdlib.h>

/* The generation of a key is odd while the key exists and was created by a patched call. It is
 * even if the key was deleted, or created by a call that was not patched, so that only the C
 * library knows it. It distinguishes the values of a key from those of an earlier key with
 * the same index. */
static struct key {
    uintptr_t generation;         /* atomic */
    void (*destroy)(void *value); /* atomic */
} keys[PTHREAD_KEYS_MAX];

struct value {
    uintptr_t generation; /* of the key when the value was set */
    void *value;
};

struct green_pthread_specific {
    green_exit_observer exit_observer;
    size_t count;
    struct value *values; /* by key */
};

static uintptr_t generation_of(pthread_key_t key) {
    return __atomic_load_n(&keys[key].generation, __ATOMIC_ACQUIRE);
}

static bool is_known(uintptr_t generation) {
    return generation % 2 == 1;
}

/* Whether the C library knows the key: it accepts the value that it has. */
static bool exists(pthread_key_t key) {
    return green__real.pthread_setspecific(key, green__real.pthread_getspecific(key)) == 0;
}

int green__green_pthread_key_create(pthread_key_t *key, void (*destroy)(void *value)) {
    int error = green__real.pthread_key_create(key, destroy);
    if (error != 0)
        return error;
    __atomic_store_n(&keys[*key].destroy, destroy, __ATOMIC_RELAXED);
    __atomic_store_n(&keys[*key].generation, (generation_of(*key) + 2) | 1, __ATOMIC_RELEASE);
    return 0;
}

static void forget(pthread_key_t key) {
    __atomic_store_n(&keys[key].generation, (generation_of(key) | 1) + 1, __ATOMIC_RELEASE);
    __atomic_store_n(&keys[key].destroy, NULL, __ATOMIC_RELAXED);
}

/* Forgets the key first: once the C library has deleted it, its index may be reused. */
int green__green_pthread_key_delete(pthread_key_t key) {
    if (key < PTHREAD_KEYS_MAX)
        forget(key);
    return green__real.pthread_key_delete(key);
}

void green__pthread_specific_forget_keys(void) {
    for (pthread_key_t key = 0; key < PTHREAD_KEYS_MAX; key++)
        if (is_known(generation_of(key)))
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
    return value->generation == generation_of(key) ? value->value : NULL;
}

/* Setting ------------------------------------------------------------------ */

static void has_ended(green_exit_observer *exit_observer, green_thread *thread) {
    (void)exit_observer;
    green__pthread_specific_end(thread);
}

static struct green_pthread_specific *make(green_thread *thread) {
    struct green_pthread_specific *specific = calloc(1, sizeof *specific);
    if (!specific)
        return NULL;
    specific->exit_observer.exited = has_ended;
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
    if (key >= PTHREAD_KEYS_MAX || !(is_known(generation_of(key)) || exists(key)))
        return EINVAL;
    struct green_pthread_specific *specific = thread->specific ? thread->specific : make(thread);
    if (!specific || !make_room(specific, key))
        return ENOMEM;
    specific->values[key] = (struct value){generation_of(key), (void *)value};
    return 0;
}

/* Ending ------------------------------------------------------------------- */

/* Returns whether a destructor was called: it may have set values again. Destructors may park
 * if the thread may. */
static bool destroy_all(struct green_pthread_specific *specific) {
    bool any = false;
    for (pthread_key_t key = 0; key < specific->count; key++) {
        struct value taken = specific->values[key];
        specific->values[key].value = NULL;
        void (*destroy)(void *) = __atomic_load_n(&keys[key].destroy, __ATOMIC_RELAXED);
        if (!taken.value || taken.generation != generation_of(key) || !destroy)
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
