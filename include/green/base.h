/* Definitions for every header of Green: linkage, nullability, time, errors. */
#ifndef GREEN_BASE_H
#define GREEN_BASE_H

#include <green/config.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define GREEN_VERSION_MAJOR 0
#define GREEN_VERSION_MINOR 1
#define GREEN_VERSION_PATCH 0

#ifdef __cplusplus
#define GREEN_BEGIN extern "C" {
#define GREEN_END }
#else
#define GREEN_BEGIN
#define GREEN_END
#endif

#define GREEN_API __attribute__((visibility("default")))
#define GREEN_CHECK __attribute__((warn_unused_result))

/* Swift imports a pointer as an optional if it is nullable. gcc does not support these
 * annotations. Pointers to pointers have none: they receive a result. _Nullable is an
 * extension, so -Wpedantic would warn about each one. */
#ifdef __clang__
#define GREEN_NULLABLE _Nullable
#define GREEN_ASSUME_NONNULL_BEGIN                                                                                     \
    _Pragma("clang diagnostic push") _Pragma("clang diagnostic ignored \"-Wnullability-completeness\"")                \
        _Pragma("clang diagnostic ignored \"-Wnullability-extension\"") _Pragma("clang assume_nonnull begin")
#define GREEN_ASSUME_NONNULL_END _Pragma("clang assume_nonnull end") _Pragma("clang diagnostic pop")
#else
#define GREEN_NULLABLE
#define GREEN_ASSUME_NONNULL_BEGIN
#define GREEN_ASSUME_NONNULL_END
#endif

GREEN_BEGIN
GREEN_ASSUME_NONNULL_BEGIN

/* Constants are macros, for use in `case`, #if and static initializers. Swift does not
 * import INT64_C(), so it sees variables with the same names and values.
 *
 * GREEN_FOREVER is a timeout that never expires, as is every negative number. */
#ifndef __swift__
#define GREEN_FOREVER INT64_C(-1)
#define GREEN_MICROSECOND INT64_C(1000)
#define GREEN_MILLISECOND INT64_C(1000000)
#define GREEN_SECOND INT64_C(1000000000)
#else
static const int64_t GREEN_FOREVER = -1;
static const int64_t GREEN_MICROSECOND = 1000;
static const int64_t GREEN_MILLISECOND = 1000000;
static const int64_t GREEN_SECOND = 1000000000;
#endif

/* Returns the version of the library at run time, such as "0.1.0". It may be newer than the
 * headers that a program was compiled with. May be called on any thread. */
GREEN_API const char *green_version(void);

/* Returns a message for an error that a call of this green thread has just returned: what
 * failed, on what, why and, if known, what to do. The error may also be the result of a
 * green thread that green_thread_wait() or a pile has just returned. For any other error
 * it returns the system's text for the number. Never NULL.
 *
 * The text belongs to the green thread and stays valid until the thread's next call
 * that fails; calls of other threads do not change it. Outside green threads it belongs
 * to the OS thread. May be called on any thread. */
GREEN_API const char *green_explain(int error);

/* Returns the time of CLOCK_MONOTONIC in nanoseconds, or that of the virtual clock if this OS
 * thread's hub has one: see testing.h. May be called on any thread. */
GREEN_API int64_t green_now(void);

GREEN_ASSUME_NONNULL_END
GREEN_END

#endif
