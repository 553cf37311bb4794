#pragma once

// Private to this module: a session with a token, and its objects.

#include <signing/bytes.hpp>
#include <signing/secret.hpp>
#include <token/token.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <p11-kit/p11-kit.h>
#include <p11-kit/uri.h>

namespace ashlar::token {

struct FreeUri {
    void operator()(P11KitUri* uri) const noexcept { p11_kit_uri_free(uri); }
};
using UriHandle = std::unique_ptr<P11KitUri, FreeUri>;
// `text` was taken by Uri::parse().
[[nodiscard]] UriHandle parsed(const std::string& text);

// Modules that are loaded and initialised.
class Modules {
public:
    explicit Modules(const Uri& uri);
    Modules(const Modules&) = delete;
    Modules& operator=(const Modules&) = delete;
    ~Modules();
    [[nodiscard]] const std::vector<CK_FUNCTION_LIST*>& all() const noexcept { return modules_; }

private:
    CK_FUNCTION_LIST** configured_ = nullptr;
    CK_FUNCTION_LIST* named_ = nullptr;
    std::vector<CK_FUNCTION_LIST*> modules_;
};

// What the one token that a URI names says of itself.
[[nodiscard]] CK_TOKEN_INFO token_info(const Uri& uri);

// With the one token that a URI names; logged in where the token wants that.
class Session {
public:
    Session(const Uri& uri, const Secret& pin);
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;
    ~Session();

    [[nodiscard]] const CK_TOKEN_INFO& token() const noexcept { return token_; }
    [[nodiscard]] std::string token_label() const;

    // Objects that have all of these attributes.
    [[nodiscard]] std::vector<CK_OBJECT_HANDLE> find(const std::vector<CK_ATTRIBUTE>& wanted) const;
    // Nothing where the object has none, or does not show it.
    [[nodiscard]] std::optional<Bytes> attribute(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type) const;
    [[nodiscard]] std::optional<CK_ULONG> number(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type) const;
    [[nodiscard]] std::string label_of(CK_OBJECT_HANDLE object) const;

    // `key`: the name for messages.
    [[nodiscard]] Bytes sign(CK_OBJECT_HANDLE object, CK_MECHANISM_TYPE mechanism, ByteView data, std::string_view key) const;

private:
    void log_in(CK_USER_TYPE user) const;

    Modules modules_;
    Secret pin_; // some keys want it again for each signature
    CK_FUNCTION_LIST* functions_ = nullptr;
    CK_TOKEN_INFO token_{};
    CK_SESSION_HANDLE handle_ = 0;
};

} // namespace ashlar::token
