/* raise(), which sends a signal to the calling thread. */
#include "../may_park.h"

int green__green_raise(int number) {
    green_hub *hub = green__may_park_counted(); /* a program may call it in a loop */
    if (!hub)
        return green__real.raise(number);
    green_thread *former = hub->signalled; /* in a handler */
    hub->signalled = hub->current;
    int result = green__real.raise(number);
    hub->signalled = former;
    return result;
}
