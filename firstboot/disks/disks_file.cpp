#include <disks/disks_file.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <disks/inventory.hpp>

#include <utility>

namespace ashlar::disks {

DisksFile::DisksFile(Parts parts) : parts_(std::move(parts)), thread_([this](const std::stop_token& stop) { run(stop); }) {}

void DisksFile::wake() {
    const std::lock_guard lock(mutex_);
    is_woken_ = true;
    woken_.notify_all();
}

void DisksFile::run(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
        look();
        std::unique_lock lock(mutex_);
        (void)woken_.wait_for(lock, stop, parts_.every, [this] { return is_woken_; });
        is_woken_ = false;
    }
}

// What cannot be looked at is said, in the place of sets: it must not be taken for a node without disks.
void DisksFile::look() {
    std::string text;
    try {
        const auto wanted = parts_.wanted();
        if (!wanted) return;
        if (const auto mark = site_mark(wanted->site); !survey_ || mark != mark_) {
            // Until udev has looked at a partition, nobody knows whose it is.
            if (parts_.devices == Devices::hardware) settle();
            survey_.emplace(mark, parts_.devices, parts_.root);
            mark_ = mark;
        }
        text = pretty(wanted->rules.empty() ? to_json({}, wanted->site) : to_json(sets_of(wanted->rules, wanted->roles, survey_->look()), wanted->site));
    } catch (const std::exception& error) {
        text = pretty(Json{{"format", 1}, {"trouble", error.what()}});
    }
    if (text == written_) return;
    try {
        write_file(parts_.file, text);
        written_ = std::move(text);
    } catch (const Error&) {
        // The next look writes it.
    }
}

} // namespace ashlar::disks
