# The part of an upgrade that speaks to the network and unpacks what it sends: a process of its own, with
# the libraries for it, so that ashlard has neither.
ashlar_module(puller FOLDER firstboot/puller USES base signing delta transfer pull)
add_executable(ashlar-pull firstboot/puller/main/ashlar-pull.cpp)
target_link_libraries(ashlar-pull PRIVATE ashlar::puller ashlar_warnings)
target_link_options(ashlar-pull PRIVATE ${node_runtime})
install(TARGETS ashlar-pull DESTINATION lib/ashlar)
