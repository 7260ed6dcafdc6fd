#include "foreign_release.h"

#include "hub.h"

uint32_t green__foreign_release(green_hub *hub, green_foreign_release *release,
                                void (*run)(green_post *post, int error)) {
    if (__atomic_fetch_add(&release->count, 1, __ATOMIC_ACQ_REL) > 0)
        return 0; /* a former release has posted, or subtracts this one, too */
    release->post.run = run;
    if (green__hub_post_if_open(hub, &release->post) == 0)
        return 0;
    return green__foreign_release_take(release);
}
