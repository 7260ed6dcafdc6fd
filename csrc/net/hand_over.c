/* Handing over: one hub accepts, and each client goes to the hub with the fewest.
 *
 * The record of an accepted socket, which nothing has used yet, carries the client to the
 * hub. The inbox of a hub keeps the order, so the post `last` follows all clients. Until then
 * a stop of the service there waits, and no accepted client is lost. */
#include "server.h"

#include "../core/inbox.h"

#include <stdlib.h>
#include <unistd.h>

/* The number of clients that a hub has, or will have. */
static uint64_t load_of(const green_service *service) {
    return green__counter_read(&service->assigned) - green__counter_read(&service->finished);
}

static bool takes_another(const green_server_part *part) {
    const green_service *service = &part->service;
    return __atomic_load_n(&part->accepts, __ATOMIC_ACQUIRE) &&
           load_of(service) < service->options.concurrency + green__counter_read(&service->stoppers);
}

/* Returns the part with the fewest clients, or NULL if all are full. Of several, the next in
 * turn: so the accepting hub keeps some of its time for accepting. */
static green_server_part *pick(green_server *server) {
    green_server_part *best = NULL;
    for (size_t i = 1; i <= server->count; i++) {
        green_server_part *part = &server->parts[(server->last_picked + i) % server->count];
        if (takes_another(part) && (!best || load_of(&part->service) < load_of(&best->service)))
            best = part;
    }
    return best;
}

static bool has_room(const green_server *server) {
    for (size_t i = 0; i < server->count; i++)
        if (takes_another(&server->parts[i]))
            return true;
    return false;
}

/* Room --------------------------------------------------------------------- */

/* Not a plain store: handlers that found the state POSTED before it sent no message, so their
 * counters must be visible after it. */
static void announce_room(green_post *post, int error) {
    green_server *server = GREEN_CONTAINER(post, green_server, room_post);
    (void)__atomic_exchange_n(&server->room, GREEN_ROOM_IDLE, __ATOMIC_ACQ_REL);
    if (error == 0)
        green__service_announce(&server->parts[0].service);
    green_server_release(server);
}

/* If there is none, asks the other hubs for a message, and looks again. Both sides modify
 * `room` between their access to the counters of the service and that of the other side, so
 * a handler that ends meanwhile is seen, or sees that it is awaited. */
bool green__hand_over_has_room(green_service *service) {
    green_server *server = green__server_part_of(service)->server;
    if (has_room(server))
        return true;
    green__hand_over_expect_room(service);
    return has_room(server);
}

void green__hand_over_expect_room(green_service *service) {
    green_server *server = green__server_part_of(service)->server;
    uint32_t idle = GREEN_ROOM_IDLE;
    __atomic_compare_exchange_n(&server->room, &idle, GREEN_ROOM_AWAITED, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

void green__hand_over_made_room(green_service *service) {
    green_server *server = green__server_part_of(service)->server;
    uint32_t awaited = GREEN_ROOM_AWAITED;
    if (__atomic_fetch_or(&server->room, 0, __ATOMIC_ACQ_REL) == GREEN_ROOM_AWAITED &&
        __atomic_compare_exchange_n(&server->room, &awaited, GREEN_ROOM_POSTED, false, __ATOMIC_ACQ_REL,
                                    __ATOMIC_RELAXED))
        green__server_post(&server->parts[0], &server->room_post, announce_room);
}

/* Clients ------------------------------------------------------------------- */

/* A client that arrives too late is closed, as one that waits for its handler is. */
static void refuse(green_service *service, green_socket *client) {
    service->dropped += service->drops;
    close(client->fd);
    free(client);
    green__counter_increment(&service->finished);
    green__hand_over_made_room(service);
}

/* In the event loop of the hub of the client, or at the end of its OS thread. */
static void arrive(green_post *post, int error) {
    green_socket *client = GREEN_CONTAINER(post, green_socket, post);
    green_service *service = client->service;
    if (error < 0 || !service->thread || service->drops) {
        refuse(service, client);
        return;
    }
    service->hub->sockets++;
    green__service_append(service, client);
    green__service_announce(service);
}

static int send_to(green_server_part *part, green_socket *client) {
    green_hub *from = client->hub;
    client->hub = part->hub;
    client->post.deliver = arrive;
    from->sockets--;
    int error = green__inbox_post(part->hub, &client->post);
    if (error < 0) {
        from->sockets++;
        client->hub = from;
    }
    return error;
}

bool green__hand_over(green_service *service, green_socket *client) {
    green_server_part *own = green__server_part_of(service), *part;
    green_server *server = own->server;
    if (client->service)
        return false; /* it was assigned to this hub before */
    for (;;) {
        part = pick(server);
        if (!part)
            part = own;
        client->service = &part->service;
        green__counter_increment(&part->service.assigned);
        server->last_picked = (size_t)(part - server->parts);
        if (part == own)
            return false;
        if (send_to(part, client) == 0)
            return true;
        green__counter_decrement(&part->service.assigned);
        __atomic_store_n(&part->accepts, false, __ATOMIC_RELAXED); /* its hub has ended */
    }
}

static void run_last(green_post *post, int error) {
    green_server_part *part = GREEN_CONTAINER(post, green_server_part, last);
    part->service.source_closed = true;
    if (error == 0 && part->service.hub) /* it has started */
        green__service_announce(&part->service);
    green_server_release(part->server);
}

void green__hand_over_end(green_service *service) {
    green_server *server = green__server_part_of(service)->server;
    if (__atomic_exchange_n(&server->handed_over_all, true, __ATOMIC_RELAXED))
        return;
    for (size_t i = 1; i < server->count; i++) {
        green__server_post(&server->parts[i], &server->parts[i].last, run_last);
    }
}

void green__hand_over_lost(green_server *server) {
    if (server->options.distribution == GREEN_HAND_OVER)
        green__hand_over_end(&server->parts[0].service);
}
