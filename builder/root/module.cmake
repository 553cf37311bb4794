# The archive's unpacking, dpkg's database, and what becomes of the root afterwards.
ashlar_module(root FOLDER builder/root USES base toml formation signing archive debian lock store recipe LINK Threads::Threads)
ashlar_tests(root USES root)
ashlar_tests(unpack USES root)
if(TARGET test_unpack)
  # The plan is pure and has no other door.
  target_include_directories(test_unpack PRIVATE builder/root)
endif()
