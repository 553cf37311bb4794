#pragma once

// By what a TPM 2.0 is known outside its machine: its endorsement key, which it makes from a seed of its maker's each time it is asked.
// TCG EK Credential Profile for TPM 2.0, template L-1 (RSA 2048); TPM 2.0 Library, part 3, TPM2_CreatePrimary.

#include <signing/digest.hpp>

namespace ashlar::tpm {

// SHA-256 of its public part as DER SubjectPublicKeyInfo, as `tpm2_createek -G rsa -u ek.pem -f pem` and `openssl pkey -pubin -outform DER | sha256sum` say it.
// `tpm`: open for reading and writing, /dev/tpmrm0 or what answers like it; nothing stays behind in it there. It takes seconds. An Error for what the TPM refuses, and for an
// answer that is none.
[[nodiscard]] Digest endorsement_key(int tpm);

} // namespace ashlar::tpm
