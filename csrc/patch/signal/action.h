/* Signal handlers of patched programs. */
#ifndef GREEN_PATCH_SIGNAL_ACTION_H
#define GREEN_PATCH_SIGNAL_ACTION_H

/* Gives the kernel the handlers of the program again, when no patch with signals is left. */
void green__signal_actions_restore(void);

/* Registers the lock of the actions for forks. Returns 0, or -ENOMEM, explained. */
int green__signal_actions_register_lock(void);

#endif
