#include "session.hpp"

#include <base/error.hpp>
#include <base/text.hpp>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <utility>

#include <fmt/format.h>

namespace ashlar::token {

namespace {

std::string words_of(CK_RV code) {
    const char* const words = p11_kit_strerror(code);
    return fmt::format("{} (PKCS #11: {:#x})", words == nullptr ? "it failed" : words, code);
}

// Texts of tokens have a fixed size and blanks behind them.
template <std::size_t size>
std::string text_in(const unsigned char (&field)[size]) {
    return std::string(reinterpret_cast<const char*>(field), p11_kit_space_strlen(field, size));
}

struct Found {
    CK_FUNCTION_LIST* functions;
    CK_SLOT_ID slot;
    CK_TOKEN_INFO info;
};

std::vector<CK_SLOT_ID> slots_of(CK_FUNCTION_LIST* functions) {
    CK_ULONG count = 0;
    if (functions->C_GetSlotList(CK_TRUE, nullptr, &count) != CKR_OK) return {};
    std::vector<CK_SLOT_ID> slots(count);
    if (functions->C_GetSlotList(CK_TRUE, slots.data(), &count) != CKR_OK) return {};
    slots.resize(std::min<std::size_t>(count, slots.size()));
    return slots;
}

bool module_matches(P11KitUri* uri, CK_FUNCTION_LIST* functions) {
    CK_INFO info{};
    return functions->C_GetInfo(&info) == CKR_OK && p11_kit_uri_match_module_info(uri, &info) == 1;
}

bool slot_matches(P11KitUri* uri, CK_FUNCTION_LIST* functions, CK_SLOT_ID slot) {
    const CK_SLOT_ID wanted = p11_kit_uri_get_slot_id(uri);
    CK_SLOT_INFO info{};
    return (wanted == ~CK_SLOT_ID{0} || wanted == slot) && functions->C_GetSlotInfo(slot, &info) == CKR_OK && p11_kit_uri_match_slot_info(uri, &info) == 1;
}

std::vector<Found> tokens_for(P11KitUri* uri, const Modules& modules) {
    std::vector<Found> found;
    for (CK_FUNCTION_LIST* const functions : modules.all()) {
        if (!module_matches(uri, functions)) continue;
        for (const CK_SLOT_ID slot : slots_of(functions)) {
            CK_TOKEN_INFO info{};
            if (!slot_matches(uri, functions, slot) || functions->C_GetTokenInfo(slot, &info) != CKR_OK) continue;
            if ((info.flags & CKF_TOKEN_INITIALIZED) != 0 && p11_kit_uri_match_token_info(uri, &info) == 1) found.push_back({functions, slot, info});
        }
    }
    return found;
}

Found one_token(const Uri& uri, const Modules& modules) {
    const auto found = tokens_for(parsed(uri.text()).get(), modules);
    if (found.empty())
        throw Error(fmt::format("cannot find the token of '{}': no PKCS #11 module has it", uri.text()),
                    "is it plugged in, and does p11-kit know its module? module-path= in the URI names one");
    if (found.size() == 1) return found.front();
    std::vector<std::string> serials;
    for (const Found& one : found) serials.push_back(text_in(one.info.serialNumber));
    throw Error(fmt::format("cannot use '{}': {} tokens match it", uri.text(), found.size()), fmt::format("add serial= to it: {}", join(serials, " or ")));
}

} // namespace

UriHandle parsed(const std::string& text) {
    UriHandle uri(p11_kit_uri_new());
    if (!uri || p11_kit_uri_parse(text.c_str(), P11_KIT_URI_FOR_ANY, uri.get()) != P11_KIT_URI_OK) return nullptr;
    return uri;
}

// ---- Modules -----------------------------------------------------------------------------------

namespace {

bool is_called(CK_FUNCTION_LIST* module, std::string_view name) {
    const std::unique_ptr<char, decltype([](char* p) { std::free(p); })> own(p11_kit_module_get_name(module)); // NOLINT: it is malloc's
    return own && own.get() == name;
}

} // namespace

Modules::Modules(const Uri& uri) {
    const UriHandle handle = parsed(uri.text());
    const char* const path = p11_kit_uri_get_module_path(handle.get());
    if (path == nullptr) {
        const char* const name = p11_kit_uri_get_module_name(handle.get());
        configured_ = p11_kit_modules_load_and_initialize(0);
        for (CK_FUNCTION_LIST** one = configured_; one != nullptr && *one != nullptr; ++one)
            if (name == nullptr || is_called(*one, name)) modules_.push_back(*one);
        return;
    }
    named_ = p11_kit_module_load(path, P11_KIT_MODULE_CRITICAL);
    if (named_ == nullptr) throw Error(fmt::format("cannot load the PKCS #11 module '{}': it is not there, or no such module", path));
    if (const CK_RV code = p11_kit_module_initialize(named_); code != CKR_OK) {
        p11_kit_module_release(named_);
        throw Error(fmt::format("cannot start the PKCS #11 module '{}': {}", path, words_of(code)));
    }
    modules_.push_back(named_);
}

Modules::~Modules() {
    if (configured_ != nullptr) p11_kit_modules_finalize_and_release(configured_);
    if (named_ == nullptr) return;
    p11_kit_module_finalize(named_);
    p11_kit_module_release(named_);
}

// ---- Session -----------------------------------------------------------------------------------

CK_TOKEN_INFO token_info(const Uri& uri) {
    const Modules modules(uri);
    return one_token(uri, modules).info;
}

Session::Session(const Uri& uri, const Secret& pin) : modules_(uri), pin_(pin.text()) {
    const Found found = one_token(uri, modules_);
    functions_ = found.functions;
    token_ = found.info;
    if (const CK_RV code = functions_->C_OpenSession(found.slot, CKF_SERIAL_SESSION, nullptr, nullptr, &handle_); code != CKR_OK)
        throw Error(fmt::format("cannot open the token '{}': {}", token_label(), words_of(code)));
    try {
        if ((token_.flags & CKF_LOGIN_REQUIRED) != 0) log_in(CKU_USER);
    } catch (...) {
        functions_->C_CloseSession(handle_);
        throw;
    }
}

Session::~Session() { functions_->C_CloseSession(handle_); }

std::string Session::token_label() const { return text_in(token_.label); }

void Session::log_in(CK_USER_TYPE user) const {
    // PKCS #11 takes it as not constant, and does not write to it.
    auto* const text = reinterpret_cast<unsigned char*>(const_cast<char*>(pin_.text().data()));
    const bool keyboard = (token_.flags & CKF_PROTECTED_AUTHENTICATION_PATH) != 0; // the token asks by itself
    const CK_RV code = keyboard ? functions_->C_Login(handle_, user, nullptr, 0) : functions_->C_Login(handle_, user, text, pin_.text().size());
    const auto refuse = [&](std::string_view cause, std::string hint = {}) {
        throw Error(fmt::format("cannot log in to the token '{}': {}", token_label(), cause), std::move(hint));
    };
    switch (code) {
    case CKR_OK:
    case CKR_USER_ALREADY_LOGGED_IN: return; // another key of it is open
    case CKR_PIN_INCORRECT:
    case CKR_PIN_LEN_RANGE:
    case CKR_PIN_INVALID: refuse("the PIN is wrong", "most tokens lock themselves after three wrong PINs"); return;
    case CKR_PIN_LOCKED: refuse("it has locked itself after too many wrong PINs", "whoever has its security officer's PIN can set a new one"); return;
    case CKR_USER_PIN_NOT_INITIALIZED: refuse("it has no PIN yet", "set one with the tools of the token"); return;
    default: refuse(words_of(code));
    }
}

std::vector<CK_OBJECT_HANDLE> Session::find(const std::vector<CK_ATTRIBUTE>& wanted) const {
    std::vector<CK_ATTRIBUTE> attributes = wanted;
    CK_RV code = functions_->C_FindObjectsInit(handle_, attributes.data(), attributes.size());
    std::vector<CK_OBJECT_HANDLE> found;
    std::array<CK_OBJECT_HANDLE, 64> some{};
    for (CK_ULONG got = some.size(); code == CKR_OK && got == some.size();) {
        code = functions_->C_FindObjects(handle_, some.data(), some.size(), &got);
        if (code == CKR_OK) found.insert(found.end(), some.begin(), some.begin() + static_cast<std::ptrdiff_t>(got));
    }
    functions_->C_FindObjectsFinal(handle_);
    if (code != CKR_OK) throw Error(fmt::format("cannot list the objects of the token '{}': {}", token_label(), words_of(code)));
    return found;
}

std::optional<Bytes> Session::attribute(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type) const {
    constexpr CK_ULONG most = 65536;
    CK_ATTRIBUTE wanted{type, nullptr, 0};
    if (functions_->C_GetAttributeValue(handle_, object, &wanted, 1) != CKR_OK || wanted.ulValueLen > most) return std::nullopt;
    Bytes bytes(wanted.ulValueLen);
    wanted.pValue = bytes.data();
    if (functions_->C_GetAttributeValue(handle_, object, &wanted, 1) != CKR_OK || wanted.ulValueLen > bytes.size()) return std::nullopt;
    bytes.resize(wanted.ulValueLen);
    return bytes;
}

std::optional<CK_ULONG> Session::number(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type) const {
    const auto bytes = attribute(object, type);
    if (!bytes || bytes->size() != sizeof(CK_ULONG)) return std::nullopt;
    CK_ULONG value = 0;
    std::ranges::copy(*bytes, std::as_writable_bytes(std::span(&value, 1)).begin());
    return value;
}

std::string Session::label_of(CK_OBJECT_HANDLE object) const {
    const auto label = attribute(object, CKA_LABEL);
    return label ? std::string(text_of(*label)) : std::string();
}

Bytes Session::sign(CK_OBJECT_HANDLE object, CK_MECHANISM_TYPE type, ByteView data, std::string_view key) const {
    constexpr std::size_t largest = 1024; // of RSA with 8192 bits
    CK_MECHANISM mechanism{type, nullptr, 0};
    CK_RV code = functions_->C_SignInit(handle_, &mechanism, object);
    const auto again = attribute(object, CKA_ALWAYS_AUTHENTICATE);
    if (code == CKR_OK && again && !again->empty() && again->front() != std::byte{0}) log_in(CKU_CONTEXT_SPECIFIC);
    Bytes signature(largest);
    CK_ULONG size = signature.size();
    // Data is not constant to PKCS #11 either.
    auto* const input = reinterpret_cast<unsigned char*>(const_cast<std::byte*>(data.data()));
    if (code == CKR_OK) code = functions_->C_Sign(handle_, input, data.size(), reinterpret_cast<unsigned char*>(signature.data()), &size);
    if (code != CKR_OK) throw Error(fmt::format("cannot sign with '{}': {}", key, words_of(code)), "may this key sign, and is the token still there?");
    signature.resize(size);
    return signature;
}

} // namespace ashlar::token
