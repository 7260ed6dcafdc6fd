/* Stopping a server: a stop of each service, in a green thread of its hub, all at the same
 * time. */
#include "server.h"

#include "../core/fork.h"

#include <stdlib.h>

/* The stop of one service. */
struct part_stop {
    green_server_part *part;
    struct server_stop *stop;
    green_remote_thread *thread; /* NULL: its hub has ended, or it could not start */
};

struct server_stop {
    uint32_t references; /* atomic: of the caller, and of the threads */
    green_server *server;
    int64_t limit, deadline;
    bool inside; /* a handler of the server has called */
    struct part_stop parts[];
};

static void release(struct server_stop *stop) {
    if (__atomic_sub_fetch(&stop->references, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    green_server_release(stop->server);
    free(stop);
}

static int stop_part(void *argument) {
    const struct part_stop *mine = argument;
    green_service *service = &mine->part->service;
    struct server_stop *stop = mine->stop;
    int result = 0;
    if (service->references > 0)
        result = green__service_stop(service, stop->limit, stop->deadline, stop->inside);
    release(stop);
    return result;
}

static void never_stopped(void *argument) {
    release(((struct part_stop *)argument)->stop);
}

static int start_stops(struct server_stop *stop) {
    const green_spawn_options options = {.name = "server stop", .discard = never_stopped};
    int error = 0;
    for (size_t i = 0; i < stop->server->count; i++)
        stop->parts[i] = (struct part_stop){.part = &stop->server->parts[i], .stop = stop};
    for (size_t i = 0; i < stop->server->count && error == 0; i++) {
        struct part_stop *part = &stop->parts[i];
        __atomic_fetch_add(&stop->references, 1, __ATOMIC_RELAXED);
        error = green_hub_spawn(part->part->hub, &part->thread, &options, stop_part, part);
        if (error < 0) {
            part->thread = NULL;
            release(stop); /* not the last reference */
        }
        if (error == -ESRCH)
            error = 0; /* the hub has ended, with all handlers */
    }
    return error;
}

static void run_close(green_post *post, int error) {
    green_server_part *part = GREEN_CONTAINER(post, green_server_part, close);
    if (error == 0 && part->service.references > 0 && part->service.listener)
        green_listener_close(part->service.listener); /* a post must not block: see green_listener_close() */
    green_server_release(part->server);
}

/* Closes the listeners without waiting, also where no thread can start. */
static void close_listeners(green_server *server) {
    for (size_t i = 0; i < server->count; i++)
        if (!__atomic_exchange_n(&server->parts[i].close_posted, true, __ATOMIC_RELAXED))
            green__server_post(&server->parts[i], &server->parts[i].close, run_close);
}

/* The caller was interrupted, or one hub had no memory, for which the others must not wait. */
static void abandon(struct server_stop *stop) {
    close_listeners(stop->server);
    for (size_t i = 0; i < stop->server->count; i++)
        if (stop->parts[i].thread)
            green_remote_thread_kill(stop->parts[i].thread);
}

/* Returns the result of one stop, or the error that ended the wait for it. */
static int await_stop(const struct part_stop *part) {
    green_server *server = part->stop->server;
    int result = 0;
    int error = part->thread ? green_remote_thread_wait(part->thread, &result, GREEN_FOREVER) : -ESRCH;
    if (error == -ESRCH && part->part == server->parts)
        green__hand_over_lost(server);
    if (error == -ESRCH || (error == 0 && green__is_interrupt(result)))
        return 0; /* its hub was closed, with all handlers */
    return error < 0 ? error : result;
}

/* Returns the sum of the results, or the first error. The accepting hub is the first; the
 * others wait for it, and it waits for none. If its OS thread has ended in use, it has not
 * posted to them that no client will follow. */
static int await_stops(struct server_stop *stop) {
    int sum = 0;
    for (size_t i = 0; i < stop->server->count; i++) {
        int result = await_stop(&stop->parts[i]);
        if (result < 0) {
            abandon(stop);
            return result;
        }
        sum += result;
    }
    return sum;
}

/* The service whose handler is the current thread, or NULL. */
static green_service *service_here(green_server *server, green_socket **client) {
    for (size_t i = 0; green__hub && i < server->count; i++) {
        green_service *service = &server->parts[i].service;
        if (server->parts[i].hub == green__hub && (*client = green__service_client_here(service)))
            return service;
    }
    return NULL;
}

int green_server_stop(green_server *server, int64_t limit) {
    if (green__is_inherited(server->generation))
        return green__fail(-EXDEV, "cannot stop a server of the process before the fork");
    struct server_stop *stop = malloc(sizeof *stop + server->count * sizeof *stop->parts);
    if (!stop) {
        close_listeners(server);
        return green__fail(-ENOMEM, "cannot stop a server");
    }
    green_socket *client = NULL;
    green_service *service = service_here(server, &client);
    *stop = (struct server_stop){1, green_server_retain(server), limit, green__deadline_after(limit), service != NULL};
    if (service)
        green__service_begin_stop(service, client);
    int result = start_stops(stop);
    if (result < 0)
        abandon(stop);
    else
        result = await_stops(stop);
    if (service)
        green__service_end_stop(service, client);
    for (size_t i = 0; i < server->count; i++)
        green_remote_thread_release(stop->parts[i].thread);
    release(stop);
    return result;
}
