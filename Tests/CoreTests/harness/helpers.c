#include "helpers.h"

#include <dirent.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <sys/wait.h>

green_thread *start(green_function *function, void *argument) {
    green_thread *thread = NULL;
    CHECK(green_spawn(&thread, function, argument), ==, 0);
    CHECK(thread != NULL);
    return thread;
}

green_thread *start_named(const char *name, green_function *function, void *argument) {
    green_thread *thread = NULL;
    green_spawn_options options = {.name = name};
    CHECK(green_spawn_with(&thread, &options, function, argument), ==, 0);
    return thread;
}

int finish(green_thread *thread) {
    int result = 0;
    CHECK(green_thread_wait(thread, &result, GREEN_FOREVER), ==, 0);
    green_thread_release(thread);
    return result;
}

int kill_and_finish(green_thread *thread) {
    CHECK(green_thread_kill(thread), ==, 0);
    return finish(thread);
}

void let_run(void) {
    for (int i = 0; i < 10; i++)
        CHECK(green_yield(), ==, 0);
}

static int wait_for_completion(void *unused) {
    (void)unused;
    green_statistics statistics;
    CHECK(green_hub_statistics(&statistics), ==, 0);
    while (statistics.operations > 0) {
        CHECK(green_yield(), ==, 0);
        CHECK(green_hub_statistics(&statistics), ==, 0);
    }
    return 0;
}

static void release_at_end(green_thread *thread, void *socket) {
    (void)thread;
    green_socket_release(socket);
}

green_thread *release_on_completion(green_socket *socket) {
    green_thread *releaser = start(wait_for_completion, NULL);
    CHECK(green_thread_link(releaser, NULL, release_at_end, socket), ==, 0);
    return releaser;
}

int nap(void *argument) {
    return green_sleep(argument ? *(int64_t *)argument : 3600 * GREEN_SECOND);
}

int give(void *argument) {
    return *(int *)argument;
}

int wait_at(struct door *door) {
    int error = 0;
    door->waiting++;
    while (!door->is_open && error == 0)
        error = green_sleep(GREEN_MILLISECOND);
    door->waiting--;
    return error;
}

static char marked[4096];
static size_t mark_count;

void mark(char letter) {
    CHECK(mark_count, <, sizeof marked - 1);
    marked[mark_count++] = letter;
    marked[mark_count] = 0;
}

const char *marks(void) {
    return marked;
}

int mark_it(void *argument) {
    mark(*(const char *)argument);
    return 0;
}

static const char *transport_name(enum transport transport) {
    static const char *const names[] = {"TCP on IPv4", "TCP on IPv6", "unix path", "unix abstract", "unix pair"};
    return names[transport];
}

green_listener *listen_any(enum transport transport) {
    static atomic_uint counter; /* several OS threads may make addresses at once */
    unsigned count = atomic_fetch_add(&counter, 1);
    char text[GREEN_ADDRESS_TEXT_MAX];
    green_listener *listener = NULL;
    if (transport == UNIX_PATH)
        snprintf(text, sizeof text, "unix:/tmp/green-test-%d-%u", (int)getpid(), count);
    else if (transport == UNIX_ABSTRACT)
        snprintf(text, sizeof text, "unix:@green-test-%d-%u", (int)getpid(), count);
    else
        snprintf(text, sizeof text, "%s", transport == TCP6 ? "[::1]:0" : "127.0.0.1:0");
    int error = green_listen(&listener, text, NULL);
    if (transport == TCP6 && (error == -EADDRNOTAVAIL || error == -EAFNOSUPPORT))
        return NULL;
    CHECK(error, ==, 0);
    return listener;
}

const char *address_of(green_listener *listener) {
    static char text[GREEN_ADDRESS_TEXT_MAX];
    green_address address;
    CHECK(green_listener_address(listener, &address), ==, 0);
    green_address_print(&address, text, sizeof text);
    return text;
}

green_socket *connect_to(green_listener *listener) {
    green_address address;
    green_socket *socket = NULL;
    CHECK(green_listener_address(listener, &address), ==, 0);
    CHECK(green_connect_address(&socket, &address, NULL), ==, 0);
    return socket;
}

green_socket *accept_from(green_listener *listener) {
    green_socket *socket = NULL;
    CHECK(green_accept(listener, &socket), ==, 0);
    return socket;
}

struct pair connected(enum transport transport) {
    struct pair pair = {NULL, NULL};
    if (transport == UNIX_PAIR) {
        CHECK(green_socket_pair(&pair.near, &pair.far), ==, 0);
        return pair;
    }
    green_listener *listener = listen_any(transport);
    if (!listener)
        return pair;
    pair.near = connect_to(listener); /* the kernel completes it without an accept */
    pair.far = accept_from(listener);
    green_listener_release(listener);
    return pair;
}

void release_pair(struct pair *pair) {
    green_socket_release(pair->near);
    green_socket_release(pair->far);
    *pair = (struct pair){NULL, NULL};
}

int socket_of_type(int type) {
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    CHECK(fd, >=, 0);
    return fd;
}

green_detached_socket *detached_from(green_socket *socket) {
    green_detached_socket *detached = NULL;
    CHECK(green_socket_detach(socket, &detached), ==, 0);
    green_socket_release(socket);
    return detached;
}

green_socket *attached(green_detached_socket *detached) {
    green_socket *socket = NULL;
    CHECK(green_socket_attach(&socket, detached), ==, 0);
    return socket;
}

void reset_and_release(green_socket *socket) {
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    CHECK(setsockopt(green_socket_fd(socket), SOL_SOCKET, SO_LINGER, &linger, sizeof linger), ==, 0);
    CHECK(green_close(socket), ==, 0);
    green_socket_release(socket);
}

void with_each_transport(void (*body)(struct pair *pair)) {
    for (enum transport transport = TCP4; transport < TRANSPORTS; transport++) {
        struct pair pair = connected(transport);
        if (!pair.near) {
            printf("without %s\n", transport_name(transport));
            continue;
        }
        printf("%s\n", transport_name(transport));
        fflush(stdout);
        body(&pair);
        release_pair(&pair);
    }
}

void send_text(green_socket *socket, const char *text) {
    CHECK(green_write(socket, text, strlen(text)), ==, strlen(text));
}

void expect_text(green_socket *socket, const char *text) {
    char bytes[1024];
    size_t size = strlen(text);
    CHECK(size, <, sizeof bytes);
    CHECK(green_read_exactly(socket, bytes, size), ==, size);
    bytes[size] = 0;
    CHECK_TEXT(bytes, text);
}

void expect_end(green_socket *socket) {
    char byte;
    CHECK(green_read(socket, &byte, 1), ==, 0);
}

/* The stream repeats a table of prime length, so that no buffer or packet size divides it. */
enum { PERIOD = 65521 };
static _Thread_local unsigned char table[2 * PERIOD];

static const unsigned char *pattern_at(uint64_t position) {
    if (table[0] == 0) {
        uint32_t state = 1;
        for (size_t i = 0; i < PERIOD; i++) {
            state = state * 1664525 + 1013904223;
            table[i] = table[i + PERIOD] = (unsigned char)(state >> 24);
        }
        table[0] = table[PERIOD] = 1;
    }
    return table + position % PERIOD;
}

void pattern_fill(void *bytes, size_t size, uint64_t position) {
    char *to = bytes;
    while (size > 0) {
        size_t count = size < PERIOD ? size : PERIOD;
        memcpy(to, pattern_at(position), count);
        to += count;
        size -= count;
        position += count;
    }
}

void pattern_check(const void *bytes, size_t size, uint64_t position) {
    const char *from = bytes;
    while (size > 0) {
        size_t count = size < PERIOD ? size : PERIOD;
        CHECK(memcmp(from, pattern_at(position), count), ==, 0);
        from += count;
        size -= count;
        position += count;
    }
}

int send_pattern(void *argument) {
    struct transfer *transfer = argument;
    enum { CHUNK = 256 * 1024 };
    char *chunk = malloc(CHUNK);
    ssize_t count = 0;
    while (count >= 0 && transfer->position < transfer->size) {
        uint64_t left = transfer->size - transfer->position;
        size_t size = left < CHUNK ? (size_t)left : CHUNK;
        pattern_fill(chunk, size, transfer->position);
        count = green_write(transfer->socket, chunk, size);
        if (count >= 0)
            CHECK(count, ==, size);
        transfer->position += count > 0 ? (uint64_t)count : 0;
    }
    free(chunk);
    return count < 0 ? (int)count : 0;
}

int receive_pattern(void *argument) {
    struct transfer *transfer = argument;
    enum { CHUNK = 100 * 1000 };
    char *chunk = malloc(CHUNK);
    ssize_t count = 1;
    while (count > 0 && transfer->position < transfer->size) {
        uint64_t left = transfer->size - transfer->position;
        count = green_read(transfer->socket, chunk, left < CHUNK ? (size_t)left : CHUNK);
        if (count > 0) {
            pattern_check(chunk, (size_t)count, transfer->position);
            transfer->position += (uint64_t)count;
        }
    }
    free(chunk);
    return count < 0 ? (int)count : 0;
}

int trickle(void *argument) {
    struct transfer *transfer = argument;
    while (transfer->position < transfer->size) {
        char bytes[24];
        size_t size = 1 + random_below(sizeof bytes);
        if (size > transfer->size - transfer->position)
            size = (size_t)(transfer->size - transfer->position);
        pattern_fill(bytes, size, transfer->position);
        CHECK(green_write(transfer->socket, bytes, size), ==, size);
        transfer->position += size;
        for (uint32_t i = random_below(4); i > 0; i--)
            CHECK(green_yield(), ==, 0);
    }
    return 0;
}

uint32_t random_below(uint32_t limit) {
    static uint64_t state = 88172645463325252;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 32) % limit;
}

static void read_statm(unsigned long *total, unsigned long *resident) {
    FILE *file = fopen("/proc/self/statm", "r");
    CHECK(file != NULL);
    CHECK(fscanf(file, "%lu %lu", total, resident), ==, 2);
    fclose(file);
}

static void run_on_each_engine(void (*body)(void), bool virtual_clock) {
    static const char *const engines[] = {"epoll", "uring"};
    for (int i = 0; i < 2; i++) {
        green_hub_options options = {.engine = engines[i], .virtual_clock = virtual_clock};
        int error = green_hub_open(&options);
        if (i == 1 && error < 0) {
            printf("without io_uring\n");
            return;
        }
        CHECK(error, ==, 0);
        CHECK(setenv("GREEN_ENGINE", engines[i], 1), ==, 0);
        body();
        CHECK(green_sleep(GREEN_MILLISECOND), ==, 0);
        CHECK(green_hub_close(), ==, 0);
    }
}

void on_each_engine(void (*body)(void)) {
    run_on_each_engine(body, false);
}

void in_virtual_time(void (*body)(void)) {
    run_on_each_engine(body, true);
}

size_t resident_bytes(void) {
    unsigned long total, resident;
    read_statm(&total, &resident);
    return resident * (size_t)sysconf(_SC_PAGESIZE);
}

size_t address_space_bytes(void) {
    unsigned long total, resident;
    read_statm(&total, &resident);
    return total * (size_t)sysconf(_SC_PAGESIZE);
}

void fork_and_wait(void) {
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    int status;
    CHECK(waitpid(child, &status, 0), ==, child);
    CHECK(status, ==, 0);
}

static void stop_parent(void) {
    pid_t parent = getppid();
    for (int i = 0; i < 20; i++) {
        kill(parent, SIGSTOP);
        usleep(5000);
        kill(parent, SIGCONT);
        usleep(5000);
    }
    _exit(0);
}

void stop_now_and_then(void) {
    pid_t child = fork();
    CHECK(child, >=, 0);
    if (child == 0)
        stop_parent();
    while (waitpid(child, NULL, WNOHANG) == 0)
        CHECK(green_sleep(GREEN_MILLISECOND), ==, 0);
}

size_t os_threads(void) {
    DIR *directory = opendir("/proc/self/task");
    CHECK(directory != NULL);
    size_t count = 0;
    while (readdir(directory))
        count++;
    closedir(directory);
    return count - 2; /* "." and ".." */
}

static char directory_path[64];

const char *make_directory(void) {
    snprintf(directory_path, sizeof directory_path, "/tmp/green-test-XXXXXX");
    CHECK(mkdtemp(directory_path) != NULL);
    return directory_path;
}

void remove_directory(void) {
    char path[512];
    struct dirent *entry;
    DIR *directory = opendir(directory_path);
    CHECK(directory != NULL);
    while ((entry = readdir(directory))) {
        snprintf(path, sizeof path, "%s/%s", directory_path, entry->d_name);
        if (entry->d_name[0] != '.')
            unlink(path);
    }
    closedir(directory);
    CHECK(rmdir(directory_path), ==, 0);
}
