#include "switch_state.h"

#include "hub.h"

#include <dlfcn.h>
#include <limits.h>
#include <link.h>
#include <string.h>

typedef green_cxx_exceptions *get_globals(void);

/* Defined if the program is linked with a C++ runtime, dynamically or statically. */
extern green_cxx_exceptions *__cxa_get_globals(void) __attribute__((weak));

static const char *const libraries[] = {"libstdc++.so.6", "libc++abi.so.1", "libc++.so.1"};

static const green_cxx_exceptions never = {0}, always = {.uncaught = 1};

uintptr_t green__switch_hooks_version;
static const green_switch_hooks *foreign; /* atomic */

static const green_switch_hooks *foreign_state(void) {
    return __atomic_load_n(&foreign, __ATOMIC_ACQUIRE);
}

/* Finding ------------------------------------------------------------------- */

static void add(green_switch_state *switch_state, get_globals *get) {
    green_cxx_exceptions *globals = get ? get() : NULL;
    if (!globals)
        return;
    for (size_t i = 0; i < switch_state->count; i++)
        if (switch_state->runtimes[i] == globals)
            return;
    if (switch_state->count < GREEN_CXX_RUNTIMES_MAX)
        switch_state->runtimes[switch_state->count++] = globals;
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

void green__switch_state_scan(green_hub *hub) {
    green_switch_state *switch_state = &hub->switch_state;
    switch_state->loaded = objects_loaded();
    switch_state->changes = __atomic_load_n(&green__switch_hooks_version, __ATOMIC_RELAXED);
    add(switch_state, __cxa_get_globals);
    add(switch_state, find(RTLD_DEFAULT));
    for (size_t i = 0; i < sizeof libraries / sizeof *libraries; i++) {
        /* The handle stays open, so the record stays at its address. */
        void *library = loaded_library(libraries[i]);
        if (library)
            add(switch_state, find(library));
    }
    switch_state->watched = &never;
    if (switch_state->count > 1 || switch_state->checks_stacks || foreign_state())
        switch_state->watched = &always;
    else if (switch_state->count == 1)
        switch_state->watched = switch_state->runtimes[0];
    switch_state->generation = green__dtv_generation(); /* the search may have changed it */
}

void green__switch_state_rescan(green_hub *hub) {
    if (objects_loaded() != hub->switch_state.loaded)
        green__switch_state_scan(hub);
}

void green__switch_state_check_stacks(green_hub *hub) {
    hub->switch_state.checks_stacks = true;
    hub->switch_state.watched = &always;
}

void green__switch_hooks_set(const green_switch_hooks *state) {
    __atomic_store_n(&foreign, state, __ATOMIC_RELEASE);
    __atomic_fetch_add(&green__switch_hooks_version, 1, __ATOMIC_RELAXED);
    if (green__hub)
        green__switch_state_scan(green__hub);
}

/* Exchanging ---------------------------------------------------------------- */

void green__switch_saving_state(green_hub *hub, green_thread *from, green_thread *to) {
    green_switch_state *switch_state = &hub->switch_state;
    if (switch_state->generation != green__dtv_generation())
        green__switch_state_scan(hub);
    if (switch_state->checks_stacks)
        green__stack_overflow_check(from);
    green_cxx_exceptions saved[GREEN_CXX_RUNTIMES_MAX];
    size_t count = switch_state->count; /* the count may grow before the thread returns */
    const green_switch_hooks *state = foreign_state();
    int error_number = *hub->error_number;
    for (size_t i = 0; i < count; i++) {
        saved[i] = *switch_state->runtimes[i];
        *switch_state->runtimes[i] = never;
    }
    void *taken = state ? state->take() : NULL;
    *hub->error_number = error_number;
    green__switch_plain(hub, from, to);
    for (size_t i = 0; i < count; i++)
        *switch_state->runtimes[i] = saved[i];
    if (taken) {
        state->restore(taken);
        *hub->error_number = error_number;
    }
}

void green__switch_state_clear(green_hub *hub) {
    const green_switch_hooks *state = foreign_state();
    if (hub->switch_state.generation != green__dtv_generation())
        green__switch_state_scan(hub);
    for (size_t i = 0; i < hub->switch_state.count; i++)
        *hub->switch_state.runtimes[i] = never;
    if (state)
        state->clear();
}
