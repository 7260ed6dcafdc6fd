/* The message of a failed call, for green_explain().
 *
 * It belongs to the green thread whose call failed, so it remains valid if the thread
 * waits before it reports the failure. Outside green threads, and in the context of
 * an OS thread, it belongs to the OS thread. A switch costs no more for it: the slot is
 * found when a call fails and when green_explain() is called. */
#ifndef GREEN_BASE_MESSAGE_H
#define GREEN_BASE_MESSAGE_H

#include <stddef.h>

enum { GREEN_MESSAGE_MAX = 512 };

/* Allocated when a call fails, with its text. */
typedef struct green_message green_message;

/* Numbers that belong to a message. Later messages keep them until they are set again. */
typedef struct green_message_details {
    long problem, verify; /* of TLS */
} green_message_details;

/* Set by the core. Returns the slot for the message of the current green thread, or NULL
 * outside green threads. */
typedef green_message **green_message_slot_finder(void);
void green__message_set_slot_finder(green_message_slot_finder *find);

/* Stores a text as the caller's message. If there is no memory, a green thread uses the
 * memory of the OS thread, until another green thread without memory overwrites it. */
void green__message_store(int error, const char *text);

/* Returns the caller's message for an error, or NULL. */
const char *green__message_find(int error);

/* Returns the message in the slot of another green thread of this OS thread, or NULL. */
const char *green__message_find_in(green_message **slot, int error);

/* Copies the message for an error from one slot to another. */
void green__message_forward(green_message **from, int error, green_message **to);

green_message_details green__message_details(void);
void green__message_set_details(green_message_details details);

/* A copy of the caller's message, for a step that may fail without failing the call. An
 * error of 0 means that there was no message. */
typedef struct green_message_copy {
    int error;
    green_message_details details;
    char text[GREEN_MESSAGE_MAX];
} green_message_copy;
void green__message_save(green_message_copy *saved);
void green__message_restore(const green_message_copy *saved);

/* Frees the message in a slot and stores NULL there. */
void green__message_free(green_message **slot);

#endif
