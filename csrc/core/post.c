/* Posts of the program. */
#include "inbox.h"

#include "hub_record.h"
#include "thread.h"

#include <errno.h>

/* Runs the posts that have arrived, in a thread of its own, because they are the program's
 * code. */
static int run_posts(void *argument) {
    green_hub *hub = argument;
    for (green_post *post; (post = hub->posts);) {
        hub->posts = post->next;
        post->run(post, 0);
    }
    hub->last_post = &hub->posts;
    hub->post_thread_exists = false;
    return 0;
}

void green__post_deliver(green_post *post, int error) {
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
    green__run_in_own_thread(hub, "posts", run_posts, hub);
}

void green__posts_refuse(green_hub *hub) {
    for (green_post *post; (post = hub->posts);) {
        hub->posts = post->next;
        post->run(post, -ESRCH);
    }
    hub->last_post = &hub->posts;
}

int green_hub_post(green_hub *hub, green_post *post) {
    post->deliver = green__post_deliver;
    return green__inbox_post(hub, post);
}
