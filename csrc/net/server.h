/* A server: one service on each hub of a pool.
 *
 *   GREEN_REUSE_PORT   each service has a listener
 *   GREEN_HAND_OVER    the first service has the listener, and hands over clients
 *
 * Each service runs in a green thread of its hub, started as a remote thread, whose result is
 * that of the service. The records of all services are part of the server. */
#ifndef GREEN_NET_SERVER_H
#define GREEN_NET_SERVER_H

#include "service.h"

#include <green/promise.h>
#include <green/remote_thread.h>
#include <green/server.h>

/* The part of a server on one hub. */
typedef struct green_server_part {
    green_service service; /* of that hub */
    green_server *server;
    green_hub *hub; /* owned by the pool */
    green_remote_thread *thread;
    bool accepts;      /* atomic: it takes clients that are handed over */
    green_post end;    /* ends the service */
    green_post close;  /* closes its listener */
    bool close_posted; /* atomic */
    green_post last;   /* follows the last client that is handed over */
} green_server_part;

/* The states of the message that there is room on another hub. */
enum { GREEN_ROOM_IDLE, GREEN_ROOM_AWAITED, GREEN_ROOM_POSTED };

/* A layer above sockets, such as TLS. All NULL: none. */
typedef struct green_server_layer {
    /* Called on the hub of each client before its handler. */
    int (*prepare)(green_socket *client, void *context);
    /* Called after the last use. */
    void (*forget)(void *context);
    void *context;
} green_server_layer;

struct green_server {
    uint32_t references; /* atomic: of handles, posts on their way and stops; all uses together have one */
    uint32_t uses;       /* atomic: of the context, by each service, and by the start */
    uint32_t generation;
    green_hub_pool *pool;
    green_server_options options;
    green_handler *handler;
    void *context;
    char *on;              /* what the first service resolves */
    green_address address; /* written before the promise `opened` has a value */

    green_server_layer layer;

    green_promise *opened; /* all services have their source of connections, or one has failed */
    green_promise *go;     /* they may serve */
    uint32_t unopened;     /* atomic */
    bool ending;           /* atomic */
    int32_t failed;        /* atomic: the index of the first part that failed, or -1 */

    uint32_t room;        /* atomic: a state of `room_post` */
    green_post room_post; /* to the accepting hub */
    size_t last_picked;   /* of the accepting hub */
    bool handed_over_all; /* atomic: `last` was posted to the other hubs */

    size_t count;
    green_server_part parts[];
};

static inline green_server_part *green__server_part_of(const green_service *service) {
    return GREEN_CONTAINER(service, green_server_part, service);
}

/* As green_server_start(), with a layer, which may be NULL. Its forget() is called on failure,
 * too. */
int green__server_start(green_server **server, const char *on, green_hub_pool *pool,
                        const green_server_options *options, green_handler *handler, void *context,
                        const green_server_layer *layer);

/* Discards the context and the layer, which a server does not use any more. */
void green__server_forget(const green_server_options *options, void *context, const green_server_layer *layer);

/* Posts to the hub of a part. The post has a reference until it has run and called
 * green_server_release(). */
void green__server_post(green_server_part *part, green_post *post, void (*run)(green_post *post, int error));

/* Hand-over: hooks of the services of such a server. */
bool green__hand_over_has_room(green_service *service);
void green__hand_over_expect_room(green_service *service);
bool green__hand_over(green_service *service, green_socket *client);
void green__hand_over_made_room(green_service *service);
void green__hand_over_end(green_service *service);

/* Does the same in place of an accepting hub that has ended, perhaps in use. Any OS thread. */
void green__hand_over_lost(green_server *server);

#endif
