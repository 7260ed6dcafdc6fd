#include "hub_record.h"

_Thread_local green_hub *green__hub __attribute__((tls_model("initial-exec")));

void green__hub_each_thread(green_hub *hub, void (*visit)(green_thread *thread, void *context), void *context) {
    visit(&hub->root, context);
    green__thread_records_each(&hub->records, visit, context);
}
