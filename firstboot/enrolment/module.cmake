ashlar_module(enrolment FOLDER firstboot/enrolment USES base signing tuf certificates)
if(ASHLAR_BUILDER)
  ashlar_tests(enrolment USES base signing certificates enrolment)
endif()
