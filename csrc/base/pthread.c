#include "pthread.h"

#define GREEN_PTHREAD_CALL(name) .name = pthread_##name,
green_pthread_calls green__pthread = {GREEN_PTHREAD_CALLS(GREEN_PTHREAD_CALL)};
