#include "name.hpp"

#include <base/random.hpp>
#include <base/text.hpp>

#include <vector>

namespace ashlar::node {

namespace {

std::string random_hex(std::size_t bytes) {
    std::vector<std::byte> random(bytes);
    fill_with_random(random);
    return to_hex(random);
}

} // namespace

reset::Name random_name() { return {.hostname = "node-" + random_hex(6), .machine_id = random_hex(16)}; }

} // namespace ashlar::node
