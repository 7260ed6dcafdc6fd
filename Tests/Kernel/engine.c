/* Prints the engine that Green chooses here, and why it is not io_uring: what a run of
 * the suite on another kernel says first. */
#include <green/green.h>
#include <stdio.h>

int main(void) {
    const char *engine = green_hub_engine();
    if (!engine) {
        printf("none: no hub can be made\n");
        return 1;
    }
    const char *reason = green_hub_fallback();
    printf("%s %s\n", engine, reason ? reason : "");
    return 0;
}
