/* What a test is about may be what GREEN_DISABLE names. */
#ifndef GREEN_TESTS_NEEDS_H
#define GREEN_TESTS_NEEDS_H

#include "../../csrc/base/feature.h"
#include "harness.h"

static inline void needs_feature(green_feature feature) {
    if (green__feature_is_disabled(feature))
        skip("GREEN_DISABLE names the feature");
}

#endif
