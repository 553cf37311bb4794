#include <node/recovery.hpp>

#include "encryption.hpp"
#include "own_disk.hpp"
#include <node/media.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/text.hpp>
#include <node/early.hpp>

#include <fmt/format.h>

namespace ashlar::node {

namespace fs = std::filesystem;

namespace {

constexpr const char* key_on_medium = "ashlar/recovery-key";

Json encrypted_state() {
    Json content = own_disk("recover /var").content;
    if (!content.contains("encryption")) throw Error("cannot recover /var: it is not encrypted", "nothing needs to be done");
    return content;
}

// Its text without the line end that editors add, in a file of ours.
class KeyFile {
public:
    explicit KeyFile(const fs::path& from) : path_("/run/ashlar/recovery-key") { write_file(path_, trim(read_file(from)), 0600); }
    KeyFile(const KeyFile&) = delete;
    KeyFile& operator=(const KeyFile&) = delete;
    ~KeyFile() {
        std::error_code ignored;
        fs::remove(path_, ignored);
    }
    [[nodiscard]] const fs::path& path() const noexcept { return path_; }

private:
    fs::path path_;
};

} // namespace

std::string recovery_advice(std::string_view reason, const Json& state) {
    const Json& encryption = state.at("encryption");
    return fmt::format(R"(/var is locked: the TPM of this machine does not open it ({})
  Another board, a cleared TPM, or other Secure Boot keys (dbx) do that. Nothing is lost, and no service was started.
  Node {}; its recovery key is sealed to the site's key {}:
{}
  On the machine with that key, with the text above in the file 'sealed':
    base64 -d sealed | openssl pkeyutl -decrypt -inkey SITE.key -pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256
  Put what it prints into the file ashlar/recovery-key on a FAT stick and plug the stick in,
  or log in and run: /usr/lib/ashlar/ashlard recover --key=FILE)",
                       trim(reason), state.at("hostname").get<std::string>(), encryption.at("key").get<std::string>(),
                       encryption.at("recovery").get<std::string>());
}

std::string recovery_advice() { return recovery_advice(fs::exists(locked_mark) ? read_file(locked_mark) : std::string("not asked"), encrypted_state()); }

std::string sealed_recovery_key() { return encrypted_state().at("encryption").at("recovery").get<std::string>(); }

void recover(const fs::path& key_file) {
    const KeyFile key(key_file);
    enrol_tpm(own_disk("recover /var").var().device, key.path());
}

bool recover_from_media(const std::function<void(std::string_view)>& say) {
    const auto look = [](const disks::Partition&, const fs::path& place) {
        if (!fs::exists(place / key_on_medium)) return false;
        recover(place / key_on_medium);
        return true;
    };
    return on_media(MediumAccess::read_only, look, [&](const disks::Partition& partition, const Error& error) {
        say(fmt::format("the key on '{}' does not help: {}", partition.device.native(), error.message()));
    });
}

} // namespace ashlar::node
