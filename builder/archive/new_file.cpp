#include "new_file.hpp"

#include <fcntl.h>
#include <unistd.h>

namespace ashlar::archive {

NewFile::NewFile(const std::filesystem::path& path) : path_(path), fd_(open_file(path, O_WRONLY | O_CREAT | O_EXCL)) {}

NewFile::~NewFile() {
    if (fd_) ::unlink(path_.c_str());
}

} // namespace ashlar::archive
