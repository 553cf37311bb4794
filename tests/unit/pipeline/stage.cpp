#include <base/file.hpp>
#include <pipeline/stage.hpp>

#include <gtest/gtest.h>

using namespace ashlar;
using namespace ashlar::pipeline;
namespace fs = std::filesystem;

namespace {

// A workshop with just enough of recipes.
class Stages : public testing::Test {
protected:
    void SetUp() override {
        write("recipes/roles/tools.toml", "kind = \"tools\"\nsummary = \"The tools\"\n");
        write("recipes/roles/build.toml", "kind = \"build\"\nsummary = \"The build root\"\n");
        write("recipes/roles/initrd.toml", "kind = \"initrd\"\nsummary = \"The initrd\"\n");
        write("recipes/roles/base.toml", "kind = \"node\"\nsummary = \"The base\"\ninitrd = \"initrd\"\n\n[kernel]\npackage = \"linux\"\n");
        write("recipes/trains/R0.toml", "summary = \"A train\"\nrelease = \"R0.0\"\narchitecture = \"amd64\"\nroles = [\"base\"]\n"
                                        "tools = \"tools\"\nbuild = \"build\"\n\n[[archive]]\nname = \"local\"\nfolder = \"packages\"\n");
        fs::create_directory(directory.path() / "packages");
        workshop.emplace(WorkshopOptions{.recipes = directory.path() / "recipes", .store = directory.path() / "store"}, *renderer);
    }
    void write(const fs::path& path, const std::string& text) {
        fs::create_directories((directory.path() / path).parent_path());
        write_file(directory.path() / path, text);
    }
    // "configure: made, configure: cached"
    [[nodiscard]] std::string spans() const {
        std::string text;
        const Json trace = workshop->profile().trace();
        for (const Json& event : trace.at("traceEvents"))
            if (event.at("ph") == "X")
                text += (text.empty() ? "" : ", ") + event.at("name").get<std::string>() + (event.at("args").at("cached").get<bool>() ? ": cached" : ": made");
        return text;
    }

    TemporaryDirectory directory{fs::temp_directory_path()};
    std::unique_ptr<Renderer> renderer = make_renderer(ProgressStyle::quiet, 2);
    mutable std::optional<Workshop> workshop;
};

} // namespace

TEST_F(Stages, AreMadeOnceAndFoundThen) {
    int made = 0;
    const auto make = [&](const fs::path& output, StageTimer&) { write_file(output / "result", std::to_string(++made)); };
    const auto first = run_stage(*workshop, {"base", "initrd", "initrd", sha256("key")}, make);
    const auto second = run_stage(*workshop, {"base", "initrd", "initrd", sha256("key")}, make);
    EXPECT_EQ(read_file(first.output / "result"), "1");
    EXPECT_EQ(second.output, first.output);
    EXPECT_EQ(first.key, sha256("key"));
    EXPECT_EQ(spans(), "initrd: made, initrd: cached");
}

TEST_F(Stages, OfPartsHaveOneSpanWhenTheyAreFound) {
    const auto make = [&](const fs::path&) {
        const StageTimer one(workshop->profile(), workshop->renderer(), "base", "unpack");
        const StageTimer other(workshop->profile(), workshop->renderer(), "base", "scripts");
    };
    for (int i = 0; i < 2; ++i) (void)run_parts(*workshop, {"base", "configure", "configured", sha256("key")}, make);
    EXPECT_EQ(spans(), "scripts: made, unpack: made, configure: cached");
}
