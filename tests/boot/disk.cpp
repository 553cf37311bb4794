#include "disk.hpp"

#include <base/error.hpp>
#include <base/process.hpp>
#include <base/text.hpp>
#include <image/architecture.hpp>
#include <image/fat.hpp>
#include <image/identifiers.hpp>
#include <signing/verity.hpp>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdlib>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

namespace lab {

namespace {

namespace fs = std::filesystem;

fs::path required(const char* variable) {
    if (const char* value = std::getenv(variable)) return value;
    throw Error(fmt::format("cannot find the images to boot: {} is not set", variable), "run these tests by tests/boot/run");
}

std::string mtools_image(const fs::path& disk, const image::Partition& esp) { return fmt::format("{}@@{}", disk.native(), esp.offset); }

std::optional<std::uint64_t> number(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failure != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

} // namespace

std::string program(const std::string& name) {
    for (const auto* directory : {"/usr/sbin/", "/sbin/"})
        if (const auto path = directory + name; fs::exists(path)) return path;
    return name;
}

std::string lower(std::string text) {
    std::ranges::transform(text, text.begin(), [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
    return text;
}

const Lab& Lab::get() {
    static const Lab lab{required("ASHLAR_BOOT_IMAGES"), required("ASHLAR_BOOT_KEYS")};
    return lab;
}

fs::path Lab::base_of(std::string_view role) const {
    const auto beginning = fmt::format("ashlar_{}_", role);
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(images))
        if (entry.path().extension() == ".raw" && entry.path().filename().native().starts_with(beginning)) found.push_back(entry.path());
    if (found.size() != 1) throw Error(fmt::format("cannot choose an image of '{}': there are {} in '{}'", role, found.size(), images.native()));
    return found.front().replace_extension();
}

Identity Lab::signer() const {
    const auto now = std::chrono::time_point_cast<std::chrono::seconds>(std::chrono::system_clock::now());
    const BuildKeys all = load_build_keys(keys, now);
    return {all.db_key, all.db};
}

std::vector<VariableFile> Lab::variable_files(const std::vector<Digest>& revoked) const {
    const auto now = std::chrono::time_point_cast<std::chrono::seconds>(std::chrono::system_clock::now());
    return make_variable_files(load_enrolment_keys(keys, now), {}, revoked, now);
}

Bytes Lab::variables_revoking(const std::vector<Digest>& revoked) const {
    const auto firmware = machine::find_firmware();
    auto enrolled = machine::load_enrolled_keys(keys);
    if (!revoked.empty()) {
        const auto files = variable_files(revoked);
        enrolled.forbidden = parse_signature_lists(std::ranges::find(files, "dbx.esl", &VariableFile::name)->contents, "dbx.esl");
    }
    return machine::enrol(bytes_of(read_file(firmware.variables)), firmware.variables.native(), enrolled);
}

const fs::path& Lab::variables() const {
    static const TemporaryDirectory directory(fs::temp_directory_path(), "ashlar-boot-");
    static const fs::path path = [&] {
        write_file(directory.path() / "variables.fd", text_of(variables_revoking({})));
        return directory.path() / "variables.fd";
    }();
    return path;
}

Disk::Disk(std::string_view role) : directory_(fs::temp_directory_path(), "ashlar-boot-"), path_(directory_.path() / "disk.raw"), role_(role) {
    const auto image = Lab::get().base_of(role).native() + ".raw";
    run_checked({.argv = {"cp", "--sparse=always", "--reflink=auto", image, path_.native()}});
}

image::Partition Disk::esp() const { return *table().find(image::boot_partition_type()); }
image::Partition Disk::root() const { return *table().find(image::architecture("amd64").root_type); }
image::Partition Disk::verity() const { return *table().find(image::architecture("amd64").verity_type); }

std::string Disk::uki_path() const {
    const auto fd = open_file(path_, O_RDONLY);
    const auto partition = esp();
    for (const auto& file : image::FatVolume(fd.get(), partition.offset, partition.size, "esp").files())
        if (file.path.starts_with("EFI/Linux/") && file.path.ends_with(".efi")) return file.path;
    throw Error("cannot find a UKI on the disk");
}

Bytes Disk::read_boot_file(const std::string& name) const {
    const auto fd = open_file(path_, O_RDONLY);
    const auto partition = esp();
    const image::FatVolume volume(fd.get(), partition.offset, partition.size, "esp");
    for (const auto& file : volume.files())
        if (file.path == name) return volume.read(file);
    throw Error(fmt::format("cannot find '{}' on the boot partition", name));
}

void Disk::write_boot_file(const std::string& name, ByteView contents) {
    const auto file = directory_.path() / "boot-file";
    write_file(file, text_of(contents));
    const auto image = mtools_image(path_, esp());
    fs::path directory = "/";
    for (const auto& part : fs::path(name).parent_path()) {
        directory /= part;
        (void)run({.argv = {"mmd", "-D", "s", "-i", image, "::" + directory.native()}}); // is there already, mostly
    }
    run_checked({.argv = {"mcopy", "-D", "o", "-i", image, file.native(), "::/" + name}});
}

std::uint64_t Disk::place_of(const std::string& file) const {
    const auto partition = root();
    const auto copy = directory_.path() / "root.erofs";
    if (!fs::exists(copy))
        run_checked({.argv = {"dd", "status=none", "bs=1M", "if=" + path_.native(), "of=" + copy.native(),
                              fmt::format("skip={}", partition.offset >> 20U), fmt::format("count={}", partition.size >> 20U)}});
    const auto listing = run_checked({.argv = {"dump.erofs", "--path=/" + file, "-e", copy.native()}});
    // "   0:        0.. 2023424 | 2023424 :   14094336..  16117760 | 2023424"
    for (const auto line : split(listing, '\n'))
        if (const auto text = trim(line); text.starts_with("0:")) {
            const auto physical = trim(text.substr(text.rfind(':') + 1));
            if (const auto offset = number(trim(physical.substr(0, physical.find(".."))))) return *offset;
        }
    throw Error(fmt::format("cannot find where '{}' lies: dump.erofs says:\n{}", file, listing));
}

void Disk::flip(const image::Partition& partition, std::uint64_t offset) {
    const auto fd = open_file(path_, O_RDWR);
    const auto at = static_cast<off_t>(partition.offset + offset);
    unsigned char byte = 0;
    if (::pread(fd.get(), &byte, 1, at) != 1) throw system_error("read", path_.native());
    byte = static_cast<unsigned char>(~byte);
    if (::pwrite(fd.get(), &byte, 1, at) != 1) throw system_error("write", path_.native());
}

Digest Disk::reseal() {
    const auto fd = open_file(path_, O_RDWR);
    const auto data = root(), tree = verity();
    const auto header = read_verity_header({fd.get(), tree.offset, tree.size, "verity"});
    return write_verity({fd.get(), data.offset, header.data_blocks * verity_block, "root"}, fd.get(), tree.offset, header.parameters);
}

void Disk::name_partitions(const Digest& root_hash) {
    const auto set = [&](const image::Partition& partition, const Guid& id) {
        run_checked({.argv = {program("sfdisk"), "--quiet", "--part-uuid", path_.native(), std::to_string(partition.number), id.text()}});
    };
    set(root(), data_partition_of(root_hash));
    set(verity(), hash_partition_of(root_hash));
}

machine::Report Disk::boot(const std::function<void(machine::Options&)>& change) const {
    machine::Options options{.disk = path_, .firmware = machine::find_firmware(), .variables = Lab::get().variables(), .network = machine::Network::none};
    if (role_ == "probe") {
        options.memory_mib = 512;
        options.until = machine::Until::power_off;
    }
    if (change) change(options);
    return machine::boot(options);
}

} // namespace lab
