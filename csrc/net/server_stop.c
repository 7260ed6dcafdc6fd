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
    int result = 0;
    for (size_t i = 0; i < stop->server->count; i++) {
        struct part_stop *part = &stop->parts[i];
        *part = (struct part_stop){.part = &stop->server->parts[i], .stop = stop};
        __atomic_fetch_add(&stop->references, 1, __ATOMIC_RELAXED);
        int error = green_hub_spawn(part->part->hub, &part->thread, &options, stop_part, part);
        if (error == 0)
            continue;
        part->thread = NULL;
        release(stop); /* not the last reference */
        if (error != -ESRCH)
            result = error;
    }
    return result;
}

static void run_close(green_post *post, int error) {
    green_server_part *part = GREEN_CONTAINER(post, green_server_part, close);
    if (error == 0 && part->service.references > 0 && part->service.listener)
        green_listener_close(part->service.listener); /* a post must not block: see green_listener_close() */
    green_server_release(part->server);
}

/* The caller was interrupted: closes the listeners, also if the threads never start. */
static void abandon(struct server_stop *stop) {
    for (size_t i = 0; i < stop->server->count; i++) {
        green_server_part *part = &stop->server->parts[i];
        if (!__atomic_exchange_n(&part->close_posted, true, __ATOMIC_RELAXED))
            green__server_post(part, &part->close, run_close);
        if (stop->parts[i].thread)
            green_remote_thread_kill(stop->parts[i].thread);
    }
}

/* Returns the sum of the results, or the first error. */
static int await_stops(struct server_stop *stop) {
    int sum = 0, error = 0;
    for (size_t i = 0; i < stop->server->count && error == 0; i++) {
        int result = 0;
        if (stop->parts[i].thread)
            error = green_remote_thread_wait(stop->parts[i].thread, &result, GREEN_FOREVER);
        if (error == -ESRCH)
            error = result = 0; /* its hub has ended, with all handlers */
        if (error < 0)
            abandon(stop);
        else if (result < 0)
            sum = sum < 0 ? sum : result;
        else if (sum >= 0)
            sum += result;
    }
    return error < 0 ? error : sum;
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
    if (!stop)
        return green__fail(-ENOMEM, "cannot stop a server");
    green_socket *client = NULL;
    green_service *service = service_here(server, &client);
    *stop = (struct server_stop){1, green_server_retain(server), limit, green__deadline_after(limit), service != NULL};
    if (service)
        green__service_begin_stop(service, client);
    int error = start_stops(stop);
    int result = await_stops(stop);
    if (service)
        green__service_end_stop(service, client);
    for (size_t i = 0; i < server->count; i++)
        green_remote_thread_release(stop->parts[i].thread);
    release(stop);
    return error < 0 && result >= 0 ? error : result;
}
