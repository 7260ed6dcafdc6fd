#include "servers.h"

#include <dirent.h>
#include <signal.h>

int port_of(const char *server) {
    char name[64];
    snprintf(name, sizeof name, "GREEN_PEERS_%s", server);
    return atoi(peer(name));
}

static pid_t process_of(const char *server) {
    char name[64];
    int process = 0;
    snprintf(name, sizeof name, "GREEN_PEERS_%s_PROCESS", server);
    FILE *file = fopen(peer(name), "r");
    CHECK(file != NULL);
    CHECK(fscanf(file, "%d", &process), ==, 1);
    fclose(file);
    CHECK(process, >, 1);
    return process;
}

/* Whether each OS thread of a process is stopped. A stop begins at once, but ends later. */
static bool has_stopped(pid_t process) {
    char path[300], state = 0;
    bool stopped = true;
    snprintf(path, sizeof path, "/proc/%d/task", process);
    DIR *tasks = opendir(path);
    CHECK(tasks != NULL);
    for (struct dirent *entry; stopped && (entry = readdir(tasks));) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "/proc/%d/task/%s/stat", process, entry->d_name);
        FILE *file = fopen(path, "r");
        stopped = !file || (fscanf(file, "%*d (%*[^)]) %c", &state) == 1 && state == 'T');
        if (file)
            fclose(file);
    }
    closedir(tasks);
    return stopped;
}

void stop_server(const char *server) {
    pid_t process = process_of(server);
    CHECK(kill(process, SIGSTOP), ==, 0);
    UNTIL(has_stopped(process));
}

void continue_server(const char *server) {
    CHECK(kill(process_of(server), SIGCONT), ==, 0);
}

void kill_server(const char *server) {
    pid_t process = process_of(server);
    CHECK(kill(process, SIGKILL), ==, 0);
    UNTIL(kill(process, 0) < 0); /* before, its listener may still accept connections */
}

green_patch *import_families(const char *library, unsigned families, const char *also) {
    green_patch *patch = NULL;
    green_import_options options = {.families = families, .also = &also, .also_count = also != NULL};
    CHECK(green_import_patched(&patch, library, &options), ==, 0);
    CHECK(green_yield(), ==, 0);
    return patch;
}

/* A call may also have returned: those of some tests end as soon as all have begun. */
static bool all_begun(const struct call *calls, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (!calls[i].has_begun)
            return false;
    return true;
}

void call_together(struct call *calls, size_t count, void (*open)(const char *), const char *argument) {
    green_thread **threads = calloc(count, sizeof *threads);
    CHECK(threads != NULL);
    for (size_t i = 0; i < count; i++)
        threads[i] = start(run_call, &calls[i]);
    UNTIL(all_begun(calls, count));
    open(argument);
    for (size_t i = 0; i < count; i++)
        CHECK(finish(threads[i]), ==, 0);
    free(threads);
}

size_t call_in_a_hurry(struct call *calls, size_t count, int64_t longest) {
    size_t in_time = 0;
    green_thread **threads = calloc(count, sizeof *threads);
    CHECK(threads != NULL);
    for (size_t i = 0; i < count; i++) {
        calls[i].limit = 1 + random_below(1000) * (longest / 1000);
        threads[i] = start(run_call, &calls[i]);
    }
    for (size_t i = 0; i < count; i++) {
        CHECK(finish(threads[i]), ==, 0);
        in_time += !calls[i].is_late;
    }
    free(threads);
    return in_time;
}
