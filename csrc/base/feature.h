/* Optional features of the kernel, and of the Swift runtime.
 *
 * GREEN_DISABLE in the environment names features that Green treats as missing, separated
 * by commas; "all" names all of them. With it, the test suite runs on a new kernel as on
 * an old one, and users can work around a kernel bug. */
#ifndef GREEN_BASE_FEATURE_H
#define GREEN_BASE_FEATURE_H

#include <stdbool.h>

/* X(identifier, name in GREEN_DISABLE) */
#define GREEN_FEATURES(X)                                                                                              \
    X(COOP_TASKRUN, "coop_taskrun")         /* io_uring, Linux 5.19 */                                                 \
    X(DEFER_TASKRUN, "defer_taskrun")       /* io_uring, Linux 6.1 */                                                  \
    X(EPOLL_PWAIT2, "epoll_pwait2")         /* epoll, Linux 5.11 */                                                    \
    X(FTRUNCATE, "ftruncate")               /* io_uring, Linux 6.9 */                                                  \
    X(GUARD_INSTALL, "guard_install")       /* madvise(2), Linux 6.13 */                                               \
    X(IOWQ_MAX_WORKERS, "iowq_max_workers") /* io_uring, Linux 5.15 */                                                 \
    X(MEMBARRIER, "membarrier")             /* membarrier(2), private expedited, Linux 4.14 */                         \
    X(MPROTECT_GUARD, "mprotect_guard")     /* an mprotect(2) guard for each stack */                                  \
    X(MSG_RING, "msg_ring")                 /* io_uring, Linux 6.13 */                                                 \
    X(NO_IOWAIT, "no_iowait")               /* io_uring, Linux 6.15 */                                                 \
    X(POLL_FIRST, "poll_first")             /* io_uring, Linux 5.19 */                                                 \
    X(REGISTERED_RING, "registered_ring")   /* io_uring, Linux 5.18 */                                                 \
    X(SINGLE_ISSUER, "single_issuer")       /* io_uring, Linux 6.0 */                                                  \
    X(SOCK_NONEMPTY, "sock_nonempty")       /* io_uring, Linux 5.19 */                                                 \
    X(SUBMIT_ALL, "submit_all")             /* io_uring, Linux 5.18 */                                                 \
    X(TASKRUN_FLAG, "taskrun_flag")         /* io_uring, Linux 5.19 */                                                 \
    X(TASK_STATE, "task_state")             /* Swift's concurrency runtime: see core/task_state.h */                   \
    X(USERFAULTFD, "userfaultfd")           /* without privilege, Linux 5.11 */                                        \
    X(WP_UNPOPULATED, "wp_unpopulated")     /* userfaultfd, Linux 6.4 */

#define GREEN_FEATURE(identifier, name) GREEN_FEATURE_##identifier,
typedef enum green_feature { GREEN_FEATURES(GREEN_FEATURE) GREEN_FEATURE_COUNT } green_feature;
#undef GREEN_FEATURE

/* Whether GREEN_DISABLE names the feature. Reads the environment at the first call in the
 * process, and reports unknown names then. Any thread may call it. */
bool green__feature_is_disabled(green_feature feature);

#endif
