#include <formations/service_certificates.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <certificates/verify.hpp>
#include <forming/decision.hpp>
#include <signing/base64.hpp>
#include <signing/hpke.hpp>
#include <signing/json_object.hpp>
#include <signing/node_id.hpp>

#include <algorithm>
#include <system_error>
#include <utility>

#include <fmt/format.h>

namespace ashlar::formations {

namespace {

namespace fs = std::filesystem;
using certificates::SiteCertificate;

constexpr JsonDocument document{.kind = "certificate", .name = "of a service", .remedy = "another one is asked for"};
constexpr unsigned own_mode = 0600;
constexpr forming::Time longest_pause = std::chrono::seconds(30); // a site that comes to another authority waits for it

std::string purpose_of(const std::string& site, const std::string& formation) { return fmt::format("ashlar service key 1 {} {}", site, formation); }

bool runs_here(const formation::Formation& formation, const forming::Site& site, const forming::Self& self) { return formation.certificate && forming::is_placed(formation, site, self.id); }

// With nobody to issue another for two thirds of its life, a person should know before the last.
bool is_late(const SiteCertificate& certificate, Time now) { return now - certificate.not_before() >= (certificate.not_after() - certificate.not_before()) * 2 / 3; }

} // namespace

void ServiceCertificates::Course::settle() {
    failures = 0;
    not_before = {};
    trouble.clear();
}

ServiceCertificates::ServiceCertificates(const formation::Formations& formations, Parts parts) : formations_(formations), parts_(std::move(parts)) {}

void ServiceCertificates::tend(const forming::Site& site, const forming::Self& self, forming::Time now) {
    for (const auto& [name, formation] : formations_) {
        if (!formation.certificate) continue;
        Course& course = courses_[name];
        if (runs_here(formation, site, self)) tend(formation, course, site, self, now);
        else drop(name, course);
    }
}

void ServiceCertificates::tend(const formation::Formation& formation, Course& course, const forming::Site& site, const forming::Self& self, forming::Time now) {
    try {
        if (!std::exchange(course.is_read, true)) course.held = read(formation.name, site);
    } catch (const Error& error) {
        if (parts_.alarm) parts_.alarm(fmt::format("{}: {}; another one is asked for", formation.name, error.message()));
    }
    const auto is = [&self](std::string_view fulfilled) { return self.fulfilled.contains(fulfilled); };
    const auto addresses = forming::certified_addresses(formation, site, self.id);
    const auto what = [&] { return need(course, addresses, is(formation::time_is_sane)); };
    if (what() == Need::nothing) return course.settle();
    if (now < course.not_before || !is(formation::store_answers) || !is(formation::has_certificate)) return;
    try {
        ask(formation, course, site, what());
    } catch (const Error& error) {
        return fail(formation, course, error.message(), now);
    }
    if (what() == Need::nothing) return course.settle();
    fail(formation, course, "the voter that answered does not yet know the site as this node does", now);
}

// A clock that cannot be believed must not make one certificate after the other.
ServiceCertificates::Need ServiceCertificates::need(const Course& course, const std::set<std::string>& addresses, bool is_time_sane) const {
    if (!course.held) return Need::first;
    if (!course.held->is_of_now) return Need::other_authority;
    if (course.held->bearer.addresses != addresses) return Need::other_addresses;
    return is_time_sane && certificates::is_due(course.held->certificate, parts_.now()) ? Need::age : Need::nothing;
}

void ServiceCertificates::ask(const formation::Formation& formation, Course& course, const forming::Site& site, Need need) {
    const SigningKey key = SigningKey::generate(site_scheme);
    Held next = held(parts_.ask(formation.name, certificates::make_request(key)), key.secret(), formation.name);
    // One that is no better is not worth the restart of a service.
    if (need == Need::other_authority && !next.is_of_now) return;
    if (need == Need::other_addresses && next.bearer == course.held->bearer) return;
    course.held = std::move(next);
    course.is_alarmed = false;
    try {
        write(formation.name, site, *course.held);
    } catch (const std::exception& error) {
        // As on a disk that is full: it serves until the daemon starts again.
        if (parts_.alarm) parts_.alarm(fmt::format("{}: its certificate is not kept on the disk: {}", formation.name, error.what()));
    }
}

void ServiceCertificates::fail(const formation::Formation& formation, Course& course, std::string why, forming::Time now) {
    course.trouble = std::move(why);
    course.not_before = now + std::min<forming::Time>(forming::backoff(++course.failures), longest_pause);
    if (!course.held || course.is_alarmed || !is_late(course.held->certificate, parts_.now())) return;
    course.is_alarmed = true;
    if (parts_.alarm) parts_.alarm(fmt::format("{}: its certificate on this node is not renewed, and will expire: {}", formation.name, course.trouble));
}

forming::Time ServiceCertificates::next() const {
    forming::Time next = forming::Time::max();
    for (const auto& [name, course] : courses_)
        if (course.failures != 0) next = std::min(next, course.not_before);
    return next;
}

std::optional<forming::Certificates::Credentials> ServiceCertificates::credentials(std::string_view formation) const {
    const Held* const found = held_of(formation);
    return found == nullptr ? std::nullopt : std::optional(Credentials{found->certificate.pem(), std::string(found->key.text())});
}

std::string ServiceCertificates::trouble(std::string_view formation) const {
    const auto found = courses_.find(formation);
    return found == courses_.end() ? std::string() : found->second.trouble;
}

bool ServiceCertificates::is_of_now(std::string_view formation) const {
    const Held* const found = held_of(formation);
    return found != nullptr && found->is_of_now;
}

std::optional<Time> ServiceCertificates::expires(std::string_view formation) const {
    const Held* const found = held_of(formation);
    return found == nullptr ? std::nullopt : std::optional(found->certificate.not_after());
}

const ServiceCertificates::Held* ServiceCertificates::held_of(std::string_view formation) const {
    const auto found = courses_.find(formation);
    return found == courses_.end() || !found->second.held ? nullptr : &*found->second.held;
}

ServiceCertificates::Held ServiceCertificates::held(SiteCertificate certificate, Secret key, const std::string& formation) const {
    const auto refused = [&](std::string_view cause) { return Error(fmt::format("cannot use the certificate of '{}': {}", formation, cause)); };
    const auto trust = parts_.trust();
    const auto judgement = certificates::verify_at_no_time(certificate.der(), trust);
    if (const auto* const refusal = std::get_if<certificates::Refusal>(&judgement)) throw refused(refusal->text);
    const auto* const bearer = std::get_if<certificates::ServiceBearer>(&std::get<certificates::Bearer>(judgement));
    if (bearer == nullptr || bearer->service != formation || bearer->node != node_id_of(parts_.key.verifying_key())) throw refused("it is another's");
    if (SigningKey::from_secret(key, "service").verifying_key() != certificate.key()) throw refused("it is of another key");
    const auto issuing = std::get<certificates::Trust>(certificates::Trust::pinned(trust.site(), trust.authority().der(), trust.authority().digest()));
    const bool is_of_now = std::holds_alternative<certificates::Bearer>(certificates::verify_at_no_time(certificate.der(), issuing));
    return {.certificate = std::move(certificate), .key = std::move(key), .bearer = *bearer, .is_of_now = is_of_now};
}

// ---- On the disk -------------------------------------------------------------------------------

std::optional<ServiceCertificates::Held> ServiceCertificates::read(const std::string& formation, const forming::Site& site) const {
    if (!fs::exists(file_of(formation))) return std::nullopt;
    const Json json = parse_strict_json(read_file(file_of(formation)), file_of(formation).native());
    JsonObject object(json, document, "it");
    object.expect("format", 1);
    object.expect("algorithm", node_sealing_algorithm);
    const Bytes certificate = object.bytes("certificate"), sealed = object.bytes("key");
    object.finish();
    auto key = unseal(parts_.key, purpose_of(site.id, formation), sealed);
    if (!key) throw Error(fmt::format("cannot use the certificate of '{}': its key is not sealed to this node's, or was changed", formation));
    return held(SiteCertificate::from_der(certificate, formation), std::move(*key), formation);
}

void ServiceCertificates::write(const std::string& formation, const forming::Site& site, const Held& held) const {
    fs::create_directories(parts_.directory);
    const Json json{{"format", 1}, {"algorithm", node_sealing_algorithm}, {"certificate", base64(held.certificate.der())}, {"key", base64(seal_to_node(parts_.key.verifying_key(), purpose_of(site.id, formation), held.key))}};
    const std::string text = json.dump() + "\n";
    write_file(
        file_of(formation), [&](const Fd& out) { write_all(out.get(), text, file_of(formation).native()); }, own_mode, Durability::synced);
}

// What does not run here any more has no key here.
void ServiceCertificates::drop(const std::string& formation, Course& course) const {
    if (course.is_read && !course.held) return;
    course = Course{.is_read = true, .held = {}, .trouble = {}};
    std::error_code ignored;
    fs::remove(file_of(formation), ignored);
}

} // namespace ashlar::formations
