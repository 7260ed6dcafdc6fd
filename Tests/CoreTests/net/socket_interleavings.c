/* Two threads read and write one socket while it is closed, released and disconnected by its
 * peer, and while the threads are killed: every order of these actions. */
#include "helpers.h"

enum action { READ, WRITE, CLOSE, KILL_READER, KILL_WRITER, RELEASE, PEER_CLOSE, ACTIONS };

struct world {
    struct pair pair;
    int owners; /* of pair.near: main, the reader, the writer */
    bool closed, peer_closed;
    green_thread *reader, *writer;
    const char *ends_reader; /* the actions that may have ended it */
    const char *ends_writer;
};

static void give_up(struct world *world) {
    world->owners--;
    green_socket_release(world->pair.near);
}

static int read_once(void *argument) {
    struct world *world = argument;
    char byte;
    int result = (int)green_read(world->pair.near, &byte, 1);
    give_up(world);
    return result;
}

static int write_much(void *argument) {
    static char bytes[4 << 20]; /* more than fits, because the peer never reads */
    struct world *world = argument;
    int result = (int)green_write(world->pair.near, bytes, sizeof bytes);
    give_up(world);
    return result;
}

static green_thread *start_owner(struct world *world, green_function *function) {
    world->owners++;
    green_socket_retain(world->pair.near);
    return start(function, world);
}

/* The action that ends a thread that starts now. */
static const char *first_end(const struct world *world) {
    return world->closed ? "closed" : world->peer_closed ? "peer" : NULL;
}

static void end_both(struct world *world, const char *why) {
    if (world->reader && !world->ends_reader)
        world->ends_reader = why;
    if (world->writer && !world->ends_writer)
        world->ends_writer = why;
}

static void kill_one(green_thread *thread, const char **ends) {
    if (!thread)
        return;
    CHECK(green_thread_kill(thread), ==, 0);
    if (!*ends)
        *ends = "killed";
}

/* Does one action. An action on a socket without owners has no effect. */
static void act(struct world *world, enum action action) {
    bool alive = world->owners > 0;
    if (action == READ && alive) {
        world->ends_reader = first_end(world);
        world->reader = start_owner(world, read_once);
    } else if (action == WRITE && alive) {
        world->ends_writer = first_end(world);
        world->writer = start_owner(world, write_much);
    } else if (action == CLOSE && alive) {
        CHECK(green_close(world->pair.near), ==, 0);
        world->closed = true;
        end_both(world, "closed");
    } else if (action == KILL_READER) {
        kill_one(world->reader, &world->ends_reader);
    } else if (action == KILL_WRITER) {
        kill_one(world->writer, &world->ends_writer);
    } else if (action == RELEASE) {
        give_up(world);
    } else if (action == PEER_CLOSE) {
        CHECK(green_close(world->pair.far), ==, 0);
        world->peer_closed = true;
        end_both(world, "peer");
    }
}

/* A result must be explained by one of the actions. If the event loop ran between the
 * actions, it must be the result of the first one. */
static void check_result(int result, const char *first, bool settled) {
    if (!settled) {
        CHECK(result == 0 || result == -EBADF || result == -ECANCELED || result == -EPIPE || result == -ECONNRESET);
        return;
    }
    CHECK(first != NULL);
    if (strcmp(first, "closed") == 0)
        CHECK(result, ==, -EBADF);
    else if (strcmp(first, "killed") == 0)
        CHECK(result, ==, -ECANCELED);
    else
        CHECK(result == 0 || result == -EPIPE || result == -ECONNRESET);
}

static void play(const enum action *order, bool settle) {
    struct world world = {.pair = connected(UNIX_PAIR), .owners = 1};
    for (int i = 0; i < ACTIONS; i++) {
        act(&world, order[i]);
        if (settle)
            let_run();
    }
    int result = 0;
    if (world.reader) { /* kill the remaining threads */
        act(&world, KILL_READER);
        CHECK(green_thread_wait(world.reader, &result, GREEN_FOREVER), ==, 0);
        check_result(result, world.ends_reader, settle);
        green_thread_release(world.reader);
    }
    if (world.writer) {
        act(&world, KILL_WRITER);
        CHECK(green_thread_wait(world.writer, &result, GREEN_FOREVER), ==, 0);
        check_result(result, world.ends_writer, settle);
        green_thread_release(world.writer);
    }
    /* A thread killed before it ran has not released its reference. */
    while (world.owners > 0)
        give_up(&world);
    green_socket_release(world.pair.far);
}

static int played;

/* Runs all orders of the actions from index on. */
static void permute(enum action *order, int index, bool settle) {
    if (index == ACTIONS) {
        if (!SLOW || played % 20 == 0)
            play(order, settle);
        played++;
        return;
    }
    for (int i = index; i < ACTIONS; i++) {
        enum action first = order[index];
        order[index] = order[i];
        order[i] = first;
        permute(order, index + 1, settle);
        order[i] = order[index];
        order[index] = first;
    }
}

static void run_all_orders(bool settle) {
    enum action order[ACTIONS];
    for (int i = 0; i < ACTIONS; i++)
        order[i] = (enum action)i;
    permute(order, 0, settle);
    CHECK(played, ==, 5040);
}

BIG_TEST(settled, "every order of read, write, close, kill, release and end gives valid results, one per iteration") {
    run_all_orders(true);
}

BIG_TEST(at_once, "every order of read, write, close, kill, release and end in one iteration gives valid results") {
    run_all_orders(false);
}
