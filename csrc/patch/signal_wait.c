#include "signal_wait.h"

#include "../core/interrupt.h"

void green__signals_end_wait(green_thread *thread) {
    if (thread->state == GREEN_PARKED && thread->signals.is_parking && green__signals_pending(thread))
        green__wait_end(thread->wait, -ERESTART);
}
