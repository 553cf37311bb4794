#include <gpt/table.hpp>

#include <base/error.hpp>
#include <base/file.hpp>

#include <algorithm>
#include <cstdlib>
#include <fcntl.h>
#include <fmt/format.h>
#include <libfdisk.h>
#include <memory>
#include <unistd.h>

namespace ashlar::gpt {

namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t file_sector = 512;

template <auto Release> struct Releaser {
    template <typename Handle> void operator()(Handle* handle) const { Release(handle); }
};
using Context = std::unique_ptr<fdisk_context, Releaser<fdisk_unref_context>>;
using Entry = std::unique_ptr<fdisk_partition, Releaser<fdisk_unref_partition>>;
using Type = std::unique_ptr<fdisk_parttype, Releaser<fdisk_unref_parttype>>;
using Text = std::unique_ptr<char, Releaser<std::free>>;

// libfdisk returns negative errno values.
void check(int result, std::string_view verb, const fs::path& image) {
    if (result < 0) throw system_error(verb, image.native(), -result);
}

enum class Access { read, write };

Context open_context(const fs::path& image, Access access) {
    Context context(fdisk_new_context());
    if (!context) throw std::bad_alloc();
    fdisk_disable_dialogs(context.get(), 1);
    // libfdisk would take sector size and alignment from the disk below the file.
    if (fs::is_regular_file(image)) {
        check(fdisk_save_user_sector_size(context.get(), file_sector, file_sector), "open", image);
        check(fdisk_save_user_grain(context.get(), alignment), "open", image);
    }
    check(fdisk_assign_device(context.get(), image.c_str(), access == Access::read), "open", image);
    return context;
}

Guid guid_from(const char* text, std::string_view what, const fs::path& image) {
    const auto guid = text == nullptr ? std::nullopt : Guid::from_text(text);
    if (!guid)
        throw Error(fmt::format("cannot read the partition table of '{}': {} has no identifier", image.native(), what));
    return *guid;
}

Type type_of(fdisk_context* context, const Guid& guid, const fs::path& image) {
    Type type(fdisk_label_parse_parttype(fdisk_get_label(context, nullptr), guid.text().c_str()));
    if (!type)
        throw Error(fmt::format("cannot write the partition table of '{}': type {} is not accepted", image.native(),
                                guid.text()));
    return type;
}

void add(fdisk_context* context, const Partition& partition, const fs::path& image) {
    const Entry entry(fdisk_new_partition());
    const auto type = type_of(context, partition.type, image);
    fdisk_partition_set_partno(entry.get(), partition.number - 1);
    fdisk_partition_set_start(entry.get(), partition.offset / fdisk_get_sector_size(context));
    fdisk_partition_set_size(entry.get(), partition.size / fdisk_get_sector_size(context));
    fdisk_partition_size_explicit(entry.get(), 1);
    fdisk_partition_set_type(entry.get(), type.get());
    fdisk_partition_set_uuid(entry.get(), partition.id.text().c_str());
    fdisk_partition_set_name(entry.get(), partition.label.c_str());
    std::size_t number = 0;
    check(fdisk_add_partition(context, entry.get(), &number), "add a partition to", image);
    check(fdisk_gpt_set_partition_attrs(context, number, partition.attributes), "add a partition to", image);
}

Partition partition_at(fdisk_context* context, std::size_t index, const fs::path& image) {
    fdisk_partition* raw = nullptr;
    check(fdisk_get_partition(context, index, &raw), "read a partition of", image);
    const Entry entry(raw);
    const auto what = fmt::format("partition {}", index + 1);
    const auto* type = fdisk_partition_get_type(entry.get());
    const auto* label = fdisk_partition_get_name(entry.get());
    Partition partition{
        .number = index + 1,
        .type = guid_from(type == nullptr ? nullptr : fdisk_parttype_get_string(type), what, image),
        .id = guid_from(fdisk_partition_get_uuid(entry.get()), what, image),
        .label = label == nullptr ? "" : label,
        .offset = fdisk_partition_get_start(entry.get()) * fdisk_get_sector_size(context),
        .size = fdisk_partition_get_size(entry.get()) * fdisk_get_sector_size(context),
    };
    check(fdisk_gpt_get_partition_attrs(context, index, &partition.attributes), "read a partition of", image);
    return partition;
}

void require_gpt(fdisk_context* context, const fs::path& disk) {
    if (!fdisk_is_labeltype(context, FDISK_DISKLABEL_GPT))
        throw Error(fmt::format("cannot read the partition table of '{}': there is no GPT in it", disk.native()),
                    "is it a disk image that ashlar built, and is it complete?");
}

void apply(fdisk_context* context, const Change& change, const fs::path& disk) {
    const Entry entry(fdisk_new_partition());
    const auto type = type_of(context, change.type, disk);
    fdisk_partition_set_type(entry.get(), type.get());
    fdisk_partition_set_uuid(entry.get(), change.id.text().c_str());
    fdisk_partition_set_name(entry.get(), change.label.c_str());
    check(fdisk_set_partition(context, change.number - 1, entry.get()), "change a partition of", disk);
    check(fdisk_gpt_set_partition_attrs(context, change.number - 1, change.attributes), "change a partition of", disk);
}

} // namespace

const Partition* Table::find(const Guid& type) const {
    const auto found = std::ranges::find(partitions, type, &Partition::type);
    if (found == partitions.end()) return nullptr;
    if (std::find_if(found + 1, partitions.end(), [&](const auto& p) { return p.type == type; }) != partitions.end())
        throw Error(fmt::format("cannot choose a partition of type '{}': the image has several", type.text()));
    return &*found;
}

void write_new(const fs::path& image, const Table& table) {
    const auto context = open_context(image, Access::write);
    check(fdisk_create_disklabel(context.get(), "gpt"), "make a partition table in", image);
    check(fdisk_set_disklabel_id_from_string(context.get(), table.disk.text().c_str()), "name the disk", image);
    for (const auto& partition : table.partitions) add(context.get(), partition, image);
    check(fdisk_write_disklabel(context.get()), "write the partition table of", image);
    check(fdisk_deassign_device(context.get(), 1), "close", image); // 1: no sync
}

Table read(const fs::path& disk) {
    const auto context = open_context(disk, Access::read);
    require_gpt(context.get(), disk);
    char* id = nullptr;
    check(fdisk_get_disklabel_id(context.get(), &id), "read the disk identifier of", disk);
    const Text owned(id);
    Table table{.disk = guid_from(id, "the disk", disk)};
    for (std::size_t i = 0; i < fdisk_get_npartitions(context.get()); ++i)
        if (fdisk_is_partition_used(context.get(), i))
            table.partitions.push_back(partition_at(context.get(), i, disk));
    return table;
}

void change(const fs::path& disk, const std::vector<Change>& changes) {
    const auto context = open_context(disk, Access::write);
    require_gpt(context.get(), disk);
    for (const auto& one : changes) apply(context.get(), one, disk);
    check(fdisk_write_disklabel(context.get()), "write the partition table of", disk);
    // libfdisk does not tell when its own syncing fails.
    const Fd file = open_file(disk, O_RDWR);
    if (::fsync(file.get()) != 0) throw system_error("sync", disk.native());
    check(fdisk_deassign_device(context.get(), 1), "close", disk);
}

} // namespace ashlar::gpt
