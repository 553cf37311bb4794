#pragma once

// What tests of services on the nodes of a site have in common.

#include "site_test.hpp"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <string>
#include <vector>

#include <fmt/format.h>

namespace ashlar::virtual_site {

class ServiceTest : public SiteTest {
protected:
    // `formations`: which are to settle, within `forming` on a busy machine. `look`: a shell command that tells of them on a node, for a failure's text.
    ServiceTest(std::vector<std::string> formations, std::chrono::seconds forming, std::string look = "true") : formations_(std::move(formations)), forming_(forming), look_(std::move(look)) {}

    [[nodiscard]] bool is_formed(const Node& node) const {
        const auto states = formations_of(node);
        return std::ranges::all_of(formations_, [&](const std::string& one) { return states.contains(one) && states.at(one) == "settled"; });
    }
    [[nodiscard]] bool are_formed(const Nodes& nodes) const {
        return wait_until(forming_, [&] { return std::ranges::all_of(nodes, [&](const Node* node) { return is_formed(*node); }); });
    }
    // Says how long it took, and how busy the machine was; nothing is judged by it.
    void power_on_and_form(const Nodes& nodes, const char* what) const {
        const auto began = std::chrono::steady_clock::now();
        power_on(nodes);
        ASSERT_TRUE(are_formed(nodes)) << what_they_say(nodes) << why(nodes);
        std::string load;
        std::ifstream("/proc/loadavg") >> load;
        fmt::print("{}: {} after {:.1f} s from power-on, load {}\n", what, fmt::join(formations_, ", "), std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count(), load);
    }
    [[nodiscard]] std::string why(const Nodes& nodes) const {
        std::string text;
        for (const Node* node : nodes) text += node->name() + ": " + node->run({"sh", "-c", look_}).output;
        return text;
    }
    // Certificate and key in /run/foreign.pem, for that service, by an authority that looks like the site's and is another one.
    static void give_foreign_certificate(const Node& node, const std::string& service) {
        said(node, {"sh", "-ec", R"(cd /run
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.crt -subj '/CN=Ashlar site authority' -addext keyUsage=critical,keyCertSign 2>/dev/null
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout foreign.key -out foreign.csr -subj "/CN=$1" 2>/dev/null
openssl x509 -req -in foreign.csr -CA ca.crt -CAkey ca.key -out foreign.crt 2>/dev/null
cat foreign.crt foreign.key >foreign.pem)", "sh", service});
    }

private:
    const std::vector<std::string> formations_;
    const std::chrono::seconds forming_;
    const std::string look_;
};

} // namespace ashlar::virtual_site
