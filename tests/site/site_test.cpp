#include "site_test.hpp"

#include <base/text.hpp>

#include <algorithm>
#include <future>
#include <thread>

#include <fmt/format.h>

namespace ashlar::virtual_site {

namespace {

std::string in_url(const std::string& address) { return address.find(':') == std::string::npos ? address : "[" + address + "]"; }

} // namespace

Nodes SiteTest::nodes_of(const Sketch& sketch, unsigned count) {
    const auto medium = bench_.site(sketch);
    Nodes nodes;
    for (unsigned i = 1; i <= count; ++i) nodes.push_back(&add(sketch.serial(i), medium, sketch.address(i)));
    return nodes;
}

Node& SiteTest::add(const std::string& name, const std::filesystem::path& medium, const std::string& address) {
    addresses_[name] = address;
    return bench_.add(name, medium);
}

void SiteTest::power_on(const Nodes& nodes) {
    for (Node* node : nodes) node->power_on();
}

void SiteTest::cut_power(const Nodes& nodes) {
    for (Node* node : nodes) node->cut_power();
}

void SiteTest::shut_down(const Nodes& nodes) {
    std::vector<std::future<void>> under_way;
    for (Node* node : nodes) under_way.push_back(std::async(std::launch::async, [node] { node->shut_down(); }));
    for (auto& one : under_way) one.get();
}

std::set<std::string> SiteTest::geneses(const Nodes& nodes) {
    std::set<std::string> all;
    for (const Node* node : nodes) all.insert(genesis(*node));
    return all;
}

std::string SiteTest::warnings(const Node& node) { return said(node, {"journalctl", "--boot", "--quiet", "--no-pager", "--output=cat", "--priority=warning", "--unit=ashlard"}); }

bool SiteTest::are_members(const Nodes& nodes) {
    return wait_until(patience, [&] {
        return std::ranges::all_of(nodes, [](const Node* node) {
            const Json site = site_of(*node);
            return site.value("phase", "") == "member" && !site.contains("trouble") && site.value("seat", false) == site.value("voter", false);
        });
    });
}

std::map<std::string, std::string> SiteTest::formations_of(const Node& node) {
    std::map<std::string, std::string> states;
    const Json formations = site_of(node).value("formations", Json::object());
    for (const Json& one : formations.value("list", Json::array())) states[one.at("name")] = one.at("state");
    return states;
}

bool SiteTest::are_settled(const Nodes& nodes) {
    return wait_until(patience, [&] {
        return std::ranges::all_of(nodes, [](const Node* node) {
            const auto states = formations_of(*node);
            return !states.empty() && std::ranges::all_of(states, [](const auto& one) { return one.second == "settled" || one.second == "absent"; });
        });
    });
}

bool SiteTest::comes_to_say(const Node& node, std::string_view part) {
    return wait_until(patience, [&] { return sentence(node).find(part) != std::string::npos; });
}

bool SiteTest::stays(std::chrono::seconds time, const std::function<bool()>& holds) {
    return !wait_until(time, [&] { return !holds(); });
}

std::string SiteTest::what_they_say(const Nodes& nodes) {
    std::string text;
    for (const Node* node : nodes) text += node->name() + ":\n" + node->run({"ashlarctl", "status"}).output + site_of(*node).value("formations", Json()).dump(1) + "\n" + node->run({"journalctl", "--no-pager", "-n", "8", "-u", "ashlard", "-u", "ashlar-etcd"}).output;
    return text;
}

std::vector<std::string> SiteTest::etcdctl(const Node& node, std::vector<std::string> arguments) const {
    std::vector<std::string> argv{"etcdctl", "--endpoints", fmt::format("https://{}:12379", in_url(address(node))), "--cacert", "/run/ashlar/etcd/authority.pem", "--cert", "/run/ashlar/etcd/certificate.pem", "--key", "/run/ashlar/etcd/key.pem"};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    return argv;
}

} // namespace ashlar::virtual_site
