# Programs for outside judges of release metadata: tests/tuf/run, tests/tuf/conformance.
if(ASHLAR_TESTS)
  add_executable(tuf_client tests/tuf/conformance_client.cpp)
  target_link_libraries(tuf_client PRIVATE ashlar::base ashlar::signing ashlar::transfer ashlar::tuf ashlar_warnings)
  add_executable(tuf_make_repository tests/tuf/make_repository.cpp)
  target_link_libraries(tuf_make_repository PRIVATE ashlar::base ashlar::signing ashlar::tuf ashlar_warnings)
endif()
