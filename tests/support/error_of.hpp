#pragma once

#include <base/error.hpp>

#include <functional>
#include <string>

namespace ashlar {

// The whole text of the Error that `body` ends with; "no error" when it ends well.
inline std::string error_of(const std::function<void()>& body) {
    try {
        body();
    } catch (const Error& error) {
        return error.render();
    }
    return "no error";
}

} // namespace ashlar
