// Programs of a tools root run in namespaces, so these tests work inside Ashlar's own.

#include <root/namespace.hpp>

#include <base/error.hpp>

#include <cstdio>

#include <gmock/gmock.h>

int main(int argc, char** argv) {
    testing::InitGoogleMock(&argc, argv);
    try {
        ashlar::root::enter_build_namespace();
    } catch (const ashlar::Error& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
    return RUN_ALL_TESTS();
}
