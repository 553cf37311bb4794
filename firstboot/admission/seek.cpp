#include <admission/seek.hpp>

#include <base/error.hpp>
#include <base/random.hpp>

#include <fmt/format.h>

namespace ashlar::admission {

namespace {

using namespace std::chrono_literals;

constexpr std::chrono::seconds longest_word = 10s, longest_wait = 15min; // a voter waits 10 minutes for a person

channel::Deadline in(std::chrono::seconds time) { return std::chrono::steady_clock::now() + time; }

Error refusal(std::string_view cause) { return Error(fmt::format("cannot enrol: {}", cause)); }

Error refusal(const channel::Refusal& refused) {
    Error error = refusal(refused.text);
    if (refused.cause == channel::Cause::not_us || refused.cause == channel::Cause::not_trusted) error.add_hint("the site may have another key by now: then this node's medium, or ticket, is to be made anew");
    return error;
}

Error refusal(const enrolment::Refused& refused) {
    Error error = refusal(refused.text);
    if (refused.reason == enrolment::Reason::unknown) error.add_hint("its serial number, MAC or TPM belongs into site.toml, or its table");
    if (refused.reason == enrolment::Reason::no_tpm) error.add_hint("turn it on in the firmware's set-up, or take require_tpm out of the site's site.toml");
    return error;
}

Json heard(channel::Channel& channel, std::chrono::seconds longest) {
    auto message = channel.receive(in(longest));
    if (!message) throw refusal("the voter ended the conversation: it is asked again");
    return std::move(*message);
}

} // namespace

enrolment::Enrolled seek(Fd socket, const channel::SharedKey& shared, Seeking seeking, const ShowCode& show) {
    auto opened = channel::connect(std::move(socket), shared, in(longest_word));
    if (const auto* const refused = std::get_if<channel::Refusal>(&opened)) throw refusal(*refused);
    auto& channel = std::get<channel::Channel>(opened);
    enrolment::Nonce nonce{};
    fill_with_random(nonce);
    enrolment::Seeker seeker(seeking.key, std::move(seeking.known), std::move(seeking.application), nonce, channel.exporter(enrolment::exporter_label));
    channel.send(seeker.begin(), in(longest_word));
    for (std::chrono::seconds patience = 60s;;) {
        auto received = seeker.receive(heard(channel, patience));
        if (auto* const enrolled = std::get_if<enrolment::Enrolled>(&received)) {
            show({});
            return std::move(*enrolled);
        }
        if (const auto* const refused = std::get_if<enrolment::Refused>(&received)) throw refusal(*refused);
        const auto& compare = std::get<enrolment::Compare>(received);
        channel.send(compare.reveal, in(longest_word));
        show(compare.code);
        patience = longest_wait;
    }
}

} // namespace ashlar::admission
