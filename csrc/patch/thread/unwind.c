/* Ends a green thread of pthread_create() as the C library ends an OS thread: by a forced unwinding
 * of its stack. Frames of C++, and of C compiled with -fexceptions, have landing pads. Other frames
 * of C that contain pthread_cleanup_push() have a jump buffer in a list. The unwinding stops when
 * it has left such a frame, jumps back into it, and continues when the frame has called its handler.
 *
 * The unwinder is that of libgcc_s, as for the C library. It is loaded when it is first needed. */
#include "cancel.h"

#include "../../core/interrupt.h"
#include "../../core/thread.h"
#include "pthread_specific.h"

#include <setjmp.h>
#include <string.h>

/* In this field of a buffer the C library keeps the next older one, too. */
enum { OLDER, CANCEL_TYPE = 2 };

typedef _Unwind_Reason_Code force(struct _Unwind_Exception *exception, _Unwind_Stop_Fn stop, void *argument);
typedef _Unwind_Word get_cfa(struct _Unwind_Context *context);
static force *green_force;
static get_cfa *green_get_cfa;

static void *find(void *library, const char *name) {
    void *address = dlsym(RTLD_DEFAULT, name);
    return address || !library ? address : dlsym(library, name);
}

/* Both functions have to be of the same unwinder. */
static bool load_unwinder(void) {
    if (green_force)
        return true;
    void *library = dlsym(RTLD_DEFAULT, "_Unwind_ForcedUnwind") ? NULL : dlopen("libgcc_s.so.1", RTLD_NOW);
    void *force_address = find(library, "_Unwind_ForcedUnwind"), *cfa_address = find(library, "_Unwind_GetCFA");
    if (!force_address || !cfa_address)
        return false;
    memcpy(&green_get_cfa, &cfa_address, sizeof cfa_address);
    memcpy(&green_force, &force_address, sizeof force_address);
    return true;
}

/* Unwinding ----------------------------------------------------------------- */

_Noreturn static void end(green_pthread *pthread) {
    green__pthread_specific_end(pthread->thread);
    green__thread_exit(0);
}

/* Jumps into the frame that has pushed the newest handler. It calls the handler, and then
 * __pthread_unwind_next(). */
_Noreturn static void run_handler(const green_pthread *pthread) {
    siglongjmp(pthread->handlers, 1); /* a buffer begins with its jump buffer */
}

/* Called for each frame before its landing pads run. The buffers below the frame belong to frames
 * that were left. */
static _Unwind_Reason_Code stop(int version, _Unwind_Action actions, _Unwind_Exception_Class class,
                                struct _Unwind_Exception *exception, struct _Unwind_Context *context, void *argument) {
    green_pthread *pthread = argument;
    bool is_outermost = actions & _UA_END_OF_STACK;
    (void)version, (void)class, (void)exception;
    if (pthread->handlers && (is_outermost || (uintptr_t)pthread->handlers < green_get_cfa(context)))
        run_handler(pthread);
    if (is_outermost)
        end(pthread);
    return _URC_NO_REASON;
}

/* A handler of C++ has caught the exception and not thrown it again. */
static void was_caught(_Unwind_Reason_Code reason, struct _Unwind_Exception *exception) {
    (void)reason, (void)exception;
    green__report("a catch (...) has caught the end of a thread by pthread_exit() or pthread_cancel(), and has not "
                  "thrown it again");
    abort();
}

_Noreturn static void unwind(green_pthread *pthread) {
    if (load_unwinder()) {
        pthread->exception = (struct _Unwind_Exception){.exception_cleanup = was_caught};
        (void)green_force(&pthread->exception, stop, pthread);
    }
    /* Without an unwinder, or where it finds no table for a frame. */
    if (pthread->handlers)
        run_handler(pthread);
    end(pthread);
}

_Noreturn void green__pthread_unwind(green_pthread *pthread, void *result) {
    green_thread *thread = pthread->thread;
    pthread->is_ending = true;
    if (pthread->is_cancelled)
        green__interrupt_withdraw(thread, &thread->kill);
    pthread->result = result;
    unwind(pthread);
}

/* Clean-up handlers ----------------------------------------------------------- */

/* Green threads that the program has spawned itself are not unwound: they need no list. */
void green__green___pthread_register_cancel(__pthread_unwind_buf_t *buffer) {
    green_pthread *pthread = green__pthread_here();
    if (pthread) {
        buffer->__pad[OLDER] = pthread->handlers;
        pthread->handlers = buffer;
    } else if (!green__patch_current_thread()) {
        green__real.__pthread_register_cancel(buffer);
    }
}

void green__green___pthread_unregister_cancel(__pthread_unwind_buf_t *buffer) {
    green_pthread *pthread = green__pthread_here();
    if (pthread)
        pthread->handlers = buffer->__pad[OLDER];
    else if (!green__patch_current_thread())
        green__real.__pthread_unregister_cancel(buffer);
}

/* For pthread_cleanup_push_defer_np(), which also makes cancellation deferred. */
void green__green___pthread_register_cancel_defer(__pthread_unwind_buf_t *buffer) {
    green_pthread *pthread = green__pthread_here();
    if (!pthread && !green__patch_current_thread()) {
        green__real.__pthread_register_cancel_defer(buffer);
        return;
    }
    green__green___pthread_register_cancel(buffer);
    if (pthread) {
        buffer->__pad[CANCEL_TYPE] = pthread->is_asynchronous ? buffer : NULL;
        pthread->is_asynchronous = false;
    }
}

void green__green___pthread_unregister_cancel_restore(__pthread_unwind_buf_t *buffer) {
    green_pthread *pthread = green__pthread_here();
    if (!pthread && !green__patch_current_thread()) {
        green__real.__pthread_unregister_cancel_restore(buffer);
        return;
    }
    green__green___pthread_unregister_cancel(buffer);
    if (pthread && buffer->__pad[CANCEL_TYPE])
        (void)green__green_pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
}

_Noreturn void green__green___pthread_unwind_next(__pthread_unwind_buf_t *buffer) {
    green_pthread *pthread = green__pthread_here();
    if (!pthread) {
        green__real.__pthread_unwind_next(buffer);
        __builtin_unreachable();
    }
    pthread->handlers = buffer->__pad[OLDER];
    unwind(pthread);
}
