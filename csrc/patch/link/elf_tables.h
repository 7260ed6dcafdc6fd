/* The tables of an object: its symbols, strings and relocations. */
#ifndef GREEN_PATCH_LINK_ELF_TABLES_H
#define GREEN_PATCH_LINK_ELF_TABLES_H

#include "elf.h"
#include "memory_map.h"

/* Reads and checks the tables of a listed object. The map must be newer than the list. If a
 * table is damaged, sets object->damage. */
void green__object_read(green_object *object, const green_memory_map *map);

/* Whether a slot is in the object's memory and can be read and written atomically. */
bool green__object_has_slot(const green_object *object, const green_memory_map *map, void *const *slot);

#endif
