/* What a signal handler does for the green thread that receives the signal. */
#ifndef GREEN_PATCH_SIGNAL_HANDLER_H
#define GREEN_PATCH_SIGNAL_HANDLER_H

#include "../../core/hub_record.h"

/* Called by a signal handler: records that it has run, and wakes the receiver. */
void green__signal_handled(green_hub *hub, bool restarts);

#endif
