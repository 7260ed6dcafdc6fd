/* Servers on all hubs of a pool: start, serve, wait. */
#include "server.h"

#include "../core/fork.h"
#include "../core/shared_wait.h"
#include "address.h"

#include <stdlib.h>
#include <string.h>

/* Uses and owners ------------------------------------------------------------ */

static void drop_reference(green_server *server) {
    if (__atomic_sub_fetch(&server->references, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    for (size_t i = 0; i < server->count; i++)
        green_remote_thread_release(server->parts[i].thread); /* reports an error that no call returned */
    green_promise_release(server->opened);
    green_promise_release(server->go);
    free(server->on);
    free(server);
}

void green__server_forget(const green_server_options *options, void *context, const green_server_layer *layer) {
    if (options && options->serve.discard)
        options->serve.discard(context);
    if (layer && layer->forget)
        layer->forget(layer->context);
}

/* The last use of the context has ended. */
static void unuse(green_server *server) {
    if (__atomic_sub_fetch(&server->uses, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    green__server_forget(&server->options, server->context, &server->layer);
    green_hub_pool_release(server->pool);
    drop_reference(server);
}

void green__server_post(green_server_part *part, green_post *post, void (*run)(green_post *post, int error)) {
    green_server_retain(part->server);
    post->run = run;
    if (green_hub_post(part->hub, post) < 0)
        run(post, -ESRCH);
}

green_server *green_server_retain(green_server *server) {
    __atomic_fetch_add(&server->references, 1, __ATOMIC_RELAXED);
    return server;
}

/* The child of a fork has copies of the listeners. */
static void release_after_fork(green_server *server) {
    if (__atomic_sub_fetch(&server->references, 1, __ATOMIC_RELAXED) > 1)
        return;
    for (size_t i = 0; i < server->count; i++)
        green_listener_release(server->parts[i].service.listener);
}

void green_server_release(green_server *server) {
    if (server && green__is_inherited(server->generation))
        release_after_fork(server);
    else if (server)
        drop_reference(server);
}

/* The end of a service ------------------------------------------------------- */

static void run_end(green_post *post, int error) {
    green_server_part *part = GREEN_CONTAINER(post, green_server_part, end);
    if (error == 0 && part->service.thread)
        green__service_end(&part->service, 0);
    drop_reference(part->server);
}

/* Ends all services, once. */
static void end_all(green_server *server) {
    if (__atomic_exchange_n(&server->ending, true, __ATOMIC_RELAXED))
        return;
    (void)green_promise_fail(server->go, -ESHUTDOWN);
    for (size_t i = 0; i < server->count; i++) {
        green__server_post(&server->parts[i], &server->parts[i].end, run_end);
    }
}

/* The result of the first part that fails is that of the server. */
static void fail(green_server_part *part) {
    green_server *server = part->server;
    int32_t none = -1;
    __atomic_compare_exchange_n(&server->failed, &none, (int32_t)(part - server->parts), false, __ATOMIC_RELAXED,
                                __ATOMIC_RELAXED);
    (void)green_promise_fail(server->opened, -ESHUTDOWN);
}

static int finish(green_server_part *part, int result) {
    green_message_copy message; /* of the result: the calls below may fail */
    green__message_save(&message);
    if (green__is_interrupt(result))
        result = -ECANCELED; /* the hub is closed */
    __atomic_store_n(&part->accepts, false, __ATOMIC_RELAXED);
    if (part->service.listener)
        green_listener_close(part->service.listener);
    if (result < 0)
        fail(part);
    if (result < 0 || part->service.ended)
        end_all(part->server);
    green__service_release(&part->service);
    green__message_restore(&message);
    return result;
}

/* The services of a server --------------------------------------------------- */

static bool always_stays(green_service *service, green_socket *client) {
    (void)service, (void)client;
    return false;
}

static int prepare(green_service *service, green_socket *client) {
    green_server *server = green__server_part_of(service)->server;
    return server->layer.prepare && !client->transport ? server->layer.prepare(client, server->layer.context) : 0;
}

static void do_nothing(green_service *service) {
    (void)service;
}

static void unused(green_service *service) {
    if (service->listener) {
        service->listener->service = NULL;
        green_listener_release(service->listener);
    }
    green_listener_release(service->listener);
    unuse(green__server_part_of(service)->server);
}

static bool has_room(green_service *service) {
    return green__service_has_room(service);
}

static const green_service_class separate = {
    has_room, always_stays, prepare, do_nothing, do_nothing, do_nothing, unused,
};
static const green_service_class accepting = {
    green__hand_over_has_room,    green__hand_over,     prepare, do_nothing,
    green__hand_over_expect_room, green__hand_over_end, unused,
};
static const green_service_class receiving = {
    has_room, always_stays, prepare, green__hand_over_made_room, do_nothing, do_nothing, unused,
};

static bool hands_over(const green_server *server) {
    return server->options.distribution == GREEN_HAND_OVER;
}

static bool is_first(const green_server_part *part) {
    return part == part->server->parts;
}

/* The first listener decides the address, with the port, and the kind of distribution. */
static int open_first(green_server *server, green_listener **listener) {
    int count = green_resolve(&server->address, 1, server->on);
    if (count < 0)
        return count;
    if (server->address.storage.ss_family == AF_UNIX || server->count == 1)
        server->options.distribution = GREEN_HAND_OVER;
    server->options.listen.reuse_port = !hands_over(server);
    int error = green_listen_address(listener, &server->address, &server->options.listen);
    return error < 0 ? error : green_listener_address(*listener, &server->address);
}

static int open_part(green_server_part *part) {
    green_server *server = part->server;
    green_listener *listener = NULL;
    int error = 0;
    if (is_first(part))
        error = open_first(server, &listener);
    else if (!hands_over(server))
        error = green_listen_address(&listener, &server->address, &server->options.listen);
    green__service_init(&part->service, listener, &server->options.serve, server->handler, server->context);
    part->service.class = !hands_over(server) ? &separate : is_first(part) ? &accepting : &receiving;
    if (listener) {
        green_listener_retain(listener); /* one reference of the server, and one of the service */
        listener->service = &part->service;
        listener->on_close = green__service_announce;
    }
    return error;
}

static int spawn_part(green_server_part *part);

static int spawn_others(green_server *server) {
    int error = 0;
    for (size_t i = 1; i < server->count && error == 0; i++)
        error = spawn_part(&server->parts[i]);
    return error;
}

static void report_opened(green_server *server) {
    if (__atomic_sub_fetch(&server->unopened, 1, __ATOMIC_ACQ_REL) == 0)
        (void)green_promise_send(server->opened, NULL);
}

/* The function of the serving thread. */
static int serve(void *argument) {
    green_server_part *part = argument;
    green_service *service = &part->service;
    int error = open_part(part);
    if (error == 0 && is_first(part))
        error = spawn_others(part->server);
    if (error == 0) {
        __atomic_store_n(&part->accepts, true, __ATOMIC_RELEASE);
        report_opened(part->server);
        error = green_promise_wait(part->server->go, NULL, GREEN_FOREVER) < 0 ? -ECANCELED : 0;
    }
    if (error < 0 && !service->ended) {
        service->ended = true;
        service->outcome = error;
    }
    return finish(part, green__service_run(service));
}

/* There was no memory for the serving thread, or its hub has ended. */
static void never_served(void *argument) {
    green_server_part *part = argument;
    fail(part);
    end_all(part->server);
    unuse(part->server);
}

static int spawn_part(green_server_part *part) {
    const green_spawn_options options = {.name = "server", .discard = never_served};
    __atomic_fetch_add(&part->server->uses, 1, __ATOMIC_RELAXED);
    int error = green_hub_spawn(part->hub, &part->thread, &options, serve, part);
    if (error < 0)
        __atomic_sub_fetch(&part->server->uses, 1, __ATOMIC_RELAXED); /* not the last */
    return error;
}

/* Starting and waiting ------------------------------------------------------- */

static int server_make(green_server **made, const char *on, green_hub_pool *pool) {
    size_t count = green_hub_pool_count(pool);
    green_server *server = calloc(1, sizeof *server + count * sizeof *server->parts);
    if (!server)
        return green__fail(-ENOMEM, "cannot start a server");
    *server = (green_server){.references = 1, .uses = 1, .generation = green__generation, .failed = -1};
    server->count = server->unopened = (uint32_t)count;
    server->on = strdup(on);
    int error = server->on ? 0 : green__fail(-ENOMEM, "cannot start a server");
    if (error == 0)
        error = green_promise_make(&server->opened);
    if (error == 0)
        error = green_promise_make(&server->go);
    if (error < 0) {
        drop_reference(server);
        return error;
    }
    server->pool = green_hub_pool_retain(pool);
    for (size_t i = 0; i < count; i++) {
        server->parts[i].server = server;
        server->parts[i].hub = green_hub_pool_hub(pool, i);
    }
    *made = server;
    return 0;
}

/* Waits for the serving threads. Returns 0 or the error of the wait. */
static int join(green_server *server, int64_t deadline) {
    int error = 0;
    for (size_t i = 0; i < server->count && error == 0; i++)
        if (server->parts[i].thread)
            error = green_remote_thread_wait(server->parts[i].thread, NULL, green__time_left(deadline));
    return error;
}

/* The result of a server whose serving threads have ended, with its message. */
static int result_of(green_server *server) {
    int32_t failed = __atomic_load_n(&server->failed, __ATOMIC_RELAXED);
    int result = 0;
    if (failed < 0)
        return 0;
    int error = green_remote_thread_wait(server->parts[failed].thread, &result, 0);
    if (error == 0 && result == -ECANCELED)
        error = green__fail(-ESRCH, "the hubs of a server were closed");
    return error < 0 ? error : result;
}

static int open_all(green_server *server, green_server **made) {
    int error = spawn_part(&server->parts[0]);
    if (error < 0)
        return error;
    error = green_promise_wait(server->opened, NULL, GREEN_FOREVER);
    if (error == 0) {
        *made = server; /* before the first handler runs, which may stop its server */
        if (green_promise_send(server->go, NULL) == 0)
            return 0;
    }
    end_all(server);
    if (green__is_interrupt(error) || (error = join(server, GREEN_NEVER)) < 0)
        return error;
    error = result_of(server);
    return error < 0 ? error : -ESRCH;
}

int green__server_start(green_server **made, const char *on, green_hub_pool *pool, const green_server_options *options,
                        green_handler *handler, void *context, const green_server_layer *layer) {
    green_server *server = NULL;
    int error = green__shared_begin(GREEN_FOREVER);
    if (error == 0)
        error = server_make(&server, on, pool);
    if (error < 0) {
        green__server_forget(options, context, layer);
        return error;
    }
    if (options)
        server->options = *options;
    if (server->options.distribution == GREEN_DISTRIBUTE_DEFAULT)
        server->options.distribution = GREEN_HAND_OVER;
    server->handler = handler;
    server->context = context;
    if (layer)
        server->layer = *layer;
    green_server_retain(server);
    error = open_all(server, made);
    unuse(server);
    if (error < 0)
        green_server_release(server);
    return error;
}

int green_server_start(green_server **server, const char *on, green_hub_pool *pool, const green_server_options *options,
                       green_handler *handler, void *context) {
    return green__server_start(server, on, pool, options, handler, context, NULL);
}

void green_server_address(const green_server *server, green_address *address) {
    *address = server->address;
}

int green_server_wait(green_server *server, int64_t timeout) {
    if (green__is_inherited(server->generation))
        return green__fail(-EXDEV, "cannot wait for a server of the process before the fork");
    int error = join(server, green__deadline_after(timeout));
    if (error == -ETIMEDOUT)
        return green__fail_timed_out(timeout, "the server has not ended");
    return error < 0 ? error : result_of(server);
}

size_t green_server_running(const green_server *server, size_t hub) {
    return green__counter_read(&server->parts[hub].service.running);
}
