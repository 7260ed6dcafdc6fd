/* The message of a failure ("sentence"), kept for green_explain().
 *
 * It belongs to the green thread whose call failed, so it remains valid if the thread
 * waits before it reports the failure. Outside green threads, and in an OS thread's own
 * context, it belongs to the OS thread. This adds no cost to a switch: the place is
 * looked up when a call fails and when green_explain() is called. */
#ifndef GREEN_BASE_MESSAGE_H
#define GREEN_BASE_MESSAGE_H

#include <stddef.h>

enum { GREEN_SENTENCE_MAX = 512 };

/* Allocated at the first failure of a green thread, with room for its text. */
typedef struct green_sentence green_sentence;

/* Numbers that belong to a sentence. A later sentence keeps them until they are set
 * again. */
typedef struct green_details {
    long problem, verify; /* of TLS */
} green_details;

/* Set by the core. Returns the place of the current green thread's sentence, or NULL
 * outside green threads. */
typedef green_sentence **green_sentence_place(void);
void green__sentences_have_place(green_sentence_place *place);

/* Stores a text as the caller's sentence. If there is no memory, a green thread uses the
 * place of the OS thread, until the next thread that has no memory overwrites it. */
void green__sentence_keep(int error, const char *text);

/* The caller's text for an error, or NULL. */
const char *green__sentence_find(int error);

/* The text of another green thread of this OS thread, or NULL. */
const char *green__sentence_of(green_sentence **place, int error);

/* Copies the sentence for an error from one place to another. */
void green__sentence_repeat(green_sentence **from, int error, green_sentence **to);

green_details green__details(void);
void green__details_set(green_details details);

/* A copy of the caller's sentence, for a step that may fail without failing the call.
 * An error of 0: there was none. */
typedef struct green_sentence_copy {
    int error;
    green_details details;
    char text[GREEN_SENTENCE_MAX];
} green_sentence_copy;
void green__sentence_save(green_sentence_copy *saved);
void green__sentence_restore(const green_sentence_copy *saved);

/* Frees the sentence at the place and stores NULL there. */
void green__sentence_drop(green_sentence **place);

#endif
