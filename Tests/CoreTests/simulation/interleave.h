/* Makes each atomic operation of the library a schedule point of the simulation. The
 * simulation compiles files of csrc a second time, with this header in front. Another
 * thread may run before each operation, and also after those that publish something. */
#ifndef GREEN_SIMULATION_INTERLEAVE_H
#define GREEN_SIMULATION_INTERLEAVE_H

#include "../../../csrc/core/counter.h" /* only read by others: no schedule points */
#include "turns.h"

#define GREEN_SIMULATION_BEFORE(name, ...) (turn_point(#name), __atomic_##name(__VA_ARGS__))
#define GREEN_SIMULATION_AROUND(name, ...)                                                                             \
    __extension__({                                                                                                    \
        turn_point("before " #name);                                                                                   \
        turn_drain_own(); /* as a locked instruction does */                                                           \
        __auto_type simulated_result = __atomic_##name(__VA_ARGS__);                                                   \
        turn_point("after " #name);                                                                                    \
        simulated_result;                                                                                              \
    })

#define __atomic_load_n(...) GREEN_SIMULATION_BEFORE(load_n, __VA_ARGS__)
#define __atomic_store_n(...)                                                                                          \
    __extension__({                                                                                                    \
        turn_point("before store_n");                                                                                  \
        __atomic_store_n(__VA_ARGS__);                                                                                 \
        turn_point("after store_n");                                                                                   \
    })
#define __atomic_exchange_n(...) GREEN_SIMULATION_AROUND(exchange_n, __VA_ARGS__)
#define __atomic_compare_exchange_n(...) GREEN_SIMULATION_AROUND(compare_exchange_n, __VA_ARGS__)
#define __atomic_fetch_add(...) GREEN_SIMULATION_AROUND(fetch_add, __VA_ARGS__)
#define __atomic_fetch_sub(...) GREEN_SIMULATION_AROUND(fetch_sub, __VA_ARGS__)
#define __atomic_fetch_or(...) GREEN_SIMULATION_AROUND(fetch_or, __VA_ARGS__)
#define __atomic_fetch_and(...) GREEN_SIMULATION_AROUND(fetch_and, __VA_ARGS__)
#define __atomic_add_fetch(...) GREEN_SIMULATION_AROUND(add_fetch, __VA_ARGS__)
#define __atomic_sub_fetch(...) GREEN_SIMULATION_AROUND(sub_fetch, __VA_ARGS__)

/* The owner of a biased lock relies on the order of a store and a load, which processors
 * change: such a store stays in a buffer for a while. */
#include "../../../csrc/base/short_lock.h"
#include "../../../csrc/core/hub_record.h"
#undef __atomic_load_n
#undef __atomic_store_n
#define __atomic_load_n(pointer, order)                                                                                \
    __extension__({                                                                                                    \
        turn_point("load_n");                                                                                          \
        __auto_type simulated_result = __atomic_load_n(pointer, order);                                                \
        turn_forward_store(pointer, &simulated_result, sizeof simulated_result);                                       \
        simulated_result;                                                                                              \
    })
#define __atomic_store_n(pointer, value, order)                                                                        \
    __extension__({                                                                                                    \
        __typeof__(*(pointer)) simulated_value = (value);                                                              \
        turn_point("before store_n");                                                                                  \
        turn_buffer_store(pointer, &simulated_value, sizeof simulated_value);                                          \
        turn_point("after store_n");                                                                                   \
    })
#include "../../../csrc/sync/biased_lock.h"
#undef __atomic_load_n
#undef __atomic_store_n
#define __atomic_load_n(...) GREEN_SIMULATION_BEFORE(load_n, __VA_ARGS__)
#define __atomic_store_n(...)                                                                                          \
    __extension__({                                                                                                    \
        turn_point("before store_n");                                                                                  \
        __atomic_store_n(__VA_ARGS__);                                                                                 \
        turn_point("after store_n");                                                                                   \
    })
#endif
