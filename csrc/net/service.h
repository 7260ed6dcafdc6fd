/* A service: the part of a server on one hub. It starts a green thread for each connection.
 *
 * Its connections come from a listener, or are handed over by another hub: see hand_over.c.
 * green_serve() is a service with a listener; a green_server has one service on each hub. */
#ifndef GREEN_NET_SERVICE_H
#define GREEN_NET_SERVICE_H

#include "../base/message.h"
#include "../core/counter.h"
#include "listener.h"

#include <green/serve.h>

typedef struct green_service green_service;

/* What a server on several hubs adds to a service. Called on the hub of the service. */
typedef struct green_service_class {
    /* Whether a client that is accepted now could be handled. */
    bool (*has_room)(green_service *service);
    /* Takes an accepted client for another hub, or returns false. */
    bool (*hand_over)(green_service *service, green_socket *client);
    /* Prepares a client for its handler. Called again after -ENOMEM. */
    int (*prepare)(green_service *service, green_socket *client);
    /* A handler has ended, or waits in a stop: there may be room for another one. */
    void (*made_room)(green_service *service);
    /* The service is about to wait for room, also on other hubs. */
    void (*expect_room)(green_service *service);
    /* No client will be accepted or handed over any more. The serving thread calls it once. */
    void (*accepted_all)(green_service *service);
    /* The last reference was dropped. */
    void (*unused)(green_service *service);
} green_service_class;

struct green_service {
    uint32_t references; /* of the serving thread, and of handlers and stops, which may outlive it */
    green_hub *hub;
    green_listener *listener;         /* NULL: another hub hands over the connections */
    const green_service_class *class; /* NULL: green_serve() */
    green_serve_options options;
    green_handler *handler;
    void *context;
    uint64_t running;                      /* a counter: handlers */
    green_socket *clients;                 /* with a running handler */
    green_socket *waiting, **last_waiting; /* clients whose handler has not started, linked by next */

    bool ended; /* a handler ended the service, whose result is outcome */
    int outcome;
    green_message *message;    /* of the outcome */
    unsigned stops;            /* calls in progress that stop it */
    uint64_t stoppers;         /* a counter: handlers in such a call */
    green_thread *thread;      /* in green__service_run(), or NULL */
    green_interrupt interrupt; /* ends its accept */
    green_wait_list changes;   /* threads that wait for a handler or a stop to end */

    /* Hand-over between hubs. */
    uint64_t assigned;  /* a counter of the accepting hub: clients for this service */
    uint64_t finished;  /* a counter: those of them that have ended */
    bool source_closed; /* no more clients will be handed over */
    bool drops;         /* a stop closes clients that are still handed over */
    int dropped;        /* their number */
};

/* Initializes a service, which is all zero, on the hub of this OS thread. The caller has the
 * first reference, and is the serving thread. */
void green__service_init(green_service *service, green_listener *listener, const green_serve_options *options,
                         green_handler *handler, void *context);
void green__service_release(green_service *service);

/* Serves until the source of connections is closed, a handler ends it, or an error. Returns
 * as green_serve(). */
int green__service_run(green_service *service);

/* Ends green__service_run() with an outcome, unless a handler has ended it. */
void green__service_end(green_service *service, int outcome);

/* Waits until a handler, a stop or the serving thread ends, a client is handed over or closed,
 * or the source is closed. Every change of what a stop or the serving thread waits for is
 * announced. */
int green__service_await(green_service *service, int64_t timeout);
void green__service_announce(green_service *service);

/* Waits up to timeout nanoseconds, after a shortage, for a handler to end on any hub. Returns
 * 0 also if none did. */
int green__service_await_room(green_service *service, int64_t timeout);

/* Appends a client to those that wait for a handler, or takes the first one. */
void green__service_append(green_service *service, green_socket *client);
green_socket *green__service_take(green_service *service);

/* Closes a client whose handler has not started. */
void green__service_lose(green_service *service, green_socket *client);

/* Closes all of them, and returns their number. */
int green__service_drop(green_service *service);

/* Starts the handler of a client. On failure the caller still owns the client. */
int green__service_handle(green_service *service, green_socket *client);

/* The client whose handler is the current thread, or NULL. */
green_socket *green__service_client_here(const green_service *service);

/* Around a handler's call that stops the service of its client. */
void green__service_begin_stop(green_service *service, green_socket *client);
void green__service_end_stop(green_service *service, green_socket *client);

/* Stops accepting, lets handlers end until the deadline, then kills those that are left, as
 * green_listener_stop(). With a limit of 0 it kills at once. inside: a handler stops its own
 * server; then no handler in such a call is waited for or killed. Returns the number of
 * clients whose handler was killed or had not started, or the error that ended the wait. */
int green__service_stop(green_service *service, int64_t limit, int64_t deadline, bool inside);

/* Whether the limit allows another handler. One that waits in a stop does not count. */
static inline bool green__service_has_room(const green_service *service) {
    return service->running - service->stoppers < service->options.concurrency;
}

static inline bool green__service_source_is_closed(const green_service *service) {
    return service->listener ? service->listener->closed : service->source_closed;
}

/* Whether an error means that a resource may be free later. ENOSPC comes from epoll:
 * fs.epoll.max_user_watches. */
static inline bool green__is_shortage(int error) {
    return error == -EMFILE || error == -ENFILE || error == -ENOMEM || error == -ENOBUFS || error == -ENOSPC;
}

/* How long to wait before the next attempt if no descriptor or memory is available, unless a
 * handler ends earlier. */
#define GREEN_SHORTAGE_PAUSE_MIN (INT64_C(10) * 1000 * 1000)
#define GREEN_SHORTAGE_PAUSE_MAX (INT64_C(1000) * 1000 * 1000)

#endif
