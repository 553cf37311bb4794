// AWS Signature Version 4, judged by a server that computes it anew ("Signature Calculations for the Authorization Header"
// of the S3 API reference).

#include "team.hpp"

#include <base/text.hpp>

#include <put_server.hpp>

using namespace ashlar;
using namespace ashlar::shared;
using namespace ashlar::test;
using testing::ElementsAre;

namespace {

std::string raw(const Digest& digest) { return {reinterpret_cast<const char*>(digest.bytes().data()), Digest::size}; }

// RFC 2104.
std::string hmac(std::string key, const std::string& text) {
    key.resize(64, '\0');
    std::string inner = key, outer = key;
    for (char& c : inner) c = static_cast<char>(c ^ 0x36);
    for (char& c : outer) c = static_cast<char>(c ^ 0x5c);
    return raw(sha256(outer + raw(sha256(inner + text))));
}

std::string between(const std::string& text, const std::string& begin, const std::string& end) {
    const std::size_t at = text.find(begin);
    if (at == text.npos) return {};
    return text.substr(at + begin.size(), text.find(end, at + begin.size()) - at - begin.size());
}

std::string header(const Ask& ask, const std::string& name) {
    const auto found = ask.headers.find(name);
    return found == ask.headers.end() ? std::string() : found->second;
}

// The signature that belongs to this request, if the secret is `secret`.
std::string signature_of(const Ask& ask, const std::string& secret) {
    const std::string authorization = header(ask, "authorization");
    const std::string names = between(authorization, "SignedHeaders=", ","), scope_and_key = between(authorization, "Credential=", ",");
    const std::string scope = scope_and_key.substr(scope_and_key.find('/') + 1);
    std::string canonical = ask.method + "\n" + ask.target + "\n\n";
    for (const auto name : split(names, ';')) canonical += std::string(name) + ":" + header(ask, std::string(name)) + "\n";
    canonical += "\n" + names + "\n" + header(ask, "x-amz-content-sha256");
    const std::string to_sign = "AWS4-HMAC-SHA256\n" + header(ask, "x-amz-date") + "\n" + scope + "\n" + sha256(canonical).hex();
    std::string key = "AWS4" + secret;
    for (const auto part : split(scope, '/')) key = hmac(key, std::string(part));
    const std::string signature = hmac(key, to_sign);
    return to_hex(std::as_bytes(std::span(signature)));
}

bool signed_by(const Ask& ask, const std::string& access, const std::string& secret) {
    const std::string authorization = header(ask, "authorization"), digest = header(ask, "x-amz-content-sha256");
    return authorization.starts_with("AWS4-HMAC-SHA256 Credential=" + access + "/") && authorization.find("/site/s3/aws4_request") != authorization.npos &&
           digest == sha256(ask.body).hex() &&
           authorization.ends_with("Signature=" + signature_of(ask, secret));
}

struct SignedRequestsTest : TeamTest {
    Options with(const std::string& url, const std::string& password) const {
        Options options = this->options(url);
        options.transfer.credentials.netrc = secret("netrc", "machine 127.0.0.1 login ACCESS password " + password + "\n");
        options.transfer.credentials.s3_region = "site";
        return options;
    }
    PutServer server{[](const Ask& ask) { return signed_by(ask, "ACCESS", "sEcReT") ? 0 : 403; }};
};

} // namespace

TEST_F(SignedRequestsTest, AreAcceptedForReadingAndWriting) {
    Builder anna(store("anna"), with(server.url("/bucket"), "sEcReT"));
    anna.store.insert_text("one");
    EXPECT_TRUE(anna.shared.put(std::vector{Builder::wanted("one")}));
    EXPECT_THAT(anna.notes.lines, testing::IsEmpty());
    Builder bert(store("bert"), with(server.url("/bucket"), "sEcReT"));
    bert.fetch({Builder::wanted("one"), Builder::wanted("nowhere")});
    EXPECT_TRUE(bert.has("one"));
    EXPECT_THAT(bert.notes.lines, testing::IsEmpty());
}

TEST_F(SignedRequestsTest, WithAnotherSecretAreRefused) {
    Builder anna(store("anna"), with(server.url("/bucket"), "another"));
    anna.fetch({Builder::wanted("one")});
    EXPECT_THAT(anna.notes.lines, ElementsAre("cannot fetch '" + server.url("/bucket" + blob("one")) + "': HTTP status 403; the shared store is left out"));
}
