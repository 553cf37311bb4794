add_executable(ashlar)
file(GLOB command_sources CONFIGURE_DEPENDS builder/command/*.cpp)
target_sources(ashlar PRIVATE ${command_sources})
target_link_libraries(ashlar PRIVATE ashlar::command_line ashlar::pipeline ashlar::deltas ashlar::publish ashlar::machine ashlar::virtual_site ashlar::requests ashlar::authority ashlar::releases ashlar::confirmation ashlar::token ashlar::site ashlar::backup ashlar::sites ashlar::bundle ashlar::diff ashlar::vulnerabilities ashlar::policy ashlar::documents ashlar_warnings)
target_compile_definitions(ashlar PRIVATE ASHLAR_VERSION="${PROJECT_VERSION}")
install(TARGETS ashlar DESTINATION bin)

# The command line as its users meet it: the program is run, its answers are compared.
ashlar_tests(command USES base signing archive requests tuf site backup bundle image authority confirmation releases)
if(TARGET test_command)
  target_compile_definitions(test_command PRIVATE ASHLAR_PROGRAM="$<TARGET_FILE:ashlar>")
  add_dependencies(test_command ashlar)
endif()
