/* Out of memory at each allocation of a question to all hubs in turn. */
#include "fault_injection.h"
#include "sink.h"
#include "waiting.h"

static struct waiting other;
static int without_memory;

/* The hub's dump, or the line that says why there is none. */
static void check_dump_of(const char *text, const char *hub, int os_thread) {
    char line[96];
    snprintf(line, sizeof line, "green: no memory for the dump of %s of OS thread %d\n", hub, os_thread);
    if (strstr(text, line)) {
        without_memory++;
        return;
    }
    dump_of(text, os_thread);
}

static int dump_and_count(void) {
    green_statistics statistics;
    int error = (int)note_result(green_dump_all(sink, GREEN_FOREVER));
    const char *text = taken();
    nudge(&other);
    if (error < 0) {
        CHECK_TEXT(text, "");
        return error;
    }
    check_dump_of(text, "the hub", gettid());
    check_dump_of(text, "hub 'waiting'", other.number);
    return (int)note_result(green_hub_statistics_all(&statistics, GREEN_FOREVER));
}

TEST(questions, "questions to all hubs without memory are errors, or the dump of a hub is missing and named") {
    static const struct scenario scenarios[] = {
        {.name = "dump and count", .run = dump_and_count, .tolerates = "madvise strndup mmap realloc"},
    };
    open_sink();
    begin_waiting(&other);
    fail_on_each_engine(scenarios, 1, FAIL_MEMORY);
    CHECK(without_memory, >, 0);
    end_waiting(&other);
    close(sink);
}
