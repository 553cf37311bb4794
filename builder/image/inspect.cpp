#include <image/inspect.hpp>

#include <image/architecture.hpp>
#include <image/fat.hpp>
#include <image/identifiers.hpp>
#include <image/verity.hpp>

#include <base/error.hpp>
#include <base/file.hpp>
#include <base/os_release.hpp>
#include <base/text.hpp>
#include <signing/authenticode.hpp>
#include <signing/pcr.hpp>
#include <signing/pe.hpp>
#include <signing/uki.hpp>

#include <algorithm>
#include <array>
#include <fcntl.h>
#include <fmt/format.h>

namespace ashlar::image {

namespace {

bool ends_with_efi(std::string_view path) {
    constexpr std::string_view suffix = ".efi";
    if (path.size() < suffix.size()) return false;
    return std::ranges::equal(path.substr(path.size() - suffix.size()), suffix,
                              [](char a, char b) { return (a | 0x20) == b; });
}

class Inspector {
public:
    Inspector(const std::filesystem::path& image, Verify verify)
        : name_(image.native()), file_(open_file(image, O_RDONLY)), verify_(verify) {
        result_.image = image;
        result_.size = std::filesystem::file_size(image);
        result_.table = read_partition_table(image);
    }

    Inspection run() && {
        read_boot_partition();
        find_root();
        if (verify_ == Verify::everything) verify_root();
        collect_faults();
        return std::move(result_);
    }

private:
    [[nodiscard]] Error not_an_image(std::string_view cause) const {
        return Error(fmt::format("cannot inspect '{}': {}", name_, cause), "is it a disk image that ashlar built?");
    }

    void read_boot_partition() {
        const auto* esp = result_.table.find(boot_partition_type());
        if (esp == nullptr) throw not_an_image("it has no EFI system partition");
        const FatVolume volume(file_.get(), esp->offset, esp->size,
                               fmt::format("{}, partition {}", name_, esp->number));
        for (const auto& file : volume.files()) {
            if (!ends_with_efi(file.path)) continue;
            const auto bytes = volume.read(file);
            read_program(file.path, bytes);
            if (file.path.starts_with("EFI/Linux/")) read_boot_image(file.path, bytes);
        }
        if (result_.uki.empty()) throw not_an_image("there is no UKI in EFI/Linux");
    }

    void read_program(const std::string& path, const Bytes& bytes) {
        EfiProgram program{.path = path, .size = bytes.size()};
        program.authenticode = authenticode_digest(bytes, parse_pe(bytes, path)).hex();
        for (const auto& signature : read_authenticode(bytes, path))
            program.signatures.push_back(
                {signature.signer.subject(), signature.signer.fingerprint().hex(), signature.intact});
        result_.programs.push_back(std::move(program));
    }

    void read_boot_image(const std::string& path, const Bytes& bytes) {
        if (!result_.uki.empty())
            throw not_an_image(fmt::format("it has several UKIs, '{}' and '{}'", result_.uki, path));
        const auto uki = read_uki(bytes, path);
        result_.uki = path;
        result_.uki_size = bytes.size();
        result_.sections = uki.sections;
        result_.command_line = trim(uki.command_line.value_or(""));
        result_.kernel_version = trim(uki.kernel_release.value_or(""));
        result_.os_release = parse_os_release(uki.os_release.value_or(""), path + " .osrel");
        result_.pcr_fault = pcr_signature_fault(bytes, path);
    }

    [[nodiscard]] std::string root_hash_word() const {
        constexpr std::string_view key = "roothash=";
        for (const auto word : split(result_.command_line, ' '))
            if (word.starts_with(key)) return std::string(word.substr(key.size()));
        throw not_an_image("the UKI's command line has no roothash=");
    }

    [[nodiscard]] const Partition& partition_with(const Guid& id, std::string_view what) const {
        const auto found = std::ranges::find(result_.table.partitions, id, &Partition::id);
        if (found == result_.table.partitions.end())
            throw not_an_image(
                fmt::format("there is no {} partition {}, which the UKI's root hash asks for", what, id.text()));
        return *found;
    }

    void find_root() {
        const auto hash = Digest::from_hex(root_hash_word());
        if (!hash) throw not_an_image("the root hash in the UKI's command line is not 64 hexadecimal digits");
        result_.root_hash = *hash;
        const auto& data = partition_with(data_partition_of(*hash), "root");
        const auto& tree = partition_with(hash_partition_of(*hash), "verity");
        tree_ = {.fd = file_.get(),
                 .offset = tree.offset,
                 .size = tree.size,
                 .name = fmt::format("{}, partition {}", name_, tree.number)};
        const auto header = read_verity_header(tree_);
        result_.root_size = header.data_blocks * verity_block;
        if (result_.root_size > data.size)
            throw not_an_image("the hash tree is of a larger file system than the root partition can hold");
        tree_.size = std::min(tree.size, verity_size(result_.root_size));
        data_ = {.fd = file_.get(),
                 .offset = data.offset,
                 .size = result_.root_size,
                 .name = fmt::format("{}, partition {}", name_, data.number)};
    }

    void verify_root() {
        const auto role = result_.os_release.find("VARIANT_ID");
        const auto parameters = verity_parameters(role == result_.os_release.end() ? "" : role->second);
        if (const auto fault = verify_verity(data_, tree_, result_.root_hash, parameters))
            result_.verity_fault = fault->text();
    }

    void collect_faults() {
        auto& faults = result_.faults;
        for (const auto& program : result_.programs) {
            if (program.signatures.empty()) faults.push_back(fmt::format("{} is not signed", program.path));
            for (const auto& signature : program.signatures)
                if (!signature.intact)
                    faults.push_back(
                        fmt::format("the signature of {} by '{}' is broken", program.path, signature.signer));
        }
        for (const std::string key : {"IMAGE_ID", "IMAGE_VERSION", "VARIANT_ID"})
            if (!result_.os_release.contains(key)) faults.push_back(fmt::format("the UKI's os-release has no {}", key));
        if (result_.pcr_fault) faults.push_back("PCR policy: " + *result_.pcr_fault);
        if (result_.verity_fault) faults.push_back("root file system: " + *result_.verity_fault);
    }

    std::string name_;
    Fd file_;
    Verify verify_;
    Inspection result_{.table = {.disk = guid_named("")}, .root_hash = sha256(std::string_view{})}; // both are replaced
    FileExtent tree_{.fd = -1}, data_{.fd = -1};
};

std::string field(const Inspection& inspection, const std::string& key) {
    const auto found = inspection.os_release.find(key);
    return found == inspection.os_release.end() ? "-" : found->second;
}

std::string_view type_name(const Guid& type) {
    if (type == boot_partition_type()) return "esp";
    for (const auto* debian : {"amd64", "arm64"}) {
        if (type == architecture(debian).root_type) return "root";
        if (type == architecture(debian).verity_type) return "root-verity";
    }
    return "other";
}

} // namespace

Inspection inspect(const std::filesystem::path& image, Verify verify) {
    return while_doing(fmt::format("inspecting '{}'", image.native()), [&] { return Inspector(image, verify).run(); });
}

Json to_json(const Inspection& inspection) {
    Json out{{"image", inspection.image.native()},   {"size", inspection.size},
             {"disk", inspection.table.disk.text()}, {"root_hash", inspection.root_hash.hex()},
             {"root_size", inspection.root_size},    {"os_release", inspection.os_release},
             {"faults", inspection.faults}};
    for (const auto& partition : inspection.table.partitions)
        out["partitions"].push_back({{"number", partition.number},
                                     {"type", partition.type.text()},
                                     {"kind", type_name(partition.type)},
                                     {"uuid", partition.id.text()},
                                     {"label", partition.label},
                                     {"offset", partition.offset},
                                     {"size", partition.size},
                                     {"attributes", partition.attributes}});
    Json sections = Json::array();
    for (const auto& [name, size] : inspection.sections) sections.push_back({{"name", name}, {"size", size}});
    out["uki"] = {{"path", inspection.uki},
                  {"size", inspection.uki_size},
                  {"command_line", inspection.command_line},
                  {"kernel", inspection.kernel_version},
                  {"sections", sections}};
    for (const auto& program : inspection.programs) {
        Json signatures = Json::array();
        for (const auto& signature : program.signatures)
            signatures.push_back({{"signer", signature.signer},
                                  {"certificate_sha256", signature.fingerprint},
                                  {"intact", signature.intact}});
        out["programs"].push_back({{"path", program.path},
                                   {"size", program.size},
                                   {"authenticode_sha256", program.authenticode},
                                   {"signatures", signatures}});
    }
    return out;
}

std::string to_text(const Inspection& inspection) {
    std::string out = fmt::format(
        "{}\n  {}  role {}, release {}\n  kernel     {}\n  root hash  {}\n  size       {} (root {}, UKI {})\n",
        inspection.image.native(), field(inspection, "PRETTY_NAME"), field(inspection, "VARIANT_ID"),
        field(inspection, "IMAGE_VERSION"), inspection.kernel_version, inspection.root_hash.hex(),
        human_bytes(inspection.size), human_bytes(inspection.root_size), human_bytes(inspection.uki_size));
    out += fmt::format("  command    {}\n\npartitions\n", inspection.command_line);
    for (const auto& partition : inspection.table.partitions)
        out += fmt::format("  {} {:<12} {:>10}  {}  {}\n", partition.number, type_name(partition.type),
                           human_bytes(partition.size), partition.id.text(), partition.label);
    out += "\nprograms on the ESP\n";
    for (const auto& program : inspection.programs) {
        out += fmt::format("  {} ({})\n", program.path, human_bytes(program.size));
        for (const auto& signature : program.signatures)
            out += fmt::format("    {} {}, certificate {}\n", signature.intact ? "signed by" : "BROKEN signature by",
                               signature.signer, signature.fingerprint);
        if (program.signatures.empty()) out += "    not signed\n";
    }
    out += "\nsections of the UKI\n";
    for (const auto& [name, size] : inspection.sections)
        out += fmt::format("  {:<9} {:>10}\n", name, human_bytes(size));
    out += inspection.faults.empty() ? "\nno fault found\n" : "\nfaults\n";
    for (const auto& fault : inspection.faults) out += fmt::format("  {}\n", fault);
    return out;
}

} // namespace ashlar::image
