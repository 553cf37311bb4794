#pragma once

// Certificates of the formations of this node that have [certificate]: each has a key of its own, made here, and a certificate that a voter
// issues for it. Both are on the node's disk, so that services start when nobody is there to ask; the key sealed to the node's own, so
// that a disk alone gives none away. docs/formats/service-certificates.md.
//
// Another one is asked for when a third of the life of the one that is there is over, when the authority that issues is another than its own, and
// when the node's addresses are others than stand in it. What is there is shown until then.

#include <certificates/authority.hpp>
#include <formation/reader.hpp>
#include <forming/effects.hpp>
#include <forming/site.hpp>
#include <signing/message_key.hpp>
#include <signing/secret.hpp>

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace ashlar::formations {

class ServiceCertificates final : public forming::Certificates {
public:
    struct Parts {
        std::filesystem::path directory; // made when something is kept
        const SigningKey& key;           // the node's own
        // What this node trusts, once the site is known: who issues now is first. Another one only for another of these.
        std::function<certificates::Trust()> trust;
        // A voter's answer to a request (PKCS #10). Error when none answers, or it refuses.
        std::function<certificates::SiteCertificate(const std::string& formation, const Bytes& request)> ask;
        std::function<Time()> now;
        std::function<void(const std::string&)> alarm = {};
    };
    // `formations` outlives it.
    ServiceCertificates(const formation::Formations& formations, Parts parts);

    // Sees that every formation that runs here has the one that it should. What does not succeed is told by trouble(), and tried again later.
    void tend(const forming::Site& site, const forming::Self& self, forming::Time now);
    // When there is something to do by itself again.
    [[nodiscard]] forming::Time next() const;

    [[nodiscard]] std::optional<Credentials> credentials(std::string_view formation) const override;
    [[nodiscard]] std::string trouble(std::string_view formation) const override;
    // By the authority that issues now.
    [[nodiscard]] bool is_of_now(std::string_view formation) const;
    [[nodiscard]] std::optional<Time> expires(std::string_view formation) const;

private:
    struct Held {
        certificates::SiteCertificate certificate;
        Secret key; // PEM
        certificates::ServiceBearer bearer;
        bool is_of_now = false;
    };
    struct Course {
        bool is_read = false;
        std::optional<Held> held;
        unsigned failures = 0; // in a row
        forming::Time not_before{};
        std::string trouble;
        bool is_alarmed = false;

        void settle();
    };
    enum class Need { nothing, first, other_authority, other_addresses, age };

    void tend(const formation::Formation& formation, Course& course, const forming::Site& site, const forming::Self& self, forming::Time now);
    [[nodiscard]] Need need(const Course& course, const std::set<std::string>& addresses, bool is_time_sane) const;
    void ask(const formation::Formation& formation, Course& course, const forming::Site& site, Need need);
    void fail(const formation::Formation& formation, Course& course, std::string why, forming::Time now);
    [[nodiscard]] std::optional<Held> read(const std::string& formation, const forming::Site& site) const;
    void write(const std::string& formation, const forming::Site& site, const Held& held) const;
    // An Error for what is not this node's for that formation.
    [[nodiscard]] Held held(certificates::SiteCertificate certificate, Secret key, const std::string& formation) const;
    void drop(const std::string& formation, Course& course) const;
    [[nodiscard]] std::filesystem::path file_of(const std::string& formation) const { return parts_.directory / (formation + ".json"); }
    [[nodiscard]] const Held* held_of(std::string_view formation) const;

    const formation::Formations& formations_;
    const Parts parts_;
    std::map<std::string, Course, std::less<>> courses_; // of formations that have [certificate] and run here
};

} // namespace ashlar::formations
