/* What a call does, for error messages ("cannot open") and for the descriptions of waits
 * ("opening"). */
#ifndef GREEN_FILE_VERB_H
#define GREEN_FILE_VERB_H

typedef struct green_file_verb {
    const char *infinitive, *gerund;
} green_file_verb;

#endif
