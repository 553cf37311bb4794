ashlar_module(site_member FOLDER firstboot/site_member USES base signing site node node_key state membership firstboot beacon founding)
