#include "openssl_errors.h"

#include "../../core/hub_record.h"
#include "../../core/switch_state.h"

#include <stdlib.h>
#include <string.h>

/* The functions of one libcrypto, which may differ from the one that Green uses. */
typedef struct green_openssl_error_queue {
    void *library;
    unsigned long (*peek)(void);
    unsigned long (*pop)(const char **file, int *line, const char **function, const char **data, int *flags);
    void (*clear)(void);
    void (*make)(void); /* starts an error; set() completes it */
    void (*set_place)(const char *file, int line, const char *function);
    void (*set)(int library, int reason, const char *format, ...);
} green_openssl_error_queue;

/* A saved error and its three texts. */
typedef struct green_openssl_error {
    struct green_openssl_error *next;
    const green_openssl_error_queue *queue;
    unsigned long code;
    int line;
    const char *file, *function, *data;
    char texts[];
} green_openssl_error;

enum {
    QUEUES_MAX = 2,
    TEXT_FLAG = 2, /* ERR_TXT_STRING: the data is a text */
    LIBRARY_SYSTEM = 2,
    LIBRARY_CRYPTO = 15,
    REASON_NO_MEMORY = 0xc0100, /* ERR_R_MALLOC_FAILURE */
};

static green_openssl_error_queue queues[QUEUES_MAX];
static size_t queue_count; /* atomic */

/* Saved if there is no memory for any of the thread's errors. */
static green_openssl_error lost;

/* Taking ------------------------------------------------------------------- */

static char *append(char *end, const char *text, const char **copy) {
    size_t size = strlen(text) + 1;
    *copy = memcpy(end, text, size);
    return end + size;
}

static green_openssl_error *pop(const green_openssl_error_queue *queue) {
    const char *file = "", *function = "", *data = "";
    int line = 0, flags = 0;
    unsigned long code = queue->pop(&file, &line, &function, &data, &flags);
    if (!(flags & TEXT_FLAG))
        data = "";
    green_openssl_error *error = malloc(sizeof *error + strlen(file) + strlen(function) + strlen(data) + 3);
    if (!error)
        return NULL;
    *error = (green_openssl_error){.queue = queue, .code = code, .line = line};
    char *end = append(error->texts, file, &error->file);
    end = append(end, function, &error->function);
    append(end, data, &error->data);
    return error;
}

static void *take(void) {
    green_openssl_error *first = NULL, **last = &first;
    bool incomplete = false;
    size_t count = __atomic_load_n(&queue_count, __ATOMIC_ACQUIRE);
    for (size_t i = 0; i < count; i++) {
        while (queues[i].peek() != 0) {
            green_openssl_error *error = pop(&queues[i]);
            if (error) {
                *last = error;
                last = &error->next;
            } else {
                queues[i].clear();
                incomplete = true;
            }
        }
    }
    return !first && incomplete ? &lost : first;
}

/* Putting back ------------------------------------------------------------- */

static void put(const green_openssl_error *error) {
    const unsigned long system = 1ul << 31;
    bool is_system = error->code & system;
    int library = is_system ? LIBRARY_SYSTEM : (int)(error->code >> 23 & 0xff);
    int reason = (int)(error->code & (is_system ? system - 1 : 0x7fffff));
    const green_openssl_error_queue *queue = error->queue;
    queue->make();
    queue->set_place(error->file, error->line, error->function);
    if (*error->data)
        queue->set(library, reason, "%s", error->data);
    else
        queue->set(library, reason, NULL);
}

static void put_back(void *taken) {
    if (taken == &lost) {
        queues[0].make();
        queues[0].set(LIBRARY_CRYPTO, REASON_NO_MEMORY, NULL);
        return;
    }
    for (green_openssl_error *error = taken, *next; error; error = next) {
        next = error->next;
        put(error);
        free(error);
    }
}

static void clear(void) {
    size_t count = __atomic_load_n(&queue_count, __ATOMIC_ACQUIRE);
    for (size_t i = 0; i < count; i++)
        queues[i].clear();
}

/* Finding ------------------------------------------------------------------ */

static bool find(void *library, const char *name, void *function) {
    void *found = dlsym(library, name);
    memcpy(function, &found, sizeof found);
    return found != NULL;
}

/* Versions before OpenSSL 3 have no ERR_get_error_all(). */
static bool find_all(void *library, green_openssl_error_queue *queue) {
    *queue = (green_openssl_error_queue){.library = library};
    return find(library, "ERR_peek_error", &queue->peek) && find(library, "ERR_get_error_all", &queue->pop) &&
           find(library, "ERR_clear_error", &queue->clear) && find(library, "ERR_new", &queue->make) &&
           find(library, "ERR_set_debug", &queue->set_place) && find(library, "ERR_set_error", &queue->set);
}

static bool is_known(const void *library) {
    for (size_t i = 0; i < queue_count; i++)
        if (queues[i].library == library)
            return true;
    return false;
}

static void add(const char *path) {
    /* The handle stays open, because green threads may still use it. */
    void *library = dlopen(path, RTLD_LAZY | RTLD_NOLOAD);
    if (!library || is_known(library) || queue_count == QUEUES_MAX || !find_all(library, &queues[queue_count]))
        return;
    static const green_switch_hooks state = {take, put_back, clear};
    __atomic_store_n(&queue_count, queue_count + 1, __ATOMIC_RELEASE);
    green__switch_hooks_set(&state, green__hub ? &green__hub->switch_state : NULL);
}

static bool is_crypto(const char *name) {
    return strncmp(name, "libcrypto.", strlen("libcrypto.")) == 0;
}

bool green__is_openssl(const char *name) {
    return is_crypto(name) || strncmp(name, "libssl.", strlen("libssl.")) == 0;
}

static bool uses_openssl(const green_object *object) {
    size_t at = 0;
    if (green__is_openssl(green__object_name(object)))
        return true;
    for (const char *needed; (needed = green__object_needs(object, &at));)
        if (green__is_openssl(needed))
            return true;
    return false;
}

void green__openssl_errors_watch(const green_objects *objects, const bool *chosen) {
    bool used = false;
    for (size_t i = 0; i < objects->count && !used; i++)
        used = chosen[i] && uses_openssl(&objects->all[i]);
    for (size_t i = 0; i < objects->count && used; i++)
        if (is_crypto(green__object_name(&objects->all[i])))
            add(objects->all[i].path);
}
