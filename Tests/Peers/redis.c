/* Redis by hiredis, in its blocking calls. */
#include "peers.h"

#include <hiredis/hiredis.h>
#include <signal.h>

static redisContext *store(void) {
    redisContext *context = redisConnect("127.0.0.1", atoi(peer("GREEN_PEERS_REDIS")));
    CHECK(context != NULL);
    CHECK_TEXT(context->errstr, "");
    return context;
}

/* A command and its result. */
struct command {
    redisContext *context;
    const char *text;
    char value[128]; /* "" if there is none */
};

static int make_command(void *argument) {
    struct command *command = argument;
    redisReply *reply = redisCommand(command->context, command->text);
    command->value[0] = 0;
    if (reply) {
        CHECK(reply->type, !=, REDIS_REPLY_ERROR);
        const redisReply *last = reply->elements > 0 ? reply->element[reply->elements - 1] : reply;
        snprintf(command->value, sizeof command->value, "%s", last->str ? last->str : "");
        freeReplyObject(reply);
    }
    return reply ? REDIS_OK : REDIS_ERR;
}

__attribute__((format(printf, 3, 4))) static void expect_reply(redisContext *context, const char *value,
                                                               const char *format, ...) {
    char text[128];
    va_list values;
    va_start(values, format);
    vsnprintf(text, sizeof text, format, values);
    va_end(values);
    struct command command = {.context = context, .text = text};
    CHECK(make_command(&command), ==, REDIS_OK);
    CHECK_TEXT(command.value, value);
}

static size_t waiting;

/* Function of a thread: waits for an element of its own list, and stores it. */
static int pop_and_store(void *argument) {
    int number = *(int *)argument;
    char value[16];
    snprintf(value, sizeof value, "v%d", number);
    redisContext *context = store();
    waiting++;
    expect_reply(context, value, "BLPOP list-%d-%d 0", (int)getpid(), number);
    waiting--;
    expect_reply(context, "OK", "SET key-%d-%d %s", (int)getpid(), number, value);
    expect_reply(context, value, "GET key-%d-%d", (int)getpid(), number);
    redisFree(context);
    return 0;
}

TEST(hundred, "a hundred threads wait in Redis for elements that another one pushes") {
    enum { COUNT = 100 };
    green_thread *threads[COUNT];
    int numbers[COUNT];
    green_patch *patch = import("libhiredis.so.0.14");
    redisContext *context = store();
    for (int i = 0; i < COUNT; i++) {
        numbers[i] = i;
        threads[i] = start(pop_and_store, &numbers[i]);
    }
    UNTIL(waiting == COUNT);
    int64_t begin = green_now();
    for (int i = COUNT - 1; i >= 0; i--)
        expect_reply(context, "", "RPUSH list-%d-%d v%d", (int)getpid(), i, i);
    for (int i = 0; i < COUNT; i++)
        CHECK(finish(threads[i]), ==, 0);
    figure("hiredis: %d pushes to as many that wait, which store and read: %.3f s", COUNT, seconds_since(begin));
    redisFree(context);
    CHECK(green_unpatch(patch), ==, 0);
}

TEST(refused, "a refused connection is reported as such") {
    green_patch *patch = import("libhiredis.so.0.14");
    CHECK(green_yield(), ==, 0);
    redisContext *context = redisConnect("127.0.0.1", refusing_port());
    CHECK(context->err, ==, REDIS_ERR_IO);
    CHECK_TEXT(context->errstr, "Connection refused");
    redisFree(context);
    CHECK(green_unpatch(patch), ==, 0);
}

/* The server that tests kill takes a moment to restart. */
static redisContext *victim(void) {
    redisContext *context;
    int port = atoi(peer("GREEN_PEERS_REDIS_VICTIM"));
    UNTIL((context = redisConnect("127.0.0.1", port), context->err == 0) || (redisFree(context), false));
    return context;
}

static pid_t process_of(redisContext *context) {
    redisReply *reply = redisCommand(context, "INFO server");
    CHECK(reply != NULL);
    const char *line = strstr(reply->str, "process_id:");
    CHECK(line != NULL);
    pid_t process = atoi(strchr(line, ':') + 1);
    freeReplyObject(reply);
    return process;
}

TEST(killed, "a server that is killed during a command is an error of hiredis") {
    green_patch *patch = import("libhiredis.so.0.14");
    struct command command = {.context = victim(), .text = "BLPOP nothing 0"};
    struct call call = {.make = make_command, .argument = &command};
    pid_t process = process_of(command.context);
    green_thread *thread = start(run_call, &call);
    UNTIL(call.is_inside);
    CHECK(kill(process, SIGKILL), ==, 0);
    CHECK(finish(thread), ==, 0);
    CHECK(call.result, ==, REDIS_ERR);
    if (command.context->err == REDIS_ERR_IO)
        CHECK_TEXT(command.context->errstr, "Connection reset by peer");
    else
        CHECK_TEXT(command.context->errstr, "Server closed the connection");
    redisFree(command.context);
    CHECK(green_unpatch(patch), ==, 0);
}

TEST(own_timeout, "a timeout of hiredis ends a command") {
    green_patch *patch = import("libhiredis.so.0.14");
    struct command command = {.context = store(), .text = "BLPOP nothing 0"};
    CHECK(redisSetTimeout(command.context, (struct timeval){.tv_usec = 100 * 1000}), ==, REDIS_OK);
    CHECK(green_yield(), ==, 0);
    CHECK(make_command(&command), ==, REDIS_ERR);
    CHECK(command.context->err, ==, REDIS_ERR_IO);
    CHECK_TEXT(command.context->errstr, strerror(EAGAIN));
    redisFree(command.context);
    CHECK(green_unpatch(patch), ==, 0);
}

TEST(interrupted, "a green timeout and a kill end a command as errors of hiredis") {
    green_patch *patch = import("libhiredis.so.0.14");
    struct command command = {.context = store(), .text = "BLPOP nothing 0"};
    struct call call = {.make = make_command, .argument = &command, .limit = 100 * GREEN_MILLISECOND};
    CHECK(run_call(&call), ==, 0);
    CHECK(call.is_late);
    CHECK(call.result, ==, REDIS_ERR);
    CHECK(command.context->err, ==, REDIS_ERR_IO);
    CHECK_TEXT(command.context->errstr, strerror(ETIMEDOUT));
    CHECK(redisReconnect(command.context), ==, REDIS_OK);

    call.limit = 0;
    kill_call(&call);
    CHECK(call.result, ==, REDIS_ERR);
    CHECK(command.context->err, ==, REDIS_ERR_IO);
    CHECK_TEXT(command.context->errstr, strerror(ECANCELED));
    redisFree(command.context);
    CHECK(green_unpatch(patch), ==, 0);
}
