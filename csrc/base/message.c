#include "message.h"

#include "error.h"

#include <stdlib.h>
#include <string.h>

struct green_sentence {
    int error;
    green_details details;
    const char *text; /* after the structure */
};

/* The sentence of the OS thread, or of a green thread that could not allocate one. */
static _Thread_local struct {
    green_sentence **owner; /* NULL: the OS thread */
    green_sentence sentence;
    char text[GREEN_SENTENCE_MAX];
} kept;

/* Marks a green thread that could not allocate its sentence; see kept. */
static green_sentence elsewhere;

static green_sentence_place *find_place;

void green__sentences_have_place(green_sentence_place *place) {
    __atomic_store_n(&find_place, place, __ATOMIC_RELAXED);
}

static green_sentence **place_here(void) {
    green_sentence_place *find = __atomic_load_n(&find_place, __ATOMIC_RELAXED);
    return find ? find() : NULL;
}

/* The caller's last sentence, or NULL. */
static green_sentence *current(green_sentence **place) {
    if (place && *place != &elsewhere)
        return *place;
    return kept.owner == place ? &kept.sentence : NULL;
}

static void release(green_sentence **place) {
    if (*place != &elsewhere)
        free(*place);
}

green_details green__details(void) {
    const green_sentence *sentence = current(place_here());
    return sentence ? sentence->details : (green_details){0};
}

void green__details_set(green_details details) {
    green_sentence *sentence = current(place_here());
    if (sentence)
        sentence->details = details;
}

static void keep_here(green_sentence **owner, green_sentence sentence) {
    if (sentence.text != kept.text)
        strncpy(kept.text, sentence.text, sizeof kept.text - 1);
    sentence.text = kept.text;
    kept.owner = owner;
    kept.sentence = sentence;
}

static green_sentence *copy(green_sentence sentence) {
    size_t size = strlen(sentence.text) + 1;
    green_sentence *made = malloc(sizeof *made + size);
    if (!made)
        return NULL;
    sentence.text = memcpy(made + 1, sentence.text, size);
    *made = sentence;
    return made;
}

static void keep(green_sentence **place, green_sentence sentence) {
    if (!place) {
        keep_here(NULL, sentence);
        return;
    }
    green_sentence *made = copy(sentence);
    if (!made) {
        keep_here(place, sentence);
        made = &elsewhere;
    }
    release(place);
    *place = made;
}

void green__sentence_keep(int error, const char *text) {
    keep(place_here(), (green_sentence){error, green__details(), text});
}

const char *green__sentence_of(green_sentence **place, int error) {
    const green_sentence *sentence = current(place);
    return sentence && sentence->error == error ? sentence->text : NULL;
}

const char *green__sentence_find(int error) {
    return green__sentence_of(place_here(), error);
}

void green__sentence_repeat(green_sentence **from, int error, green_sentence **to) {
    const green_sentence *sentence = current(from);
    if (sentence && sentence->error == error && from != to)
        keep(to, *sentence);
}

void green__sentence_save(green_sentence_copy *saved) {
    const green_sentence *sentence = current(place_here());
    saved->error = sentence ? sentence->error : 0;
    if (saved->error == 0)
        return;
    saved->details = sentence->details;
    strcpy(saved->text, sentence->text);
}

void green__sentence_restore(const green_sentence_copy *saved) {
    if (saved->error < 0)
        keep(place_here(), (green_sentence){saved->error, saved->details, saved->text});
}

void green__sentence_drop(green_sentence **place) {
    release(place);
    *place = NULL;
    if (kept.owner == place)
        kept.owner = NULL, kept.sentence = (green_sentence){0};
}
