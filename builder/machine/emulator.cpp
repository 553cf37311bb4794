#include "emulator.hpp"

#include <base/error.hpp>

#include <fmt/format.h>

namespace ashlar::machine {

namespace {

namespace fs = std::filesystem;

// QEMU separates a value's parts by commas; a comma in a part is written twice.
std::string part(std::string_view text) {
    std::string out;
    for (const char letter : text) out.append(letter == ',' ? 2 : 1, letter);
    return out;
}
std::string file(const fs::path& path) { return part(fs::absolute(path).native()); }

class Arguments {
public:
    void add(std::initializer_list<std::string> words) { words_.insert(words_.end(), words); }
    std::vector<std::string> take() && { return std::move(words_); }

private:
    std::vector<std::string> words_{"qemu-system-x86_64"};
};

void add_board(Arguments& to, const Options& options) {
    to.add({"-no-user-config", "-nodefaults", "-no-reboot", "-display", "none", "-vga", "none", "-monitor", "none"});
    // System management mode keeps the guest's system from writing firmware variables itself.
    to.add({"-machine", "q35,smm=on", "-global", "driver=cfi.pflash01,property=secure,value=on", "-global", "ICH9-LPC.disable_s3=1"});
    if (options.acceleration == Acceleration::kvm) to.add({"-accel", "kvm", "-cpu", "host"});
    else to.add({"-accel", "tcg,thread=multi", "-cpu", "max"});
    to.add({"-smp", std::to_string(options.processors), "-m", fmt::format("{}M", options.memory_mib)});
    to.add({"-object", "rng-random,id=entropy,filename=/dev/urandom", "-device", "virtio-rng-pci,rng=entropy"});
    for (const auto& text : options.smbios_strings) to.add({"-smbios", "type=11,value=" + part(text)});
}

void add_firmware(Arguments& to, const Options& options, const fs::path& variables) {
    to.add({"-drive", fmt::format("if=pflash,unit=0,format=raw,readonly=on,file={}", file(options.firmware.code))});
    to.add({"-drive", fmt::format("if=pflash,unit=1,format=raw,file={}", file(variables))});
}

// Blocks of a file that the machine has under `name`.
void add_file(Arguments& to, const std::string& name, const fs::path& path) {
    to.add({"-blockdev", fmt::format("driver=file,node-name={}-file,filename={}", name, file(path))});
    to.add({"-blockdev", fmt::format("driver=raw,node-name={0},file={0}-file", name)});
}

void add_logged_disk(Arguments& to, const Options& options) {
    add_file(to, "disk-content", options.disk);
    add_file(to, "disk-log", *options.write_log);
    to.add({"-blockdev", "driver=blklogwrites,node-name=disk,file=disk-content,log=disk-log,log-sector-size=512"});
}

std::string disk_device(DiskBus bus) {
    switch (bus) {
    case DiskBus::virtio: return "virtio-blk-pci";
    case DiskBus::nvme: return "nvme,serial=ashlar";
    case DiskBus::usb: return fmt::format("usb-storage,id={},removable=on", usb_disk);
    }
    return {};
}

void add_disk(Arguments& to, const Options& options) {
    // snapshot: what the guest writes goes to a temporary file without a name.
    if (options.write_log) add_logged_disk(to, options);
    else
        to.add({"-drive", fmt::format("id=disk,if=none,format=raw,snapshot={},file={}", options.writes == Writes::kept ? "off" : "on", file(options.disk))});
    if (options.disk_bus == DiskBus::usb) to.add({"-device", "qemu-xhci"});
    to.add({"-device", fmt::format("{},drive=disk{}", disk_device(options.disk_bus), options.boot_from == BootFrom::the_disk ? ",bootindex=1" : "")});
}

void add_tpm(Arguments& to) {
    to.add({"-chardev", fmt::format("socket,id=tpm,fd={}", tpm_fd), "-tpmdev", "emulator,id=tpm,chardev=tpm", "-device", "tpm-crb,tpmdev=tpm"});
}

void add_console(Arguments& to, const Options& options) {
    auto console = options.console == Console::terminal ? std::string("stdio,id=console") : fmt::format("socket,id=console,fd={}", console_fd);
    if (options.serial_log) console += ",logfile=" + file(*options.serial_log);
    to.add({"-chardev", console, "-serial", "chardev:console"});
}

void add_ports(Arguments& to) {
    to.add({"-chardev", fmt::format("socket,id=status,fd={}", status_fd), "-device", "virtio-serial-pci", "-device",
            "virtserialport,chardev=status,name=org.ashlar.status"});
    to.add({"-chardev", fmt::format("socket,id=control,fd={}", control_fd), "-mon", "chardev=control,mode=control"});
}

} // namespace

std::vector<std::string> emulator_arguments(const Options& options, const fs::path& variables) {
    Arguments arguments;
    add_board(arguments, options);
    add_firmware(arguments, options, variables);
    add_disk(arguments, options);
    if (options.tpm == Tpm::software) add_tpm(arguments);
    // romfile: no network boot, which would only delay the refusal of a disk.
    if (options.network == Network::user) arguments.add({"-netdev", "user,id=net", "-device", "virtio-net-pci,netdev=net,romfile="});
    add_console(arguments, options);
    add_ports(arguments);
    auto words = std::move(arguments).take();
    words.insert(words.end(), options.more_arguments.begin(), options.more_arguments.end());
    return words;
}

std::vector<std::string> tpm_arguments(const fs::path& state, int control) {
    return {"swtpm", "socket", "--tpm2", "--tpmstate", fmt::format("dir={}", fs::absolute(state).native()),
            "--ctrl", fmt::format("type=unixio,clientfd={}", control), "--flags", "startup-clear", "--terminate"};
}

} // namespace ashlar::machine
