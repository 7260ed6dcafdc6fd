/* Declares to ThreadSanitizer an order between two OS threads that the kernel establishes: what
 * one did before a message is before what the other does after it. */
#ifndef GREEN_BASE_KERNEL_ORDER_H
#define GREEN_BASE_KERNEL_ORDER_H

#if defined(__SANITIZE_THREAD__)
#define GREEN_ORDERS_FOR_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define GREEN_ORDERS_FOR_TSAN 1
#endif
#endif

#ifdef GREEN_ORDERS_FOR_TSAN
void __tsan_acquire(void *address);
void __tsan_release(void *address);
#endif

/* Before the message. */
static inline void green__kernel_order_before(const void *object) {
#ifdef GREEN_ORDERS_FOR_TSAN
    __tsan_release((void *)object);
#else
    (void)object;
#endif
}

/* After the message was received. */
static inline void green__kernel_order_after(const void *object) {
#ifdef GREEN_ORDERS_FOR_TSAN
    __tsan_acquire((void *)object);
#else
    (void)object;
#endif
}

#endif
