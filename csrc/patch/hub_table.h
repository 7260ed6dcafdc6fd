/* A hash table of records that belong to green threads of one hub, such as the waits for
 * a descriptor. Each OS thread has its own.
 *
 * After a fork, the child's copy still has records of the parent's green threads. So a
 * table remembers its hub and is emptied when another hub uses it. */
#ifndef GREEN_PATCH_HUB_TABLE_H
#define GREEN_PATCH_HUB_TABLE_H

#include "../core/hub_record.h"

/* Part of a record. */
typedef struct green_hub_table_entry {
    struct green_hub_table_entry *next, **place;
} green_hub_table_entry;

enum { GREEN_HUB_TABLE_BUCKETS = 64 };

/* Zero at first. Declare it _Thread_local, but not initial-exec: there may be little
 * static TLS space left. */
typedef struct green_hub_table {
    const green_hub *hub;
    green_hub_table_entry *buckets[GREEN_HUB_TABLE_BUCKETS];
} green_hub_table;

static inline bool green__hub_table_is_stale(const green_hub_table *table, const green_hub *hub) {
    return GREEN_UNLIKELY(table->hub != hub);
}

/* The bucket of a number. Empties a table of another hub. */
static inline green_hub_table_entry **green__hub_table_bucket(green_hub_table *table, const green_hub *hub,
                                                              size_t number) {
    if (green__hub_table_is_stale(table, hub))
        *table = (green_hub_table){.hub = hub};
    return &table->buckets[number % GREEN_HUB_TABLE_BUCKETS];
}

static inline void green__hub_table_add(green_hub_table_entry **bucket, green_hub_table_entry *entry) {
    entry->place = bucket;
    entry->next = *bucket;
    if (entry->next)
        entry->next->place = &entry->next;
    *bucket = entry;
}

static inline void green__hub_table_remove(green_hub_table_entry *entry) {
    *entry->place = entry->next;
    if (entry->next)
        entry->next->place = entry->place;
}

#endif
