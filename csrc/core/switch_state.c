#include "switch_state.h"

#include "hub.h"

#include <dlfcn.h>
#include <limits.h>
#include <link.h>
#include <string.h>

typedef green_exceptions *get_globals(void);

/* Defined if the program is linked with a C++ runtime, dynamically or statically. */
extern green_exceptions *__cxa_get_globals(void) __attribute__((weak));

static const char *const libraries[] = {"libstdc++.so.6", "libc++abi.so.1", "libc++.so.1"};

static const green_exceptions never = {0}, always = {.uncaught = 1};

uintptr_t green__exchange_changes;
static const green_foreign_state *foreign; /* atomic */

static const green_foreign_state *foreign_state(void) {
    return __atomic_load_n(&foreign, __ATOMIC_ACQUIRE);
}

/* Finding ------------------------------------------------------------------- */

static void add(green_exchange *exchange, get_globals *get) {
    green_exceptions *globals = get ? get() : NULL;
    if (!globals)
        return;
    for (size_t i = 0; i < exchange->count; i++)
        if (exchange->runtimes[i] == globals)
            return;
    if (exchange->count < GREEN_CXX_RUNTIMES_MAX)
        exchange->runtimes[exchange->count++] = globals;
}

/* dlsym() returns a function here. */
static get_globals *find(void *library) {
    get_globals *get;
    *(void **)&get = dlsym(library, "__cxa_get_globals");
    return get;
}

struct search {
    const char *name;
    char path[PATH_MAX];
};

static int match(struct dl_phdr_info *info, size_t size, void *argument) {
    struct search *search = argument;
    const char *slash = strrchr(info->dlpi_name, '/');
    (void)size;
    if (!slash || strcmp(slash + 1, search->name) != 0 || strlen(info->dlpi_name) >= sizeof search->path)
        return 0;
    strcpy(search->path, info->dlpi_name);
    return 1;
}

/* A handle of the library if it is loaded, or NULL. With the path of a loaded library,
 * dlopen() opens no file. With a bare name, it searches the file system, and its
 * descriptors take numbers that the program may expect for its own. */
static void *loaded_library(const char *name) {
    struct search search;
    search.name = name;
    return dl_iterate_phdr(match, &search) ? dlopen(search.path, RTLD_LAZY | RTLD_NOLOAD) : NULL;
}

static int read_loaded(struct dl_phdr_info *info, size_t size, void *loaded) {
    (void)size;
    *(unsigned long long *)loaded = info->dlpi_adds;
    return 1; /* the counter is the same for every object */
}

static unsigned long long objects_loaded(void) {
    unsigned long long loaded = 0;
    dl_iterate_phdr(read_loaded, &loaded);
    return loaded;
}

void green__exchange_look(green_hub *hub) {
    green_exchange *exchange = &hub->exchange;
    exchange->loaded = objects_loaded();
    exchange->changes = __atomic_load_n(&green__exchange_changes, __ATOMIC_RELAXED);
    add(exchange, __cxa_get_globals);
    add(exchange, find(RTLD_DEFAULT));
    for (size_t i = 0; i < sizeof libraries / sizeof *libraries; i++) {
        /* The handle stays open, so the record stays at its address. */
        void *library = loaded_library(libraries[i]);
        if (library)
            add(exchange, find(library));
    }
    exchange->watched = &never;
    if (exchange->count > 1 || exchange->checks_stacks || foreign_state())
        exchange->watched = &always;
    else if (exchange->count == 1)
        exchange->watched = exchange->runtimes[0];
    exchange->generation = green__exchange_generation(); /* the search may have changed it */
}

void green__exchange_look_again(green_hub *hub) {
    if (objects_loaded() != hub->exchange.loaded)
        green__exchange_look(hub);
}

void green__exchange_check_stacks(green_hub *hub) {
    hub->exchange.checks_stacks = true;
    hub->exchange.watched = &always;
}

void green__exchange_foreign(const green_foreign_state *state) {
    __atomic_store_n(&foreign, state, __ATOMIC_RELEASE);
    __atomic_fetch_add(&green__exchange_changes, 1, __ATOMIC_RELAXED);
    if (green__hub)
        green__exchange_look(green__hub);
}

/* Exchanging ---------------------------------------------------------------- */

void green__switch_exchanging(green_hub *hub, green_thread *from, green_thread *to) {
    green_exchange *exchange = &hub->exchange;
    if (exchange->generation != green__exchange_generation())
        green__exchange_look(hub);
    if (exchange->checks_stacks)
        green__overflow_check(from);
    green_exceptions saved[GREEN_CXX_RUNTIMES_MAX];
    size_t count = exchange->count; /* the count may grow before the thread returns */
    const green_foreign_state *state = foreign_state();
    int error_number = *hub->error_number;
    for (size_t i = 0; i < count; i++) {
        saved[i] = *exchange->runtimes[i];
        *exchange->runtimes[i] = never;
    }
    void *taken = state ? state->take() : NULL;
    *hub->error_number = error_number;
    green__switch_bare(hub, from, to);
    for (size_t i = 0; i < count; i++)
        *exchange->runtimes[i] = saved[i];
    if (taken) {
        state->put_back(taken);
        *hub->error_number = error_number;
    }
}

void green__exchange_drop(green_hub *hub) {
    const green_foreign_state *state = foreign_state();
    if (hub->exchange.generation != green__exchange_generation())
        green__exchange_look(hub);
    for (size_t i = 0; i < hub->exchange.count; i++)
        *hub->exchange.runtimes[i] = never;
    if (state)
        state->clear();
}
