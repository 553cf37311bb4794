ashlar_module(ctl FOLDER firstboot/ctl USES base signing)
add_executable(ashlarctl firstboot/ctl/main/ashlarctl.cpp firstboot/ctl/main/break_glass.cpp firstboot/ctl/main/keyboard.cpp firstboot/ctl/main/operators.cpp firstboot/ctl/main/orders.cpp firstboot/ctl/main/rescue.cpp firstboot/ctl/main/site.cpp firstboot/ctl/main/site_door.cpp firstboot/ctl/main/site_key.cpp firstboot/ctl/main/support.cpp firstboot/ctl/main/timeline.cpp firstboot/ctl/main/verify.cpp)
target_link_libraries(ashlarctl PRIVATE ashlar::ctl ashlar::timeline ashlar::signing ashlar::certificates ashlar::voters ashlar::backup ashlar::command_line ashlar::control ashlar::disks ashlar::node ashlar::firstboot ashlar::breakglass ashlar::rescue ashlar_warnings)
target_compile_definitions(ashlarctl PRIVATE ASHLAR_VERSION="${PROJECT_VERSION}")
target_link_options(ashlarctl PRIVATE ${node_runtime})
install(TARGETS ashlarctl DESTINATION bin)

# Where bash-completion looks for it. The program prints its own.
add_custom_command(OUTPUT ${CMAKE_BINARY_DIR}/completions/ashlarctl
  COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_BINARY_DIR}/completions
  COMMAND ashlarctl completion bash > ${CMAKE_BINARY_DIR}/completions/ashlarctl
  DEPENDS ashlarctl VERBATIM)
add_custom_target(ashlarctl_completion ALL DEPENDS ${CMAKE_BINARY_DIR}/completions/ashlarctl)
install(FILES ${CMAKE_BINARY_DIR}/completions/ashlarctl DESTINATION share/bash-completion/completions)

ashlar_tests(ctl USES ctl control signing site backup)
if(TARGET test_ctl)
  target_compile_definitions(test_ctl PRIVATE ASHLARCTL="$<TARGET_FILE:ashlarctl>" ASHLARCTL_COMPLETION="${CMAKE_BINARY_DIR}/completions/ashlarctl")
  add_dependencies(test_ctl ashlarctl_completion)
endif()
# Operators ask from afar with the program itself.
if(TARGET test_voters)
  target_compile_definitions(test_voters PRIVATE ASHLARCTL="$<TARGET_FILE:ashlarctl>")
  add_dependencies(test_voters ashlarctl)
endif()
