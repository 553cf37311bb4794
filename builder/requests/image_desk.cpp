#include <requests/image_desk.hpp>

#include <requests/request.hpp>

#include <base/error.hpp>
#include <base/file.hpp>

#include <algorithm>
#include <functional>
#include <map>

#include <fmt/format.h>

namespace ashlar::requests {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view beginning = "image_", request_end = ".request.json", answer_end = ".answer.json";

// As a part of a file's name, between two '_'.
std::string word(std::string_view text) {
    std::string name(text);
    const auto fits = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-'; };
    std::ranges::replace_if(name, [&](char c) { return !fits(c); }, '-');
    return name;
}

// "image_R1.0_compute_": release and role, as they are in a subject.
std::string beginning_for(std::string_view whose) {
    const auto space = whose.find(' ');
    if (space == whose.npos) return fmt::format("{}{}_", beginning, word(whose));
    return fmt::format("{}{}_{}_", beginning, word(whose.substr(0, space)), word(whose.substr(space + 1)));
}

// "image_R1.0_compute_UKI"
std::string name_for(std::string_view subject) {
    const auto colon = subject.find(": ");
    if (colon == subject.npos) throw Error(fmt::format("cannot ask for a signature of '{}': it does not say whose it is", subject));
    return beginning_for(subject.substr(0, colon)) + word(subject.substr(colon + 2));
}

struct Terms {
    Kind kind;
    const PublicKey& key;
    const char* role; // what the key is called
};
Terms terms_of(ImageSignature what, const ImageSigner& signer) {
    if (what == ImageSignature::authenticode) return {Kind::authenticode, signer.certificate().public_key(), "db"};
    return {Kind::pcr_policy, signer.pcr_key(), "pcr"};
}

// Requests and answers whose names begin so.
std::vector<fs::path> papers(const fs::path& directory, const std::string& prefix) {
    std::vector<fs::path> found;
    if (!fs::exists(directory)) return found;
    for (const auto& entry : fs::directory_iterator(directory)) {
        const std::string name = entry.path().filename().native();
        if (name.starts_with(prefix) && (name.ends_with(request_end) || name.ends_with(answer_end))) found.push_back(entry.path());
    }
    std::ranges::sort(found);
    return found;
}

// Answers first: what is left by a cut in between is a request that waits.
void remove_if(const fs::path& directory, const std::string& prefix, const std::function<bool(const fs::path&)>& is_to_go) {
    for (const auto end : {answer_end, request_end})
        for (const fs::path& file : papers(directory, prefix))
            if (file.native().ends_with(end) && is_to_go(file)) fs::remove(file);
}

} // namespace

std::optional<Bytes> ImageDesk::take_or_ask(ImageSignature what, const std::string& subject, const Bytes& message, const fs::path& file) const {
    const Terms terms = terms_of(what, *this);
    const std::string text = text_of(make_request(terms.kind, subject, terms.key, terms.role, message));
    const fs::path answer = answer_path(file);
    const auto [asked, is_new] = asked_.try_emplace(file, Asked{text, std::nullopt});
    if (!is_new && asked->second.text != text)
        throw Error(fmt::format("cannot ask for a signature of '{}': something else has the same name, '{}'", subject, file.native()), "give them names that differ in letters, digits, '.' or '-'");
    if (fs::exists(file) && read_request(file) == text) {
        if (fs::exists(answer)) return check_answer(read_answer(answer), text, terms.key, answer.native());
    } else {
        fs::create_directories(directory_);
        fs::remove(answer); // of other bytes
        write_file(file, text, 0644, Durability::synced);
    }
    asked->second.wanted = WantedSignature{subject, terms.role, file};
    return std::nullopt;
}

std::optional<std::vector<Bytes>> ImageDesk::sign(ImageSignature what, const std::string& subject, const std::vector<Bytes>& messages) const {
    if (auto signatures = at_hand_.sign(what, subject, messages)) return signatures;
    const std::string name = name_for(subject);
    std::vector<Bytes> signatures;
    for (std::size_t i = 0; i < messages.size(); ++i) {
        const std::string number = messages.size() == 1 ? std::string() : fmt::format(".{}", i + 1);
        if (auto signature = take_or_ask(what, subject, messages[i], directory_ / (name + number + std::string(request_end)))) signatures.push_back(*std::move(signature));
    }
    if (signatures.size() != messages.size()) return std::nullopt;
    return signatures;
}

std::vector<WantedSignature> ImageDesk::wanted() const {
    std::vector<WantedSignature> all;
    for (const auto& [file, asked] : asked_)
        if (asked.wanted) all.push_back(*asked.wanted);
    return all;
}

void ImageDesk::remove_others(std::string_view whose) const {
    std::vector<fs::path> ours;
    for (const auto& [file, asked] : asked_) ours.insert(ours.end(), {file, answer_path(file)});
    remove_if(directory_, beginning_for(whose), [&](const fs::path& file) { return std::ranges::find(ours, file) == ours.end(); });
}

std::vector<WaitingImages> waiting_images(const fs::path& directory) {
    std::map<std::string, WaitingImages> by_release;
    for (const fs::path& file : papers(directory, std::string(beginning))) {
        if (!file.native().ends_with(request_end)) continue;
        const std::string rest = file.filename().native().substr(beginning.size()), release = rest.substr(0, rest.find('_'));
        auto& waiting = by_release.try_emplace(release, WaitingImages{.release = release}).first->second;
        ++waiting.requests;
        if (fs::exists(answer_path(file))) ++waiting.answered;
    }
    std::vector<WaitingImages> all;
    for (const auto& [release, waiting] : by_release) all.push_back(waiting);
    return all;
}

void remove_image_requests(const fs::path& directory, std::string_view release) {
    remove_if(directory, beginning_for(release), [](const fs::path&) { return true; });
}

} // namespace ashlar::requests
