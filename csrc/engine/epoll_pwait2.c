/* glibc has epoll_pwait2() since 2.35. RHEL 9 has an older one. */
#include "../base/libc.h"
#include "epoll.h"

#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_epoll_pwait2
#define SYS_epoll_pwait2 441 /* Linux 5.11 */
#endif

int green__epoll_pwait2(int fd, struct epoll_event *events, int most, const struct timespec *timeout) {
    return (int)green__libc.syscall(SYS_epoll_pwait2, fd, events, most, timeout, NULL, 0);
}
