#pragma once

// The formations of this node, kept by a thread of their own: the definitions of the image, the engine, its journal, sealed secrets,
// and what people see of all that. docs/formats/node-status.md, "formations".

#include <base/json.hpp>
#include <formations/history.hpp>
#include <formations/sealed_vault.hpp>
#include <formations/service_certificates.hpp>
#include <forming/engine.hpp>
#include <forming/machine.hpp>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace ashlar::formations {

// How a machine is worked on. Another one in tests.
struct Machine {
    std::unique_ptr<forming::Runner> runner;
    std::unique_ptr<forming::Files> files;
    std::unique_ptr<forming::Units> units;
};
[[nodiscard]] Machine this_machine();

struct Parts {
    std::filesystem::path definitions = "/usr/lib/ashlar/formations"; // *.toml
    std::filesystem::path journal = "/var/lib/ashlar/formations";     // a directory, which is made
    std::filesystem::path history = "/run/ashlar/formations.history"; // a file of <formations/history.hpp>
    // The site as it is known now; nothing: it is not. What runs where follows from the roles that it has there, and from nothing that a
    // node says of itself.
    std::function<std::optional<forming::Site>()> site;
    std::function<forming::Self()> self;
    std::function<Keys()> keys; // of members, to seal to
    forming::SiteStore& store;  // asked only while self() has "store"
    const SigningKey& key;      // the node's own
    // Another text when anything was written in the store by anybody; nothing where there is no such text. Asked as `store` is, often
    // after a change and rarely when there was none for long.
    std::function<std::optional<std::string>()> mark = {};
    // Certificates of formations that have [certificate]. Without them those wait.
    struct Certification {
        std::filesystem::path directory = "/var/lib/ashlar/certificates";
        std::function<certificates::Trust()> trust; // of now; asked once, when the site is known
        std::function<certificates::SiteCertificate(const std::string& formation, const Bytes& request)> ask; // of a voter
        std::function<Time()> now;
    };
    std::optional<Certification> certification = std::nullopt;
    std::function<void()> changed;                   // status() is another than before
    std::function<void(const std::string&)> alarm;   // what a person must see
    Machine machine = this_machine();
};
// All functions are called from the service's thread, and may take their time. `changed` may call status().

class FormationService {
public:
    explicit FormationService(Parts parts); // begins
    FormationService(const FormationService&) = delete;
    FormationService& operator=(const FormationService&) = delete;
    ~FormationService() = default; // ends after the turn; jobs that run go on, and the next service gathers them

    // From any thread, what follows.

    [[nodiscard]] Json status() const;
    // What `ashlarctl verify` climbs: docs/formats/control.md, "Checks".
    [[nodiscard]] Json checks() const;
    // Since the node came on: <timeline/timeline.hpp>. `node`: what it is called.
    [[nodiscard]] Json timeline(const std::string& node) const;
    // For people, several lines. Error for a formation that is not here.
    [[nodiscard]] std::string why(std::string_view formation) const;

    // A person says: try again what failed. Error for a formation that is not here.
    void retry(const std::string& formation);
    // Another value for a secret of this node's formations; files that have it follow. Error when it cannot be.
    void rotate(const std::string& formation, const std::string& secret);
    // The same, to be written by the caller. While the site is not known, an Error.
    [[nodiscard]] SealedVault::Rotation rotation(const std::string& formation, const std::string& secret);
    [[nodiscard]] SealedVault::Rotation gift(const std::string& formation, const std::string& secret, const Secret& value);
    // Whatever runs here and shows the site's authorities, or a certificate by them, does it with those of now. Where something hinders that,
    // it is not waited for longer than `patience`.
    static constexpr std::chrono::minutes patience{3};
    [[nodiscard]] bool follows_authorities() const;
    // Something that the formations look at may have changed.
    void wake();

private:
    class Work;
    // Of one formation.
    struct Seen {
        forming::Standing standing;
        forming::Outlook outlook;
        std::int64_t since = 0; // seconds since 1970
        std::map<std::string, forming::Attempt, std::less<>> attempts;
        std::optional<Time> expires; // of its certificate
    };
    void run(const std::stop_token& stop);
    void show(Work& work, const std::vector<forming::Standing>& standings);
    void complain(const std::string& trouble);
    void pause(const std::stop_token& stop, forming::Time longest);
    [[nodiscard]] std::shared_ptr<SealedVault> vault_of(const std::string& formation, const std::string& secret) const;
    [[nodiscard]] const Seen& seen(std::string_view formation) const; // with the mutex

    Parts parts_;

    mutable std::mutex mutex_; // what follows
    std::condition_variable_any woken_;
    bool is_woken_ = false;
    std::deque<std::string> retries_;
    std::map<std::string, Seen, std::less<>> seen_;
    std::map<std::string, std::string, std::less<>> summaries_;
    History history_;
    std::string trouble_; // why there is nothing to see
    bool follows_ = false;
    const std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
    std::shared_ptr<SealedVault> vault_;
    std::shared_ptr<const formation::Formations> formations_;

    std::jthread thread_;
};

} // namespace ashlar::formations
