/* The sentence of a failure, kept for green_explain().
 *
 * It belongs to the green thread whose call failed, so that it survives what the
 * thread waits for before it reports the failure. Outside of green threads, and in
 * an OS thread's own context, it belongs to the OS thread. A switch costs nothing:
 * the place is looked up when a call fails and when somebody asks. */
#ifndef GREEN_BASE_SENTENCE_H
#define GREEN_BASE_SENTENCE_H

#include <stddef.h>

enum { GREEN_SENTENCE_MAX = 512 };

/* Allocated at the first failure of a green thread, in the length of its text. */
typedef struct green_sentence green_sentence;

/* What a sentence says to a program. A later sentence keeps them until they are set
 * anew. */
typedef struct green_details {
    long problem, verify; /* of TLS */
} green_details;

/* Set by the core: returns where the current green thread keeps its sentence, or
 * NULL outside of green threads. */
typedef green_sentence **green_sentence_place(void);
void green__sentences_have_place(green_sentence_place *place);

/* Keeps a text as the caller's. A green thread without memory for it shares the OS
 * thread's, which the next one to fail so takes over. */
void green__sentence_keep(int error, const char *text);

/* The caller's text for an error, or NULL. */
const char *green__sentence_find(int error);

/* The same of another green thread of this OS thread. */
const char *green__sentence_of(green_sentence **place, int error);

/* Keeps what one place has for an error at another, too. */
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

/* Frees what is kept there and leaves NULL. */
void green__sentence_drop(green_sentence **place);

#endif
