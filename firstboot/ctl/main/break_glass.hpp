#pragma once

// Root by the site's break-glass key: docs/formats/break-glass.md.

#include <string>

namespace ashlar::ctl {

// The token's file, not judged. "-": standard input. An Error when there is none.
[[nodiscard]] std::string token_from(const std::string& file);
[[nodiscard]] std::string token_from_media();

// Judges, writes the use down, and gives a root shell until it is left or the token expires. Returns 0; 1 when the token is
// refused, and says why.
int break_glass(const std::string& token);

// Asks for a token, or for a stick with one; says everything to whoever sits there.
void break_glass_at_console();

// Started by sshd for a certificate that it accepted: writes the use down, and runs what was asked for until the certificate
// expires. Returns the exit code of that.
int break_glass_login();

} // namespace ashlar::ctl
