/* A listener and its clients: each client that has connected and sent its number is
 * accepted once. */
#include "../../../csrc/core/thread.h"
#include "helpers.h"
#include "world.h"

enum { CONNECTING = 1, LEFT_NUMBER, MET, GAVE_UP };

void meeting_make(void) {
    struct meeting *meeting = &world.meeting;
    *meeting = (struct meeting){.listener = listen_any(UNIX_ABSTRACT)};
    snprintf(meeting->address, sizeof meeting->address, "%s", address_of(meeting->listener));
}

/* Only one actor may accept at a time, which the listener checks, too. */
void meeting_check(void) {
    int waiting = 0;
    for (uint32_t i = 0; i < world.actor_count; i++) {
        const struct actor *actor = &world.actors[i];
        waiting += actor->thread && actor->accepting && actor->thread->state == GREEN_PARKED;
    }
    CHECK(waiting, <=, 1);
}

static void visit(struct actor *actor) {
    struct meeting *meeting = &world.meeting;
    if (meeting->clients + 1 == ITEMS_MAX)
        return;
    uint64_t number = ++meeting->clients;
    int64_t timeout = some_timeout();
    green_connect_options options = {.timeout = timeout < 0 ? 0 : timeout};
    green_socket *socket;
    struct call call;
    meeting->states[number] = CONNECTING;
    call_begin(&call, actor, timeout);
    long result = green_connect(&socket, meeting->address, &options);
    if (call_end(&call, result) < 0) {
        CHECK(is_early(result) || result == -ECONNREFUSED || result == -EAGAIN);
        meeting->states[number] = GAVE_UP;
        return;
    }
    kernel_forget(green_socket_fd(socket));
    call_begin(&call, actor, GREEN_FOREVER);
    result = green_write(socket, &number, sizeof number);
    if (meeting->states[number] == CONNECTING)
        meeting->states[number] = result > 0 ? LEFT_NUMBER : GAVE_UP;
    call_end(&call, result);
    CHECK(result == sizeof number || result == -ECONNRESET || is_early(result));
    green_socket_release(socket);
}

static void meet(uint64_t number) {
    struct meeting *meeting = &world.meeting;
    CHECK(number >= 1 && number <= meeting->clients);
    CHECK(meeting->states[number], !=, MET);
    meeting->states[number] = MET;
}

/* Reads the number of an accepted client. If this fails, no other actor has the number, so
 * it is repeated until it succeeds or the client has not sent one. */
static void greet(struct actor *actor, green_socket *socket) {
    uint64_t number = 0;
    long result;
    kernel_forget(green_socket_fd(socket));
    do {
        struct call call;
        call_begin(&call, actor, GREEN_FOREVER);
        result = call_end(&call, green_read_exactly(socket, &number, sizeof number));
        /* After a simulated reset, the bytes can still be read. */
        CHECK(result != -ECONNRESET || kernel_has_reset(green_socket_fd(socket)));
    } while (is_early(result) || result == -ECONNRESET);
    if (result > 0)
        meet(number);
    else
        CHECK(result == 0 || result == -ENODATA);
    green_socket_release(socket);
}

static void welcome(struct actor *actor) {
    struct meeting *meeting = &world.meeting;
    bool is_second = meeting->accepting > 0;
    green_socket *socket = NULL;
    struct call call;
    meeting->accepting++;
    actor->accepting = true;
    call_begin(&call, actor, GREEN_FOREVER);
    long result = green_accept(meeting->listener, &socket);
    meeting->accepting--;
    actor->accepting = false;
    call_end(&call, result);
    if (result == 0)
        greet(actor, socket);
    else
        CHECK(is_early(result) || result == -EMFILE || (result == -EBUSY && (is_second || meeting->accepting > 0)));
}

void meeting_act(struct actor *actor) {
    if (chance(500))
        visit(actor);
    else
        welcome(actor);
}

/* Accepts the remaining clients until it is killed in one of the calls. */
static int accept_rest(void *argument) {
    struct actor *usher = argument;
    for (;;) {
        green_socket *socket;
        int error = green_accept(world.meeting.listener, &socket);
        if (error == 0)
            greet(usher, socket);
        if (error == -ECANCELED || (world.meeting.is_closing && !usher->killed))
            return -ECANCELED;
        CHECK(error == 0 || error == -EMFILE);
    }
}

void meeting_end(void) {
    struct meeting *meeting = &world.meeting;
    struct actor usher = {0};
    green_thread *acceptor = start(accept_rest, &usher);
    for (uint64_t number = 1; number <= meeting->clients; number++)
        for (int waits = 0; meeting->states[number] == LEFT_NUMBER; waits++) {
            CHECK(waits, <, 1000); /* the client is lost */
            CHECK(green_sleep(GREEN_MILLISECOND), ==, 0);
        }
    usher.killed = meeting->is_closing = true;
    CHECK(kill_and_finish(acceptor), ==, -ECANCELED);
    green_listener_release(meeting->listener);
}
