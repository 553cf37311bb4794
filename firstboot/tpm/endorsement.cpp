#include <tpm/endorsement.hpp>

#include <base/error.hpp>
#include <base/file.hpp>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include <unistd.h>

namespace ashlar::tpm {

namespace {

// Numbers of TPM 2.0 Library, part 2.
constexpr std::uint16_t with_sessions = 0x8002, rsa = 0x0001, sha256_name = 0x000B, aes = 0x0006, cfb = 0x0043, none = 0x0010;
constexpr std::uint32_t create_primary = 0x00000131, endorsement_hierarchy = 0x4000000B, password = 0x40000009;
constexpr std::uint32_t attributes = 0x000300B2; // fixedTPM, fixedParent, sensitiveDataOrigin, adminWithPolicy, restricted, decrypt
constexpr std::uint16_t bits = 2048, modulus_size = bits / 8;
// Of PolicySecret(endorsement hierarchy).
constexpr std::string_view policy("\x83\x71\x97\x67\x44\x84\xb3\xf8\x1a\x90\xcc\x8d\x46\xa5\xd7\x24\xfd\x52\xd7\x6e\x06\x52\x0b\x64\xf2\xa1\xda\x1b\x33\x14\x69\xaa", 32);

// Big-endian, as all that a TPM reads and writes.
class Writer {
public:
    Writer& u8(unsigned value) { return bytes(std::string(1, static_cast<char>(value))); }
    Writer& u16(std::uint16_t value) { return u8(value >> 8U).u8(value & 0xFFU); }
    Writer& u32(std::uint32_t value) { return u16(static_cast<std::uint16_t>(value >> 16U)).u16(static_cast<std::uint16_t>(value & 0xFFFFU)); }
    Writer& bytes(std::string_view more) {
        text_ += more;
        return *this;
    }
    // With its size before it.
    Writer& sized(std::string_view more) { return u16(static_cast<std::uint16_t>(more.size())).bytes(more); }
    [[nodiscard]] const std::string& text() const noexcept { return text_; }

private:
    std::string text_;
};

Error refusal(std::string_view cause) { return Error(fmt::format("cannot ask the TPM for its endorsement key: {}", cause), "know this machine by its serial number or a MAC, or look at the TPM in the firmware's set-up"); }

class Reader {
public:
    explicit Reader(std::string_view bytes) : left_(bytes) {}
    std::string_view bytes(std::size_t size) {
        if (size > left_.size()) throw refusal("its answer is cut short");
        const auto taken = left_.substr(0, size);
        left_.remove_prefix(size);
        return taken;
    }
    std::uint32_t number(std::size_t size) {
        std::uint32_t value = 0;
        for (const char byte : bytes(size)) value = value << 8U | static_cast<unsigned char>(byte);
        return value;
    }
    std::uint16_t u16() { return static_cast<std::uint16_t>(number(2)); }
    std::uint32_t u32() { return number(4); }
    std::string_view sized() { return bytes(u16()); }

private:
    std::string_view left_;
};

std::string endorsement_template() {
    return Writer().u16(rsa).u16(sha256_name).u32(attributes).sized(policy).u16(aes).u16(128).u16(cfb).u16(none).u16(bits).u32(0).sized(std::string(modulus_size, '\0')).text();
}

std::string question() {
    const std::string no_password = Writer().u32(password).u16(0).u8(0).u16(0).text(), nothing_of_ours = Writer().u16(0).u16(0).text();
    Writer body;
    body.u32(endorsement_hierarchy).u32(static_cast<std::uint32_t>(no_password.size())).bytes(no_password).sized(nothing_of_ours).sized(endorsement_template()).u16(0).u32(0);
    constexpr std::size_t header = 10;
    return Writer().u16(with_sessions).u32(static_cast<std::uint32_t>(header + body.text().size())).u32(create_primary).bytes(body.text()).text();
}

// A whole one at a time, as the kernel's device gives it.
std::string answer_of(int tpm) {
    std::array<char, 4096> buffer{};
    const auto size = ::read(tpm, buffer.data(), buffer.size());
    if (size < 0) throw system_error("read", "the TPM");
    return {buffer.data(), static_cast<std::size_t>(size)};
}

std::string modulus_in(std::string_view answer) {
    Reader message(answer);
    (void)message.u16();
    (void)message.u32();
    if (const auto code = message.u32(); code != 0) throw refusal(fmt::format("it answers with 0x{:03x}", code));
    (void)message.u32(); // the handle
    (void)message.u32(); // how much follows
    Reader key(message.sized());
    if (key.u16() != rsa) throw refusal("it made a key of another kind");
    (void)key.u16();
    (void)key.u32();
    (void)key.sized();
    if (key.u16() != aes) throw refusal("it made a key of another kind");
    (void)key.u32();
    (void)key.u16();
    if (key.u16() != bits) throw refusal("it made a key of another size");
    if (const auto exponent = key.u32(); exponent != 0 && exponent != 65537) throw refusal("its key has another exponent");
    const auto modulus = key.sized();
    if (modulus.size() != modulus_size || static_cast<unsigned char>(modulus.front()) < 0x80U) throw refusal("its key has another size than it says");
    return std::string(modulus);
}

// RFC 3279, 2.3.1. All lengths are those of 2048 bits.
std::string public_key_info(const std::string& modulus) {
    constexpr std::string_view before("\x30\x82\x01\x22\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00\x03\x82\x01\x0f\x00\x30\x82\x01\x0a\x02\x82\x01\x01\x00", 33);
    constexpr std::string_view behind("\x02\x03\x01\x00\x01", 5);
    return std::string(before) + modulus + std::string(behind);
}

} // namespace

Digest endorsement_key(int tpm) {
    write_all(tpm, question(), "the TPM");
    return sha256(public_key_info(modulus_in(answer_of(tpm))));
}

} // namespace ashlar::tpm
