# Runs inside images: compiled in the trixie root of kind `build`, with the C++ runtime linked in, so
# that the package depends on libc alone.
ashlar_module(firstboot FOLDER firstboot USES base)
add_executable(ashlard firstboot/daemon/ashlard.cpp)
target_link_libraries(ashlard PRIVATE ashlar::firstboot ashlar_warnings)
target_compile_definitions(ashlard PRIVATE ASHLAR_VERSION="${PROJECT_VERSION}")
if(NOT ASHLAR_SANITIZE)
  target_link_options(ashlard PRIVATE -static-libstdc++ -static-libgcc)
endif()
install(TARGETS ashlard DESTINATION lib/ashlar)
install(FILES firstboot/package/ashlard.service DESTINATION lib/systemd/system)
ashlar_tests(firstboot USES firstboot)
