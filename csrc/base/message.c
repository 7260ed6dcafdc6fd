#include "message.h"

#include <stdlib.h>
#include <string.h>

struct green_message {
    int error;
    green_message_details details;
    const char *text; /* after the structure */
};

/* The message of the OS thread, or of a green thread that could not allocate one. */
static _Thread_local struct {
    green_message **owner; /* NULL: the OS thread */
    green_message message;
    char text[GREEN_MESSAGE_MAX];
} os_thread_message;

/* Marks a green thread that could not allocate its message; see os_thread_message. */
static green_message allocation_failed;

static green_message_slot_finder *find_slot;

void green__message_set_slot_finder(green_message_slot_finder *find) {
    __atomic_store_n(&find_slot, find, __ATOMIC_RELAXED);
}

static green_message **slot_here(void) {
    green_message_slot_finder *find = __atomic_load_n(&find_slot, __ATOMIC_RELAXED);
    return find ? find() : NULL;
}

/* The caller's last message, or NULL. */
static green_message *current(green_message **slot) {
    if (slot && *slot != &allocation_failed)
        return *slot;
    return os_thread_message.owner == slot ? &os_thread_message.message : NULL;
}

static void release(green_message **slot) {
    if (*slot != &allocation_failed)
        free(*slot);
}

green_message_details green__message_details(void) {
    const green_message *message = current(slot_here());
    return message ? message->details : (green_message_details){0};
}

void green__message_set_details(green_message_details details) {
    green_message *message = current(slot_here());
    if (message)
        message->details = details;
}

static void store_for_os_thread(green_message **owner, green_message message) {
    if (message.text != os_thread_message.text)
        strncpy(os_thread_message.text, message.text, sizeof os_thread_message.text - 1);
    message.text = os_thread_message.text;
    os_thread_message.owner = owner;
    os_thread_message.message = message;
}

static green_message *copy(green_message message) {
    size_t size = strlen(message.text) + 1;
    green_message *made = malloc(sizeof *made + size);
    if (!made)
        return NULL;
    message.text = memcpy(made + 1, message.text, size);
    *made = message;
    return made;
}

static void keep(green_message **slot, green_message message) {
    if (!slot) {
        store_for_os_thread(NULL, message);
        return;
    }
    green_message *made = copy(message);
    if (!made) {
        store_for_os_thread(slot, message);
        made = &allocation_failed;
    }
    release(slot);
    *slot = made;
}

void green__message_store(int error, const char *text) {
    keep(slot_here(), (green_message){error, green__message_details(), text});
}

const char *green__message_find_in(green_message **slot, int error) {
    const green_message *message = current(slot);
    return message && message->error == error ? message->text : NULL;
}

const char *green__message_find(int error) {
    return green__message_find_in(slot_here(), error);
}

void green__message_forward(green_message **from, int error, green_message **to) {
    const green_message *message = current(from);
    if (message && message->error == error && from != to)
        keep(to, *message);
}

void green__message_save(green_message_copy *saved) {
    const green_message *message = current(slot_here());
    saved->error = message ? message->error : 0;
    if (saved->error == 0)
        return;
    saved->details = message->details;
    strcpy(saved->text, message->text);
}

void green__message_restore(const green_message_copy *saved) {
    if (saved->error < 0)
        keep(slot_here(), (green_message){saved->error, saved->details, saved->text});
}

void green__message_free(green_message **slot) {
    release(slot);
    *slot = NULL;
    if (os_thread_message.owner == slot)
        os_thread_message.owner = NULL, os_thread_message.message = (green_message){0};
}
