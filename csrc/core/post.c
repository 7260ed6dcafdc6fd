/* Posts of the program. */
#include "inbox.h"

#include "hub_record.h"

#include <stdlib.h>

/* Runs the posts that have arrived in a thread of its own, because the thread that runs
 * the event loop may have too little stack left, and because the posts are the program's
 * code: it may ask for the current thread. */
static int run_posts(void *argument) {
    green_hub *hub = argument;
    hub->current->must_not_block = true;
    for (green_post *post; (post = hub->posts);) {
        hub->posts = post->next;
        post->run(post, 0);
    }
    hub->last_post = &hub->posts;
    hub->post_thread_exists = false;
    return 0;
}

void green__post_deliver(green_post *post, int error) {
    static const green_spawn_options options = {.name = "posts"};
    green_hub *hub = green__hub;
    if (error < 0) {
        post->run(post, error);
        return;
    }
    post->next = NULL;
    *hub->last_post = post;
    hub->last_post = &post->next;
    if (hub->post_thread_exists)
        return;
    hub->post_thread_exists = true;
    if (green_spawn_with(NULL, &options, run_posts, hub) == 0)
        return;
    bool must_not_block = hub->current->must_not_block;
    run_posts(hub); /* no memory for a thread */
    hub->current->must_not_block = must_not_block;
}

int green_hub_post(green_hub *hub, green_post *post) {
    post->deliver = green__post_deliver;
    return green__inbox_post(hub, post);
}
