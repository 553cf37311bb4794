ashlar_module(site_member FOLDER firstboot/site_member USES base signing site node disks node_key state sockets beacon founding certificates channel enrolment genesis etcd roster membership admission seat voters site_store formation forming formations firstboot backup restoration key_rotation succession)
ashlar_tests(site_member USES site_member)
if(TARGET test_site_member)
  # How members are placed is pure, and has no other door.
  target_include_directories(test_site_member PRIVATE firstboot/site_member)
endif()
