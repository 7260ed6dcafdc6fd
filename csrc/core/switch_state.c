#include "switch_state.h"

#include "../base/loaded_objects.h"

#include <dlfcn.h>
#include <limits.h>
#include <string.h>

typedef green_cxx_exceptions *get_globals(void);

/* Defined if the program is linked with a C++ runtime, dynamically or statically. */
extern green_cxx_exceptions *__cxa_get_globals(void) __attribute__((weak));

static const char *const libraries[] = {"libstdc++.so.6", "libc++abi.so.1", "libc++.so.1"};

static const green_cxx_exceptions never = {0}, always = {.uncaught = 1};

uintptr_t green__switch_hooks_version;
static const green_switch_hooks *current_hooks; /* atomic */

static const green_switch_hooks *hooks(void) {
    return __atomic_load_n(&current_hooks, __ATOMIC_ACQUIRE);
}

/* Finding ------------------------------------------------------------------- */

static void add(green_switch_state *state, get_globals *get) {
    green_cxx_exceptions *globals = get ? get() : NULL;
    if (!globals)
        return;
    for (size_t i = 0; i < state->count; i++)
        if (state->runtimes[i] == globals)
            return;
    if (state->count < GREEN_CXX_RUNTIMES_MAX)
        state->runtimes[state->count++] = globals;
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
    return green__loaded_objects_each(match, &search) ? dlopen(search.path, RTLD_LAZY | RTLD_NOLOAD) : NULL;
}

static int read_loaded(struct dl_phdr_info *info, size_t size, void *loaded) {
    (void)size;
    *(unsigned long long *)loaded = info->dlpi_adds;
    return 1; /* the counter is the same for every object */
}

static unsigned long long objects_loaded(void) {
    unsigned long long loaded = 0;
    green__loaded_objects_each(read_loaded, &loaded);
    return loaded;
}

void green__switch_state_scan(green_switch_state *state) {
    state->loaded = objects_loaded();
    state->hooks_version = __atomic_load_n(&green__switch_hooks_version, __ATOMIC_RELAXED);
    add(state, __cxa_get_globals);
    add(state, find(RTLD_DEFAULT));
    for (size_t i = 0; i < sizeof libraries / sizeof *libraries; i++) {
        /* The handle stays open, so the record stays at its address. */
        void *library = loaded_library(libraries[i]);
        if (library)
            add(state, find(library));
    }
    state->watched = &never;
    if (state->count > 1 || state->checks_stacks || hooks())
        state->watched = &always;
    else if (state->count == 1)
        state->watched = state->runtimes[0];
    state->generation = green__dtv_generation(); /* the scan may have changed it */
}

void green__switch_state_rescan(green_switch_state *state) {
    if (objects_loaded() != state->loaded)
        green__switch_state_scan(state);
}

void green__switch_state_check_stacks(green_switch_state *state) {
    state->checks_stacks = true;
    state->watched = &always;
}

void green__switch_hooks_set(const green_switch_hooks *set, green_switch_state *mine) {
    __atomic_store_n(&current_hooks, set, __ATOMIC_RELEASE);
    __atomic_fetch_add(&green__switch_hooks_version, 1, __ATOMIC_RELAXED);
    if (mine)
        green__switch_state_scan(mine);
}

/* Saving -------------------------------------------------------------------- */

void green__switch_state_save(green_switch_state *state, green_saved_state *saved) {
    if (state->generation != green__dtv_generation())
        green__switch_state_scan(state);
    saved->task = green__task_state_take(&state->task_words);
    saved->count = state->count;
    for (size_t i = 0; i < saved->count; i++) {
        saved->exceptions[i] = *state->runtimes[i];
        *state->runtimes[i] = never;
    }
    saved->hooks = hooks();
    saved->taken = saved->hooks ? saved->hooks->take() : NULL;
}

void green__switch_state_restore(const green_switch_state *state, green_saved_state *saved) {
    green__task_state_restore(&state->task_words, &saved->task);
    for (size_t i = 0; i < saved->count; i++)
        *state->runtimes[i] = saved->exceptions[i];
    if (saved->taken)
        saved->hooks->restore(saved->taken);
}

void green__switch_state_clear(green_switch_state *state) {
    const green_switch_hooks *own = hooks();
    (void)green__task_state_take(&state->task_words);
    if (state->generation != green__dtv_generation())
        green__switch_state_scan(state);
    for (size_t i = 0; i < state->count; i++)
        *state->runtimes[i] = never;
    if (own)
        own->clear();
}
