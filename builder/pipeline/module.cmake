ashlar_module(pipeline FOLDER builder/pipeline
  USES base toml signing recipe debian solver transfer store lock fetch archive root image evidence daemon)
ashlar_tests(pipeline USES pipeline)
target_compile_definitions(ashlar_pipeline PRIVATE ASHLAR_VERSION="${PROJECT_VERSION}")
