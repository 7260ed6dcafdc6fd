/* Prints the engine that Green chooses on this kernel, and the reason if it is not io_uring.
 * A run of the suite on another kernel prints this first. */
#include <green/green.h>
#include <stdio.h>

int main(void) {
    const char *engine = green_hub_engine();
    if (!engine) {
        printf("none: cannot make a hub\n");
        return 1;
    }
    const char *reason = green_hub_fallback();
    printf("%s %s\n", engine, reason ? reason : "");
    return 0;
}
