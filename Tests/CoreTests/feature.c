/* GREEN_DISABLE: features of the kernel that Green treats as missing. */
#include "../../csrc/base/feature.h"
#include "helpers.h"

#include <sys/wait.h>

static const char *setting;

static void list_disabled(void) {
    CHECK(setenv("GREEN_DISABLE", setting, 1), ==, 0);
    for (int i = 0; i < GREEN_FEATURE_COUNT; i++)
        dprintf(STDERR_FILENO, "%d", green__feature_is_disabled((green_feature)i));
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
    CHECK_TEXT(disabled_by(""), "00000");
    CHECK_TEXT(disabled_by("coop_taskrun"), "10000");
    CHECK_TEXT(disabled_by("no_iowait,defer_taskrun"), "01001");
    CHECK_TEXT(disabled_by("all"), "11111");
}

TEST(unknown, "unknown names in GREEN_DISABLE are reported and ignored") {
    CHECK_TEXT(disabled_by("ftruncate,teleport,,guard"),
               "green: ignoring 'teleport' in GREEN_DISABLE: the known features are all, coop_taskrun, defer_taskrun, "
               "ftruncate, guard_install, no_iowait\n"
               "green: ignoring 'guard' in GREEN_DISABLE: the known features are all, coop_taskrun, defer_taskrun, "
               "ftruncate, guard_install, no_iowait\n"
               "00100");
}
