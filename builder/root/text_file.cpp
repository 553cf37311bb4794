#include "text_file.hpp"

#include <base/file.hpp>
#include <base/text.hpp>

#include <fcntl.h>

namespace ashlar::root {

void rewrite(const std::filesystem::path& file, std::string_view contents) {
    Fd fd = open_file(file, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0644);
    write_all(fd.get(), contents, file.native());
    fd.close();
}

void edit_lines(const std::filesystem::path& file, const std::function<std::string(std::string_view)>& edit) {
    const std::string text = read_file(file);
    std::string edited;
    std::string_view rest = text;
    while (!rest.empty()) {
        const std::size_t end = std::min(rest.find('\n'), rest.size());
        edited += edit(rest.substr(0, end));
        if (end < rest.size()) edited += '\n';
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    if (edited != text) rewrite(file, edited);
}

} // namespace ashlar::root
