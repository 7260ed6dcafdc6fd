/* Git servers by libgit2: git daemon, and git's gateway behind lighttpd. */
#include "servers.h"

#include <git2.h>

/* A clone, which then fetches. Waits in the middle until crowd clones have come there. */
struct copy {
    const char *scheme; /* "git" or "http" */
    const char *host;   /* with the port */
    const char *name;   /* of the repository */
    int number;
    int crowd;
    bool is_inside;
    char error[256];
};

static int inside, crowd_inside;

static int progress(const git_indexer_progress *progress, void *context) {
    (void)progress;
    struct copy *copy = context;
    if (copy->crowd > 0 && !copy->is_inside) {
        copy->is_inside = true;
        inside++;
        crowd_inside = inside > crowd_inside ? inside : crowd_inside;
        UNTIL(crowd_inside == copy->crowd);
    }
    return 0;
}

static int clone_and_fetch(struct copy *copy, git_repository **repository, git_remote **remote) {
    char url[256], path[256];
    git_clone_options options;
    snprintf(url, sizeof url, "%s://%s/%s%s", copy->scheme, copy->host, strcmp(copy->scheme, "git") ? "git/" : "",
             copy->name);
    snprintf(path, sizeof path, "%s/clone-%d-%d", peer("GREEN_PEERS_WORK"), (int)getpid(), copy->number);
    CHECK(git_clone_options_init(&options, GIT_CLONE_OPTIONS_VERSION), ==, 0);
    options.fetch_opts.callbacks.transfer_progress = progress;
    options.fetch_opts.callbacks.payload = copy;
    int result = git_clone(repository, url, path, &options);
    inside -= copy->is_inside;
    copy->is_inside = false;
    if (result == 0)
        result = git_remote_lookup(remote, *repository, "origin");
    if (result == 0)
        result = git_remote_fetch(*remote, NULL, NULL, NULL);
    return result;
}

static int make_copy(void *argument) {
    struct copy *copy = argument;
    git_repository *repository = NULL;
    git_remote *remote = NULL;
    git_object *file = NULL;
    int result = clone_and_fetch(copy, &repository, &remote);
    const git_error *error = result ? git_error_last() : NULL;
    snprintf(copy->error, sizeof copy->error, "%s", error ? error->message : "");
    if (result == 0)
        CHECK(git_revparse_single(&file, repository, "main:file-50"), ==, 0);
    git_object_free(file);
    git_remote_free(remote);
    git_repository_free(repository);
    return result;
}

static char daemon_host[32], gateway_host[32];
static int numbers;

static struct copy copy_from(const char *scheme) {
    bool is_daemon = strcmp(scheme, "git") == 0;
    return (struct copy){
        .scheme = scheme, .host = is_daemon ? daemon_host : gateway_host, .name = "green.git", .number = numbers++};
}

/* A server that a test has killed takes a moment to restart. */
static void expect_service(const char *scheme) {
    struct copy copy;
    UNTIL((copy = copy_from(scheme), make_copy(&copy) == 0));
}

/* Each green thread needs the last error of libgit2 for itself, which a pthread key holds. */
static green_patch *begin(void) {
    green_patch *patch = import_families("libgit2.so.1.5", GREEN_PATCH_ALL | GREEN_PATCH_THREAD, NULL);
    snprintf(daemon_host, sizeof daemon_host, "127.0.0.1:%d", port_of("GIT"));
    snprintf(gateway_host, sizeof gateway_host, "127.0.0.1:%d", port_of("GIT_HTTP"));
    CHECK(git_libgit2_init(), ==, 1);
    expect_service("git");
    expect_service("http");
    return patch;
}

static void end(green_patch *patch) {
    CHECK(git_libgit2_shutdown(), ==, 0);
    CHECK(green_unpatch(patch), ==, 0);
}

static void clone_together(const char *scheme, int count) {
    struct copy copies[20];
    green_thread *threads[20];
    int64_t begin = green_now();
    crowd_inside = 0;
    for (int i = 0; i < count; i++) {
        copies[i] = copy_from(scheme);
        copies[i].crowd = count;
        threads[i] = start(make_copy, &copies[i]);
    }
    for (int i = 0; i < count; i++) {
        int result = finish(threads[i]);
        CHECK_TEXT(copies[i].error, "");
        CHECK(result, ==, 0);
    }
    figure("libgit2: %d clones by %s at the same time: %.3f s", count, scheme, seconds_since(begin));
}

TEST(together, "twenty threads are in the middle of a clone at the same time") {
    green_patch *patch = begin();
    clone_together("git", 20);
    clone_together("http", 20);
    end(patch);
}

static void expect_error(struct copy copy, const char *part) {
    CHECK(make_copy(&copy), <, 0);
    CHECK_CONTAINS(copy.error, part);
}

TEST(refused, "refusals of the server are errors of libgit2") {
    char host[32];
    green_patch *patch = begin();
    struct copy copy = copy_from("git");
    copy.name = "none.git";
    expect_error(copy, "repository not exported");
    copy.scheme = "http", copy.host = gateway_host;
    expect_error(copy, "unexpected http status code: 404");
    copy.host = host;
    snprintf(host, sizeof host, "127.0.0.1:%d", refusing_port());
    expect_error(copy, "Connection refused");
    snprintf(host, sizeof host, "a..b");
    expect_error(copy, "failed to resolve address");
    snprintf(host, sizeof host, "127.0.0.1:port");
    expect_error(copy, "");
    end(patch);
}

static int fail(void *argument) {
    struct copy *copy = argument;
    CHECK(make_copy(copy), <, 0);
    CHECK(green_yield(), ==, 0);
    CHECK_CONTAINS(git_error_last()->message, copy->name);
    return 0;
}

TEST(errors, "each green thread has its own last error of libgit2") {
    enum { COUNT = 10 };
    struct copy copies[COUNT];
    green_thread *threads[COUNT];
    char names[COUNT][32];
    green_patch *patch = begin();
    for (int i = 0; i < COUNT; i++) {
        snprintf(names[i], sizeof names[i], "none-%d.git", i);
        copies[i] = copy_from("git");
        copies[i].name = names[i];
        threads[i] = start(fail, &copies[i]);
    }
    for (int i = 0; i < COUNT; i++)
        CHECK(finish(threads[i]), ==, 0);
    end(patch);
}

static void kill_during_clones(const char *scheme, const char *server) {
    enum { COUNT = 4 }; /* the backlog of git daemon has room for more */
    struct copy copies[COUNT];
    struct call calls[COUNT];
    for (int i = 0; i < COUNT; i++) {
        copies[i] = copy_from(scheme);
        calls[i] = (struct call){.make = make_copy, .argument = &copies[i]};
    }
    stop_server(server);
    call_together(calls, COUNT, kill_server, server);
    for (int i = 0; i < COUNT; i++)
        CHECK(calls[i].result, <, 0);
    figure("libgit2: the end of the server by %s is \"%s\"", scheme, copies[0].error);
    expect_service(scheme);
}

TEST(killed, "a server that is killed during clones is an error of each") {
    green_patch *patch = begin();
    kill_during_clones("git", "GIT");
    kill_during_clones("http", "GIT_HTTP");
    end(patch);
}

static void interrupt_clones(const char *scheme, const char *server) {
    struct copy copy = copy_from(scheme);
    struct call call = {.make = make_copy, .argument = &copy, .limit = 100 * GREEN_MILLISECOND};
    stop_server(server);
    CHECK(run_call(&call), ==, 0);
    CHECK(call.is_late);
    CHECK(call.result, <, 0);
    CHECK_CONTAINS(copy.error, strerror(ETIMEDOUT));
    copy = copy_from(scheme);
    call.limit = 0;
    kill_call(&call);
    CHECK(call.result, <, 0);
    CHECK_CONTAINS(copy.error, strerror(ECANCELED));
    continue_server(server);
    expect_service(scheme);
}

TEST(interrupted, "a green timeout and a kill end a clone as errors of libgit2") {
    green_patch *patch = begin();
    interrupt_clones("git", "GIT");
    interrupt_clones("http", "GIT_HTTP");
    end(patch);
}

TEST(hurry, "libgit2 reports a timeout at any point and leaves nothing behind") {
    enum { COUNT = 20 };
    struct copy copies[COUNT];
    struct call calls[COUNT];
    green_patch *patch = begin();
    for (int i = 0; i < COUNT; i++) {
        copies[i] = copy_from(i % 2 ? "http" : "git");
        calls[i] = (struct call){.make = make_copy, .argument = &copies[i]};
    }
    size_t in_time = call_in_a_hurry(calls, COUNT, 500 * GREEN_MILLISECOND);
    figure("libgit2: %zu clones in time, %zu ended by a timeout", in_time, COUNT - in_time);
    for (int i = 0; i < COUNT; i++)
        CHECK(calls[i].is_late || calls[i].result == 0);
    expect_service("git");
    end(patch);
}
