// The real systemd-boot, under the real firmware, is asked what the model is asked. Its UKIs are small and not
// signed: firmware refuses them, and systemd-boot says by name which one it had chosen.

#include "../boot/disk.hpp"
#include "handmade.hpp"
#include "loader.hpp"

#include <base/process.hpp>

#include <gmock/gmock.h>

#include <algorithm>
#include <cstdlib>

#include <fmt/format.h>

using namespace ashlar;
using testing::HasSubstr;

namespace {

struct File {
    std::string name, version, image = "ashlar";
};

// The probe's disk, with other UKIs.
class Menu {
public:
    explicit Menu(const std::vector<File>& files) {
        remove(std::filesystem::path(disk_.uki_path()).filename());
        for (const File& file : files) put(file.name, handmade::uki(handmade::os_release(file.version, file.image), "roothash=0"));
    }
    void put(const std::string& name, ByteView content) { disk_.write_boot_file("EFI/Linux/" + name, content); }
    void remove(const std::string& name) const {
        run_checked({.argv = {"mdel", "-i", fmt::format("{}@@{}", disk_.path().native(), disk_.esp().offset), "::/EFI/Linux/" + name}});
    }
    // What the model would start, by the name that it would have then; empty: nothing.
    [[nodiscard]] std::string model() const {
        const powercut::Log nothing;
        const std::uint64_t sectors = std::filesystem::file_size(disk_.path()) / powercut::sector_size;
        const powercut::Disk disk(nothing, sectors, disk_.path());
        const auto esp = disk_.esp();
        const auto fat = powercut::Fat::read(disk, {esp.offset / powercut::sector_size, (esp.offset + esp.size) / powercut::sector_size});
        const auto entries = powercut::menu(fat.value());
        return entries.empty() ? "" : entries.front().name_when_started();
    }
    // What the real one starts.
    [[nodiscard]] std::string real() const {
        const auto report = disk_.boot([](machine::Options& options) {
            options.writes = machine::Writes::kept;
            options.tpm = machine::Tpm::none;
            options.budget = {.processor = std::chrono::seconds(120), .idle = std::chrono::seconds(30)};
        });
        constexpr std::string_view before = "\\EFI\\Linux\\", after = ": Access denied";
        const std::string& said = report.verdict.detail;
        const auto from = said.find(before), to = said.find(after);
        if (from == std::string::npos || to == std::string::npos) return fmt::format("nothing: {} {}\n{}", machine::name_of(report.verdict.outcome), said, report.transcript);
        return said.substr(from + before.size(), to - from - before.size());
    }

private:
    lab::Disk disk_{"probe"};
};

bool all() { return std::getenv("ASHLAR_POWERCUT_ALL") != nullptr; }

TEST(SystemdBoot, CountsAttemptsAsTheModelDoes) {
    const Menu menu({{"ashlar_R0.1.efi", "R0.1"}, {"ashlar_R0.2+2-0.efi", "R0.2"}});
    for (const char* expected : {"ashlar_R0.2+1-1.efi", "ashlar_R0.2+0-2.efi", "ashlar_R0.1.efi"}) {
        ASSERT_EQ(menu.model(), expected);
        ASSERT_EQ(menu.real(), expected);
    }
}

// Each one that was chosen is taken away, so that the whole order is seen. In ring long to its end.
TEST(SystemdBoot, ChoosesInTheOrderOfTheModel) {
    Menu menu({{"ashlar_R0.9.efi", "R0.9"},
               {"ashlar_R0.9+1-2.efi", "R0.9"},
               {"ashlar_R0.10+3-0.efi", "R0.10"},
               {"ashlar_R0.11+0-3.efi", "R0.11"},
               {"ashlar_R0.12.efi.tmp", "R0.12"},
               {"ashlar_R0.10~rc1.efi", "R0.10~rc1"},
               {"auto-ashlar.efi", "R0.13"},
               {"another.efi", "R0.1", "aaa"},
               {"last.efi", "R9", "zzz"}});
    menu.put("broken.efi", bytes_of(std::string(70000, 'x')));
    menu.put("without-a-release.efi", handmade::uki("", "roothash=0"));
    int rounds = 0;
    for (std::string expected = menu.model(); !expected.empty() && (all() || rounds < 3); expected = menu.model(), ++rounds) {
        const std::string real = menu.real();
        ASSERT_EQ(real, expected);
        menu.remove(real);
    }
    EXPECT_EQ(rounds, all() ? 7 : 3);
}

} // namespace
