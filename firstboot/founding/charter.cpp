#include <founding/charter.hpp>

#include <algorithm>
#include <ranges>

namespace ashlar::founding {

namespace {

bool names(const std::vector<std::string>& list, std::string_view place) { return std::ranges::find(list, place) != list.end(); }

std::vector<std::string> places_of(const Electorate& electorate) {
    const auto places = electorate | std::views::transform(&Elector::place);
    return {places.begin(), places.end()};
}

} // namespace

bool Charter::declares(std::string_view place) const { return std::ranges::find(places, place, &Place::name) != places.end(); }

Summary Charter::summary() const {
    Bytes text;
    append(text, "ashlar charter 1");
    text.push_back(static_cast<std::byte>(mode));
    append_little_endian(text, static_cast<std::uint64_t>(expect));
    std::vector<Place> sorted = places;
    std::ranges::sort(sorted, {}, &Place::name);
    for (const auto& [name, sought] : sorted)
        for (const std::string& part : {name, sought}) {
            append_little_endian(text, static_cast<std::uint64_t>(part.size()));
            append(text, part);
        }
    return beacon::summary_of(ByteView(text));
}

std::vector<std::string> Charter::required(const std::optional<Order>& order) const {
    std::vector<std::string> required;
    for (const std::string& name : places | std::views::transform(&Place::name))
        if (!order || !names(order->without, name)) required.push_back(name);
    std::ranges::sort(required);
    return required;
}

bool Charter::sufficient(const Electorate& electorate, const std::optional<Order>& order) const {
    const auto places_there = places_of(electorate);
    if (places_there == required({})) return true;
    return order && is_lawful(*order, *this) && places_there == required(order);
}

bool is_lawful(const Order& order, const Charter& charter) {
    const auto declared = [&](const std::string& place) { return charter.declares(place); };
    return charter.mode == Mode::listed && std::ranges::all_of(order.without, declared) && std::ranges::all_of(order.despite, declared) &&
           2 * charter.required(order).size() > charter.places.size();
}

bool sits_in(const Electorate& electorate, const NodeId& node) { return std::ranges::find(electorate, node, &Elector::node) != electorate.end(); }

} // namespace ashlar::founding
