#include "local.h"

#include "hub.h"

#include <green/local.h>

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

/* Its creator and every value hold a reference, so that a value can be destroyed after the
 * key was freed. OS threads share keys. */
struct green_local {
    atomic_uint references;
    void *(*copy)(void *value); /* NULL: values are not inherited */
    void (*destroy)(void *value);
};

typedef struct green_local_values {
    struct green_local_values *next;
    green_local *key;
    void *value;
} green_local_values;

static int make(green_local **key, void *(*copy)(void *value), void (*destroy)(void *value)) {
    green_local *local = malloc(sizeof *local);
    if (!local)
        return green__fail(-ENOMEM, "cannot make a key of thread-locals");
    atomic_init(&local->references, 1);
    local->copy = copy;
    local->destroy = destroy;
    *key = local;
    return 0;
}

int green_local_make(green_local **key, void (*destroy)(void *value)) {
    return make(key, NULL, destroy);
}

int green_local_make_inherited(green_local **key, void *(*copy)(void *value), void (*destroy)(void *value)) {
    return make(key, copy, destroy);
}

void green_local_free(green_local *key) {
    if (key && atomic_fetch_sub_explicit(&key->references, 1, memory_order_acq_rel) == 1)
        free(key);
}

static green_local_values **place_of(green_thread *thread, const green_local *key) {
    green_local_values **place = &thread->locals;
    while (*place && (*place)->key != key)
        place = &(*place)->next;
    return place;
}

static void drop(green_local_values *entry) {
    green_local *key = entry->key;
    void *value = entry->value;
    free(entry);
    if (value && key->destroy)
        key->destroy(value);
    green_local_free(key);
}

void *green_local_get(green_local *key) {
    green_thread *thread = green_current();
    green_local_values *entry = thread ? *place_of(thread, key) : NULL;
    return entry ? entry->value : NULL;
}

static int add(green_thread *thread, green_local *key, void *value) {
    green_local_values *entry = malloc(sizeof *entry);
    if (!entry)
        return green__fail(-ENOMEM, "cannot set a thread-local");
    atomic_fetch_add_explicit(&key->references, 1, memory_order_relaxed);
    *entry = (green_local_values){.next = thread->locals, .key = key, .value = value};
    thread->locals = entry;
    return 0;
}

int green_local_set(green_local *key, void *value) {
    int error = 0;
    green_hub *hub = green__hub_here(&error);
    if (!hub)
        return error;
    green_local_values **place = place_of(hub->current, key), *entry = *place;
    if (entry && !value) {
        *place = entry->next;
        drop(entry);
    } else if (entry) {
        void *old = entry->value;
        entry->value = value;
        if (old && old != value && key->destroy)
            key->destroy(old);
    } else if (value) {
        return add(hub->current, key, value);
    }
    return 0;
}

int green__locals_inherit(green_thread *thread, const green_thread *spawner) {
    const green_local_values *next;
    for (const green_local_values *entry = spawner->locals; entry; entry = next) {
        next = entry->next; /* copy() may remove the value that it copies */
        void *value = entry->key->copy ? entry->key->copy(entry->value) : NULL;
        if (!value || add(thread, entry->key, value) == 0)
            continue;
        if (entry->key->destroy)
            entry->key->destroy(value);
        return -ENOMEM;
    }
    return 0;
}

void green__locals_destroy(green_thread *thread) {
    /* A destructor may set another value, so each step reads the list again. */
    for (green_local_values *entry; (entry = thread->locals);) {
        thread->locals = entry->next;
        drop(entry);
    }
}
