# The backup of a site: the same code on node and builder.
ashlar_module(backup FOLDER signing/backup USES base signing tuf site delta)
if(ASHLAR_BUILDER)
  ashlar_tests(backup USES base signing tuf site delta backup)
  ashlar_fuzz(backup USES base signing site backup)
endif()
