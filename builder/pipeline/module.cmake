ashlar_module(pipeline FOLDER builder/pipeline
  USES base toml signing recipe debian solver transfer store shared lock fetch archive root image evidence daemon)
ashlar_tests(pipeline USES pipeline)
if(TARGET test_pipeline)
  target_include_directories(test_pipeline PRIVATE builder/pipeline) # the parts are tested one by one
endif()
target_compile_definitions(ashlar_pipeline PRIVATE ASHLAR_VERSION="${PROJECT_VERSION}")
