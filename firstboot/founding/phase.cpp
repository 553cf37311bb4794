#include <founding/phase.hpp>

#include <algorithm>

namespace ashlar::founding {

namespace {

using enum Phase;
using H = Happening;

// clang-format off
constexpr std::array rows{
    Row{hearing,  H::promised,      promised},
    Row{promised, H::promised,      promised},
    Row{promised, H::accepted,      accepted},
    Row{hearing,  H::accepted,      accepted},   // of a promise that is on the disk by now, too
    Row{accepted, H::promised,      accepted},   // to a later proposer, who is told what was accepted
    Row{accepted, H::accepted,      accepted},

    Row{hearing,  H::chosen,        founding},
    Row{promised, H::chosen,        founding},
    Row{accepted, H::chosen,        founding},
    Row{joining,  H::chosen,        founding},
    Row{hearing,  H::learned,       joining},
    Row{promised, H::learned,       joining},
    Row{accepted, H::learned,       joining},
    Row{joining,  H::learned,       joining},
    Row{hearing,  H::told,          joining},
    Row{promised, H::told,          joining},
    Row{accepted, H::told,          joining},
    Row{joining,  H::promised,      joining},    // was on its way to the disk
    Row{joining,  H::accepted,      joining},
    Row{founding, H::promised,      founding},
    Row{founding, H::accepted,      founding},

    Row{founding, H::settled,       member},
    Row{joining,  H::settled,       member},

    Row{foreign_data, H::told,      joining},
    Row{foreign_data, H::chosen,    founding},
    Row{foreign_data, H::learned,   joining},
    Row{foreign_data, H::ordered,   hearing},

    Row{hearing,      H::rivalled,  conflict},
    Row{promised,     H::rivalled,  conflict},
    Row{accepted,     H::rivalled,  conflict},
    Row{founding,     H::rivalled,  conflict},
    Row{joining,      H::rivalled,  conflict},
    Row{member,       H::rivalled,  conflict},
    Row{foreign_data, H::rivalled,  conflict},
    Row{conflict,     H::promised,  conflict},
    Row{conflict,     H::accepted,  conflict},
    Row{conflict,     H::chosen,    conflict},
    Row{conflict,     H::learned,   conflict},
    Row{conflict,     H::settled,   conflict},

    Row{hearing,      H::doubled,   identity_conflict},
    Row{promised,     H::doubled,   identity_conflict},
    Row{accepted,     H::doubled,   identity_conflict},
    Row{founding,     H::doubled,   identity_conflict},
    Row{joining,      H::doubled,   identity_conflict},
    Row{member,       H::doubled,   identity_conflict},
    Row{foreign_data, H::doubled,   identity_conflict},
    Row{conflict,     H::doubled,   identity_conflict},
    Row{identity_conflict, H::promised, identity_conflict},
    Row{identity_conflict, H::accepted, identity_conflict},
    Row{identity_conflict, H::chosen,   identity_conflict},
    Row{identity_conflict, H::learned,  identity_conflict},
    Row{identity_conflict, H::settled,  identity_conflict},

    Row{hearing, H::woke_blank,     hearing},
    Row{hearing, H::woke_marked,    foreign_data},
    Row{hearing, H::woke_promised,  promised},
    Row{hearing, H::woke_accepted,  accepted},
    Row{hearing, H::woke_told,      joining},
    Row{hearing, H::woke_learned,   joining},
    Row{hearing, H::woke_chosen,    founding},
    Row{hearing, H::woke_settled,   member},
};
// clang-format on

struct Words {
    Phase phase;
    std::string_view name;
};
constexpr std::array words{Words{hearing, "hearing"},
                           Words{promised, "promised"},
                           Words{accepted, "accepted"},
                           Words{founding, "founding"},
                           Words{joining, "joining"},
                           Words{member, "member"},
                           Words{foreign_data, "foreign-data"},
                           Words{identity_conflict, "identity-conflict"},
                           Words{conflict, "conflict"}};
static_assert(words.size() == all_phases.size());

} // namespace

std::span<const Row> table() { return rows; }

std::optional<Phase> next(Phase phase, Happening happening) {
    const auto found = std::ranges::find_if(rows, [&](const Row& row) { return row.phase == phase && row.happening == happening; });
    return found == rows.end() ? std::nullopt : std::optional(found->next);
}

bool votes(Phase phase) { return phase == hearing || phase == promised || phase == accepted; }

std::string_view name_of(Phase phase) { return std::ranges::find(words, phase, &Words::phase)->name; }

std::string_view name_of(Happening happening) {
    switch (happening) {
    case H::promised: return "promised";
    case H::accepted: return "accepted";
    case H::chosen: return "chosen";
    case H::learned: return "learned";
    case H::told: return "told";
    case H::settled: return "settled";
    case H::ordered: return "ordered";
    case H::doubled: return "doubled";
    case H::rivalled: return "rivalled";
    case H::woke_blank: return "woke-blank";
    case H::woke_marked: return "woke-marked";
    case H::woke_promised: return "woke-promised";
    case H::woke_accepted: return "woke-accepted";
    case H::woke_told: return "woke-told";
    case H::woke_learned: return "woke-learned";
    case H::woke_chosen: return "woke-chosen";
    case H::woke_settled: return "woke-settled";
    }
    return "";
}

} // namespace ashlar::founding
