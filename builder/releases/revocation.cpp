#include <releases/revocation.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <requests/request.hpp>
#include <signing/authenticode.hpp>
#include <signing/key_set.hpp>
#include <signing/uefi_variables.hpp>

#include <algorithm>
#include <optional>

#include <fmt/format.h>

namespace ashlar::releases {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view key_name = "KEK";

fs::path request_file(const Office& office, const std::string& train) { return office.requests() / fmt::format("dbx-{}.{}.request.json", train, key_name); }

// The Authenticode digest of a UKI, from its bytes: it is what firmware computes.
Digest image_of(const Office& office, const ReleaseVersion& release, const std::string& file) {
    const std::string path = target_path(release, file);
    const auto uki = target_text(office, to_text(release.train), path);
    if (!uki) throw Error(fmt::format("cannot tell firmware of {}: its metadata does not name '{}'", to_text(release), path), "`--without-dbx` leaves firmware out");
    return request_authenticode(bytes_of(*uki), path).image;
}

class Revoking {
public:
    Revoking(const Office& office, const std::string& train, const fs::path& directory, Time now)
        : office_(office), train_(train), now_(now), path_(revocation_path(train)), request_(request_file(office, train)), images_(forbidden_images(office, train)) {
        if (!images_.empty()) keys_ = load_revocation_keys(directory, now);
    }

    FirmwareRevocation go() {
        if (images_.empty()) return {.train = train_, .images = 0, .state = FirmwareRevocation::State::nothing, .request = {}};
        if (is_there()) return complete();
        if (const auto answered = answered_update()) return publish(*answered);
        if (keys_->signer) {
            const VariableUpdate update = revocation(keys_->owner, images_, now_);
            return publish(attach_variable(update, keys_->key_exchange, keys_->signer->sign(request_variable(update))));
        }
        ask();
        return {.train = train_, .images = images_.size(), .state = FirmwareRevocation::State::asked, .request = request_};
    }

private:
    [[nodiscard]] FirmwareRevocation complete() const {
        forget_request();
        return {.train = train_, .images = images_.size(), .state = FirmwareRevocation::State::complete, .request = {}};
    }
    [[nodiscard]] bool is_wanted(ByteView lists) const { return std::ranges::equal(lists, revocation(keys_->owner, images_, now_).lists); }
    // Signed by the KEK of now: its certificate is in it.
    [[nodiscard]] bool is_there() const {
        const auto update = target_text(office_, train_, path_);
        return update && is_wanted(lists_of_update(bytes_of(*update), path_)) && update->find(ashlar::text_of(keys_->key_exchange.der())) != update->npos;
    }

    // ---- Asking ----

    // Nothing: none, of other images, or of another key.
    [[nodiscard]] std::optional<std::string> standing_request() const {
        if (!fs::exists(request_)) return std::nullopt;
        std::string text = requests::read_request(request_);
        const auto request = requests::parse_request(text, request_.native());
        if (request.key != keys_->key_exchange.public_key().fingerprint() || request.kind != requests::Kind::uefi_variable) return std::nullopt;
        return is_wanted(parse_variable_message(request.message, request_.native()).lists) ? std::optional(std::move(text)) : std::nullopt;
    }
    void ask() const {
        if (standing_request()) return;
        forget_request();
        const auto subject = fmt::format("{}: {} images that firmware is to refuse", path_, images_.size());
        const auto request = requests::make_request(requests::Kind::uefi_variable, subject, keys_->key_exchange.public_key(), std::string(key_name), message_of(revocation(keys_->owner, images_, now_)));
        fs::create_directories(request_.parent_path());
        write_file(request_, requests::text_of(request), 0644, Durability::synced);
    }
    [[nodiscard]] std::optional<Bytes> answered_update() const {
        const fs::path answer = requests::answer_path(request_);
        const auto text = standing_request();
        if (!text || !fs::exists(answer)) return std::nullopt;
        const Bytes signature = requests::check_answer(requests::read_answer(answer), *text, keys_->key_exchange.public_key(), answer.native());
        return attach_variable(parse_variable_message(requests::parse_request(*text, request_.native()).message, request_.native()), keys_->key_exchange, signature);
    }
    void forget_request() const {
        fs::remove(request_);
        fs::remove(requests::answer_path(request_));
    }

    FirmwareRevocation publish(const Bytes& update) const {
        const tuf::Target target = office_.repository().add_target_text(path_, ashlar::text_of(update));
        edit(office_, train_, now_, [&](tuf::Targets& targets) { targets.targets.insert_or_assign(path_, target); });
        return complete();
    }

    const Office& office_;
    const std::string& train_;
    Time now_;
    std::string path_;
    fs::path request_;
    std::vector<Digest> images_;
    std::optional<RevocationKeys> keys_;
};

} // namespace

std::string revocation_path(const std::string& train) { return fmt::format("trains/{}/revoked/dbx-append.auth", train); }

std::vector<Digest> forbidden_images(const Office& office, const std::string& train) {
    std::vector<Digest> images;
    for (const auto& one : list(office, train))
        if (one.revoked || one.below_floor)
            for (const auto& image : load(office, one.release).images) images.push_back(image_of(office, one.release, image.index.uki.file));
    std::ranges::sort(images);
    const auto same = std::ranges::unique(images);
    images.erase(same.begin(), same.end());
    return images;
}

FirmwareRevocation revoke_in_firmware(const Office& office, const std::string& train, const fs::path& keys, Time now) { return Revoking(office, train, keys, now).go(); }

std::vector<FirmwareRevocation> take_firmware_answers(const Office& office, const fs::path& keys, Time now) {
    std::vector<FirmwareRevocation> all;
    for (const auto& train : trains(office))
        if (fs::exists(request_file(office, train))) all.push_back(revoke_in_firmware(office, train, keys, now));
    return all;
}

} // namespace ashlar::releases
