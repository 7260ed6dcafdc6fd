/* GREEN_DISABLE names kernel features that Green treats as missing. */
#include "../../../csrc/base/feature.h"
#include "helpers.h"

#include <sys/wait.h>

static const char *setting;

#define NAME(identifier, name) name,
static const char *const names[] = {GREEN_FEATURES(NAME)};
#undef NAME

#define LISTED(identifier, name) ", " name
#define DISABLED(identifier, name) name " "
static const char known[] = "the known features are all" GREEN_FEATURES(LISTED) "\n";
static const char all[] = GREEN_FEATURES(DISABLED);

static void list_disabled(void) {
    CHECK(setenv("GREEN_DISABLE", setting, 1), ==, 0);
    for (int i = 0; i < GREEN_FEATURE_COUNT; i++)
        if (green__feature_is_disabled((green_feature)i))
            dprintf(STDERR_FILENO, "%s ", names[i]);
}

/* Runs in a child, because a process reads the variable once. */
static const char *disabled_by(const char *value) {
    static struct child child;
    setting = value;
    run_child(&child, list_disabled);
    CHECK(child.status, ==, 0);
    return child.output;
}

TEST(names, "GREEN_DISABLE disables the features that it names") {
    CHECK_TEXT(disabled_by(""), "");
    CHECK_TEXT(disabled_by("coop_taskrun"), "coop_taskrun ");
    CHECK_TEXT(disabled_by("no_iowait,defer_taskrun"), "defer_taskrun no_iowait ");
    CHECK_TEXT(disabled_by("all"), all);
    for (int i = 0; i < GREEN_FEATURE_COUNT; i++) {
        char text[64];
        snprintf(text, sizeof text, "%s ", names[i]);
        CHECK_TEXT(disabled_by(names[i]), text);
    }
}

TEST(unknown, "unknown names in GREEN_DISABLE are reported and ignored") {
    char expected[2048];
    snprintf(expected, sizeof expected,
             "green: ignoring 'teleport' in GREEN_DISABLE: %sgreen: ignoring 'guard' in GREEN_DISABLE: %sftruncate ",
             known, known);
    CHECK_TEXT(disabled_by("ftruncate,teleport,,guard"), expected);
}
