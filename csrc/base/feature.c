#include "feature.h"

#include "error.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define NAME(identifier, name) name,
static const char *const names[] = {GREEN_FEATURES(NAME)};
#undef NAME

#define LISTED(identifier, name) ", " name
static const char all_names[] = "all" GREEN_FEATURES(LISTED);
#undef LISTED

static bool disabled[GREEN_FEATURE_COUNT];

static bool matches(const char *word, size_t length, const char *name) {
    return strlen(name) == length && strncmp(word, name, length) == 0;
}

static void disable(const char *word, size_t length) {
    bool found = length == 0;
    for (size_t i = 0; i < GREEN_FEATURE_COUNT; i++)
        if (matches(word, length, names[i]) || matches(word, length, "all"))
            disabled[i] = found = true;
    if (!found)
        green__warn("ignoring '%.*s' in GREEN_DISABLE: the known features are %s", (int)length, word, all_names);
}

static void read_environment(void) {
    const char *word = getenv("GREEN_DISABLE");
    while (word) {
        size_t length = strcspn(word, ",");
        disable(word, length);
        word = word[length] ? word + length + 1 : NULL;
    }
}

bool green__feature_is_disabled(green_feature feature) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, read_environment);
    return disabled[feature];
}
