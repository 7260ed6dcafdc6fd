/* Threads that make calls on request, for models of locks. A call is made in the thread that
 * holds the lock or waits for it, and its result is compared with that of the model. */
#ifndef GREEN_TESTS_LOCK_PARTIES_H
#define GREEN_TESTS_LOCK_PARTIES_H

#include "helpers.h"

enum { PARTIES = 3 };

struct party {
    green_thread *thread;
    int (*task)(void); /* the next call, not begun */
    int result;        /* of the last call that returned */
    int calls;         /* that returned */
    int kills;         /* that found no call to end */
    bool dismissed;
};

extern struct party parties[PARTIES];

/* Starts the threads, and counts reports instead of printing them. */
void parties_start(void);

/* Ends the threads. Returns the number of reports. */
int parties_end(void);

/* Lets the threads run until each waits or has no task. */
void parties_settle(void);

/* Lets a thread begin a call, after the others have settled. */
void party_call(int party, int (*task)(void));

/* Ends the thread of a party that waits for nothing. */
void party_end(int party);

void party_kill(int party);

/* Ends the wait of a party, if it waits, as a timeout does. */
void party_expire(int party);

/* A list of parties. */
struct line {
    int parties[PARTIES], count;
};
void line_append(struct line *line, int party);
void line_remove(struct line *line, int party); /* if it is in the line */
int line_take(struct line *line);               /* the first one */

/* Prints the failing sequence. */
void explain_failures(void (*print)(void));

#endif
