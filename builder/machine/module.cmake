# Virtual machines that boot images as real ones would: QEMU, UEFI with Secure Boot, a software TPM.
ashlar_module(machine FOLDER builder/machine USES base signing)
ashlar_tests(machine USES machine)
