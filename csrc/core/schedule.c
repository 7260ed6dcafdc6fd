#include "schedule.h"

#include "stack_overflow.h"

void green__switch_saving_state(green_hub *hub, green_thread *from, green_thread *to) {
    if (hub->switch_state.checks_stacks)
        green__stack_overflow_check(from);
    green_saved_state saved;
    int error_number = *hub->error_number;
    green__switch_state_save(&hub->switch_state, &saved);
    *hub->error_number = error_number;
    green__switch_plain(hub, from, to);
    green__switch_state_restore(&hub->switch_state, &saved);
    *hub->error_number = error_number;
}
