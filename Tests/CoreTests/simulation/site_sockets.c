/* Connected sockets that go from hub to hub: no byte is lost, doubled or out of order. */
#include "sites.h"

#include <sys/socket.h>

enum { STREAMS = 2, BYTES_MAX = 48, CALLS_MAX = 4 };

/* One end of a connection. It is detached, or one actor of a hub uses it. */
struct end {
    green_detached_socket *detached; /* NULL: an actor has it */
    green_socket *socket;            /* then; of the hub of this site */
    int site;
    bool reading; /* the actor does */
    int64_t timeout;
    uint64_t sent, received;
    struct end *peer;
};

static struct end ends[2 * STREAMS];

static char byte_at(uint64_t place) {
    return (char)(place * 7 + place / 251);
}

static void send_some(struct site_actor *actor, struct end *end) {
    struct site_call call;
    char bytes[BYTES_MAX];
    size_t size = 1 + below(BYTES_MAX);
    if (end->sent - end->peer->received > 16384)
        return; /* it never has to wait for room */
    for (size_t i = 0; i < size; i++)
        bytes[i] = byte_at(end->sent + i);
    end->sent += size; /* before, because the peer may receive at once */
    site_call_begin(&call, actor, GREEN_FOREVER);
    ssize_t result = green_write(end->socket, bytes, size);
    if (site_call_end(&call, (int)result) == -ECANCELED)
        end->sent -= size; /* a kill was pending */
    else
        CHECK(result, ==, size);
}

static int receive_some(struct site_actor *actor, struct end *end) {
    struct site_call call;
    const char *bytes;
    site_call_begin(&call, actor, end->timeout);
    end->reading = true;
    ssize_t result = green_receive(end->socket, (const void **)&bytes);
    end->reading = false;
    if (result < 0) {
        (void)site_call_end(&call, (int)result);
        CHECK(result == -ECANCELED || result == -ETIMEDOUT);
        return (int)result;
    }
    CHECK(result, >, 0);
    CHECK(end->received + (uint64_t)result, <=, end->peer->sent);
    size_t taken = 1 + below((uint32_t)result);
    for (size_t i = 0; i < taken; i++)
        CHECK(bytes[i], ==, byte_at(end->received + i));
    end->received += taken;
    green_consume(end->socket, taken);
    return 0;
}

/* Another actor of the hub cannot detach a socket in use. */
static void detach_in_use(const struct site_actor *actor, const struct end *end) {
    green_detached_socket *detached;
    if (end->socket && end->site == actor->site->number && end->reading)
        CHECK(green_socket_detach(end->socket, &detached), ==, -EBUSY);
}

static void use(struct site_actor *actor, struct end *end) {
    green_detached_socket *detached = end->detached;
    int64_t timeouts[2];
    end->detached = NULL;
    end->site = actor->site->number;
    CHECK(green_socket_attach(&end->socket, detached), ==, 0);
    green_socket_timeouts(end->socket, &timeouts[0], &timeouts[1]);
    CHECK(timeouts[0], ==, end->timeout);
    bool is_killable = actor->thread && !actor->is_remote;
    end->timeout = is_killable ? some_timeout() : below(GREEN_MILLISECOND);
    green_socket_set_timeouts(end->socket, end->timeout, GREEN_FOREVER);
    for (uint32_t i = 1 + below(CALLS_MAX); i > 0; i--)
        if (chance(500))
            send_some(actor, end);
        else if (receive_some(actor, end) < 0)
            break;
    CHECK(green_socket_detach(end->socket, &detached), ==, 0);
    green_socket_release(end->socket);
    end->socket = NULL;
    end->detached = detached;
}

void sockets_act(struct site_actor *actor) {
    struct end *end = &ends[below(2 * STREAMS)];
    if (!actor->site->has_hub || actor->site->dies)
        return;
    if (end->detached)
        use(actor, end);
    else
        detach_in_use(actor, end);
}

/* Made by a hub of the test, before the run. */
void sockets_begin(void) {
    for (int i = 0; i < STREAMS; i++) {
        green_socket *pair[2];
        CHECK(green_socket_pair(&pair[0], &pair[1]), ==, 0);
        for (int side = 0; side < 2; side++) {
            struct end *end = &ends[2 * i + side];
            *end = (struct end){.timeout = GREEN_FOREVER, .peer = &ends[2 * i + !side]};
            CHECK(green_socket_detach(pair[side], &end->detached), ==, 0);
            green_socket_release(pair[side]);
        }
    }
}

void sockets_end(void) {
    for (int i = 0; i < 2 * STREAMS; i++) {
        CHECK(ends[i].detached != NULL);
        green_detached_socket_free(ends[i].detached);
    }
}
