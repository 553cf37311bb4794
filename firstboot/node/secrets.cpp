#include <node/secrets.hpp>

#include <node/container.hpp>
#include <node/site_files.hpp>
#include <node_key/own_key.hpp>
#include <state/state.hpp>

namespace ashlar::node {

namespace fs = std::filesystem;

bool has_tpm(const fs::path& root) { return !is_in_container() && fs::exists(root / "sys/class/tpmrm/tpmrm0"); }

std::unique_ptr<const tpm::Sealer> own_sealer() { return has_tpm() ? std::make_unique<const tpm::SystemdSealer>() : nullptr; }

bool secrets_lie_in_plain(const Json& state) { return node_key::lies_in_plain(state) || site_secret_lies_in_plain(state); }

void seal_secrets(Json& state, const tpm::Sealer& sealer) {
    node_key::seal(state, sealer);
    seal_site_secrets(state, sealer);
}

void seal_secrets_in(const fs::path& partition, const tpm::Sealer& sealer) {
    state::change(partition, [&](Json& content) { seal_secrets(content, sealer); });
    state::purge(partition, secrets_lie_in_plain);
}

} // namespace ashlar::node
