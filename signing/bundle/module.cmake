ashlar_module(bundle FOLDER signing/bundle USES base signing tuf LINK Threads::Threads)
# The tests want RapidCheck, which the root that compiles the node's part does not have.
if(ASHLAR_BUILDER)
  ashlar_tests(bundle USES base signing tuf bundle)
  ashlar_fuzz(bundle USES base signing tuf bundle)
  # What tests/bench/bundle.sh carries.
  if(ASHLAR_TESTS)
    add_executable(bench_repository tests/bench/repository.cpp)
    target_include_directories(bench_repository PRIVATE tests/support)
    target_link_libraries(bench_repository PRIVATE ashlar::bundle ashlar_warnings)
  endif()
endif()
