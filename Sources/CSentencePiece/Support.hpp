#ifndef CSENTENCEPIECE_SUPPORT_HPP
#define CSENTENCEPIECE_SUPPORT_HPP

#include <cstdio>
#include <exception>
#include <string>

namespace csentencepiece {

inline void report(const std::string &message, char *error, size_t capacity) {
    if (capacity > 0) std::snprintf(error, capacity, "%s", message.c_str());
}

/// Runs `body` so that no C++ exception leaves it: Swift frames have no unwind tables for them.
template <typename Result, typename Body>
Result guarded(Result failure, char *error, size_t capacity, Body body) noexcept {
    try {
        return body();
    } catch (const std::exception &exception) {
        report(exception.what(), error, capacity);
    } catch (...) {
        report("an exception of unknown type", error, capacity);
    }
    return failure;
}

}  // namespace csentencepiece

#endif
