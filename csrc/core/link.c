#include "link.h"

#include "fork.h"

#include <errno.h>
#include <stdlib.h>

struct green_link {
    struct green_link *next;
    green_thread *thread;
    void (*function)(green_thread *thread, void *argument);
    void *argument;
};

int green_thread_link(green_thread *thread, green_link **handle, void (*function)(green_thread *, void *),
                      void *argument) {
    if (handle)
        *handle = NULL;
    int error = green__thread_check_hub(thread, "link");
    if (error < 0)
        return error;
    /* A link that is added while links run is appended, so that it does not recurse. */
    if (thread->state == GREEN_DONE && thread != thread->hub->current) {
        function(thread, argument);
        return 0;
    }
    green_link *link = malloc(sizeof *link);
    if (!link)
        return green__fail(-ENOMEM, "cannot add a link");
    *link = (green_link){.thread = thread, .function = function, .argument = argument};
    *thread->last_link = link;
    thread->last_link = &link->next;
    if (handle)
        *handle = link;
    return 0;
}

void green_link_remove(green_link *link) {
    green_thread *thread = link->thread;
    green_link **place = &thread->links;
    while (*place && *place != link)
        place = &(*place)->next;
    GREEN_INVARIANT(*place, "a link is removed once, before its thread has finished");
    *place = link->next;
    if (!link->next)
        thread->last_link = place;
    free(link);
}

void green__links_run(green_thread *thread) {
    for (green_link *link; (link = thread->links);) {
        thread->links = link->next;
        if (!thread->links)
            thread->last_link = &thread->links;
        link->function(thread, link->argument);
        free(link);
    }
}
