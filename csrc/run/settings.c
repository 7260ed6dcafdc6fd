#include "settings.h"

#include "refuse.h"

#include <green/patch.h>

#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* X(name, families, by default) */
#define FAMILIES(X)                                                                                                    \
    X("all", GREEN_PATCH_ALL, true)                                                                                    \
    X("socket", GREEN_PATCH_SOCKET, true)                                                                              \
    X("select", GREEN_PATCH_SELECT, true)                                                                              \
    X("time", GREEN_PATCH_TIME, true)                                                                                  \
    X("os", GREEN_PATCH_OS, true)                                                                                      \
    X("dns", GREEN_PATCH_DNS, true)                                                                                    \
    X("file", GREEN_PATCH_FILE, false)                                                                                 \
    X("lock", GREEN_PATCH_LOCK, true)                                                                                  \
    X("thread", GREEN_PATCH_THREAD, true)                                                                              \
    X("signal", GREEN_PATCH_SIGNAL, true)

#define ROW(name, families, by_default) {name, families, by_default},
static const struct family {
    const char *name;
    unsigned families;
    bool by_default;
} all[] = {FAMILIES(ROW)};
enum { COUNT = sizeof all / sizeof *all };

#define LISTED(name, families, by_default) ", " name
static const char names[] = FAMILIES(LISTED);

const char *green_run_family_names(void) {
    return names + 2;
}

unsigned green_run_default_families(void) {
    unsigned families = 0;
    for (size_t i = 0; i < COUNT; i++)
        families |= all[i].by_default ? all[i].families : 0;
    return families;
}

static const struct family *find(const char *name, size_t length) {
    for (size_t i = 0; i < COUNT; i++)
        if (strlen(all[i].name) == length && strncmp(all[i].name, name, length) == 0)
            return &all[i];
    return NULL;
}

unsigned green_run_families(const char *setting, const char *list) {
    unsigned families = 0;
    for (const char *name = list;; name++) {
        size_t length = strcspn(name, ",");
        const struct family *family = find(name, length);
        if (!family)
            green_run_refuse(GREEN_RUN_REFUSED, "%s: '%.*s' is not a family of calls; there are %s", setting,
                             (int)length, name, green_run_family_names());
        families |= family->families;
        name += length;
        if (!*name)
            return families;
    }
}

static size_t unit_of(const char *suffix) {
    static const char suffixes[] = "KMG";
    const char *found = *suffix ? strchr(suffixes, toupper((unsigned char)*suffix)) : NULL;
    if (!*suffix)
        return 1;
    return found && !suffix[1] ? (size_t)1024 << 10 * (found - suffixes) : 0;
}

size_t green_run_parse_size(const char *text) {
    char *end;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    size_t unit = unit_of(end);
    if (end == text || !isdigit((unsigned char)*text) || errno || !unit || number > SIZE_MAX / unit)
        return 0;
    return (size_t)number * unit;
}

int green_run_parse_signal(const char *name) {
    if (strncmp(name, "SIG", 3) == 0)
        name += 3;
    for (int number = 1; number < NSIG; number++) {
        const char *known = sigabbrev_np(number);
        if (known && strcmp(known, name) == 0)
            return number == SIGKILL || number == SIGSTOP ? 0 : number;
    }
    return 0;
}
