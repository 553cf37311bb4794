# What ashlar's and ashlarctl's command lines have in common.
find_package(CLI11 REQUIRED)
ashlar_module(command_line FOLDER base/command_line USES base)
target_link_libraries(ashlar_command_line PUBLIC CLI11::CLI11)
