/* What every header of Green shares: linkage, nullability, time, errors. */
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

/* gcc knows no nullability; Swift reads it to tell optionals from the rest.
 * Pointers to pointers carry no annotation: they are places for a result. _Nullable is
 * an extension, and -Wpedantic would warn about each one. */
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

/* Constants are macros, usable in `case`, in #if and in static initializers. Swift
 * does not import INT64_C(), so it sees variables with the same names and values.
 *
 * GREEN_FOREVER is a timeout without limit, as is every negative number. */
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

/* "0.1.0": the version of the library that is running, which may be newer than
 * the headers a program was compiled with. Any thread. */
GREEN_API const char *green_version(void);

/* Explains an error that a call of this green thread has just returned: what failed,
 * on what, why and, if known, what to do. The error may also be the result of a green
 * thread that green_thread_wait() or a pile has just returned. For any other error it
 * returns the system's text for the number. Never NULL.
 *
 * The text belongs to the green thread and stays valid until the thread's next call
 * that fails; calls of other threads do not change it. Outside green threads it belongs
 * to the OS thread. May be called on any thread. */
GREEN_API const char *green_explain(int error);

/* Nanoseconds of CLOCK_MONOTONIC. Any thread. */
GREEN_API int64_t green_now(void);

GREEN_ASSUME_NONNULL_END
GREEN_END

#endif
