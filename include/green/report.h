/* Reports: messages about what no call returns.
 *
 * Examples are an error that no thread waited for, a deadlock, a thread that blocks its hub
 * while the monitor is on, and an ignored environment variable. Green writes reports to standard error, each
 * with the prefix "green: ". A program with a log of its own sets a handler:
 *
 *     static void log_report(const green_report *report, void *log) {
 *         log_line(log, report->level >= GREEN_REPORT_ERROR, report->hub, report->text);
 *     }
 *
 *     int error = green_report_set_handler(log_report, log, NULL);
 *
 * Broken invariants and overflows of a stack, which end the process, and dumps that a signal
 * requests always go to standard error. All functions may be called on any OS thread, except
 * in a signal handler. */
#ifndef GREEN_REPORT_H
#define GREEN_REPORT_H

#include <green/base.h>

GREEN_BEGIN
GREEN_ASSUME_NONNULL_BEGIN

typedef enum green_report_level {
    GREEN_REPORT_DEBUG = 1, /* why Green does not use its first choice; standard error gets it with GREEN_LOG=debug */
    GREEN_REPORT_WARNING,   /* Green continues in another way, or a client broke its connection */
    GREEN_REPORT_ERROR,     /* an error that nothing else returns */
} green_report_level;

typedef struct green_report {
    green_report_level level;
    /* One or more lines, without a prefix and without a newline at the end. */
    const char *text;
    /* The green thread that the report is about: green_thread_id(). If it is about none, the
     * one that runs on this OS thread. 0: neither. */
    uint64_t thread;
    const char *GREEN_NULLABLE name; /* green_thread_name(); "" if it has none */
    const char *GREEN_NULLABLE hub;  /* green_hub_name() of its hub; "" if it has none */
    /* Standard error gets the report only if it neither blocks nor has lost its reader. For
     * errors that a peer can cause at any time. */
    bool if_room;
} green_report;

/* Receives reports. What report points to is valid until the function returns.
 *
 * Called on the OS thread on which the report arises, which may be one of Green's own, or one
 * that ends. Several OS threads may call it at the same time. It runs on the stack of the
 * running green thread, in the middle of a call of Green or in its event loop. So it must
 * neither block for long nor call Green, except for a call that does not wait and that may be
 * made on any thread, such as green_channel_try_send(). Blocking calls fail in it with
 * -EWOULDBLOCK. A report that arises in it goes to standard error. */
typedef void green_report_handler(const green_report *report, void *GREEN_NULLABLE context);

/* Sets the handler of the process, which gets all reports of all levels instead of standard
 * error. NULL: standard error gets them again.
 *
 * discard is called with the context when the handler will not be called any more: by the
 * call that replaces it, or by the last call of the handler if OS threads are in it. It may
 * be NULL. If this call fails, discard is not called. A child of fork(2) keeps the handler.
 *
 * Returns 0, or:
 *   -ENOMEM   the former handler stays
 *   -EDEADLK  called by a handler */
GREEN_API GREEN_CHECK int green_report_set_handler(green_report_handler *GREEN_NULLABLE handler,
                                                   void *GREEN_NULLABLE context,
                                                   void (*GREEN_NULLABLE discard)(void *GREEN_NULLABLE context));

/* Reports as Green does, for libraries on top of Green. If thread is 0, Green fills in thread,
 * name and hub. Does not block, except that writing to standard error blocks the OS thread
 * while standard error blocks. */
GREEN_API void green_report_send(const green_report *report);

/* Fills in thread, name and hub of the caller, and makes no hub. On an OS thread without a hub
 * they are 0, "" and "". What they point to is valid until the thread gets another name or
 * ends. */
GREEN_API void green_report_locate(green_report *report);

GREEN_ASSUME_NONNULL_END
GREEN_END

#endif
