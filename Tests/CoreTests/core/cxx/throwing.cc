#include "throwing.h"

#include <cstring>
#include <exception>
#include <stdexcept>

namespace {

using Pause = void (*)(void *);

bool rethrow_nested(int depth, const char *text, Pause pause, void *context) {
    try {
        throw std::runtime_error(text);
    } catch (const std::exception &) {
        pause(context);
        if (depth > 1 && !rethrow_nested(depth - 1, text, pause, context))
            return false;
        try {
            throw;
        } catch (const std::exception &again) {
            return std::strcmp(again.what(), text) == 0;
        }
    }
}

bool rethrow(const char *text, Pause pause, void *context) {
    return rethrow_nested(1, text, pause, context);
}

struct Guard {
    Pause pause;
    void *context;
    int &before, &after;

    ~Guard() {
        before = std::uncaught_exceptions();
        pause(context);
        after = std::uncaught_exceptions();
    }
};

bool unwind(const char *text, Pause pause, void *context) {
    int before = -1, after = -1;
    try {
        Guard guard{pause, context, before, after};
        throw std::runtime_error(text);
    } catch (const std::exception &caught) {
        if (std::strcmp(caught.what(), text) != 0)
            return false;
    }
    return before == 1 && after == 1 && std::uncaught_exceptions() == 0;
}

int state() {
    return std::uncaught_exceptions() + (std::current_exception() ? 1000 : 0);
}

} // namespace

const throwing throwing_calls = {rethrow, rethrow_nested, unwind, state};
