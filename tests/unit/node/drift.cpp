#include <node/drift.hpp>

#include <base/file.hpp>

#include <gmock/gmock.h>

#include <sys/stat.h>

using namespace ashlar;
using node::Drift;
using testing::ElementsAre;
using testing::IsEmpty;
namespace fs = std::filesystem;

namespace {

class Layer : public testing::Test {
protected:
    Layer() {
        fs::create_directories(upper / "ssh");
        write_file(upper / "hostname", "node-1\n");
        write_file(upper / "machine-id", "0123\n", 0444);
        fs::create_symlink("/var/lib/ashlar/state/etc/key", upper / "ssh/key");
        node::record_layer(upper, record);
    }
    [[nodiscard]] std::vector<Drift> drift() const { return node::drift(upper, record); }
    TemporaryDirectory directory{testing::TempDir()};
    fs::path upper = directory.path() / "upper", record = directory.path() / "record.json";
};

TEST_F(Layer, HasNotDriftedWhenNothingHappened) { EXPECT_THAT(drift(), IsEmpty()); }

TEST_F(Layer, NamesEachFileThatDiffers) {
    write_file(upper / "ssh/new", "");
    write_file(upper / "hostname", "other\n");
    fs::remove(upper / "ssh/key");
    ::chmod((upper / "machine-id").c_str(), 0644);
    fs::create_directory(upper / "empty");
    EXPECT_THAT(drift(), ElementsAre(Drift{"/etc/hostname", "changed"}, Drift{"/etc/machine-id", "changed"}, Drift{"/etc/ssh/key", "removed"}, Drift{"/etc/ssh/new", "added"}));
    write_file(upper / "hostname", "node-1\n");
    fs::remove(upper / "ssh/new");
    EXPECT_THAT(drift(), ElementsAre(Drift{"/etc/machine-id", "changed"}, Drift{"/etc/ssh/key", "removed"}));
}

// By the daemon itself, after the start.
TEST_F(Layer, HasNotDriftedByWhatTheNodeRenders) {
    fs::create_directories(upper / "chrony/conf.d");
    write_file(upper / "chrony/conf.d/ashlar.conf", "allow\n");
    EXPECT_THAT(drift(), ElementsAre(Drift{"/etc/chrony/conf.d/ashlar.conf", "added"}));
    node::record_file("/etc/chrony/conf.d/ashlar.conf", upper, record);
    EXPECT_THAT(drift(), IsEmpty());
    write_file(upper / "chrony/conf.d/ashlar.conf", "deny\n");
    EXPECT_THAT(drift(), ElementsAre(Drift{"/etc/chrony/conf.d/ashlar.conf", "changed"}));
    fs::remove(upper / "chrony/conf.d/ashlar.conf");
    EXPECT_THAT(drift(), ElementsAre(Drift{"/etc/chrony/conf.d/ashlar.conf", "removed"}));
    node::record_file("/etc/none", upper, record);
    node::record_file("/etc/hostname", upper, directory.path() / "no record");
    EXPECT_FALSE(fs::exists(directory.path() / "no record"));
}

} // namespace
