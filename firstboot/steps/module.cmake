ashlar_module(steps FOLDER firstboot/steps USES base signing gpt slots bootmenu state disks upgrade pull firstboot node)
# The tests publish releases and sign them, which needs what only the builder has.
if(ASHLAR_BUILDER)
  ashlar_tests(steps USES steps delta)
  if(ASHLAR_TESTS)
    target_compile_definitions(test_steps PRIVATE ASHLAR_PULL="$<TARGET_FILE:ashlar-pull>")
    add_dependencies(test_steps ashlar-pull)
  endif()
endif()
