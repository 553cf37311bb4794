#include "configuration.hpp"

#include "url.hpp"

#include <toml/reader.hpp>

#include <system_error>

namespace ashlar::fetch {

namespace {

void expect_url(toml::Table& table, const toml::Text& url) {
    if (const auto fault = fault_of_url(url.value)) table.problem(url.position, *fault);
}

Configuration::Mirror read_mirror(toml::Table& table) {
    Configuration::Mirror mirror;
    if (const auto archive = table.text("archive")) mirror.archive = archive->value;
    if (const auto url = table.required_text("url")) {
        expect_url(table, *url);
        mirror.url = normal_url(url->value);
    }
    return mirror;
}

std::optional<std::filesystem::path> secret(toml::Table& table, std::string_view key) {
    const auto file = table.text(key);
    if (!file) return std::nullopt;
    if (!std::filesystem::path(file->value).is_absolute()) table.problem(file->position, "expected an absolute path");
    return file->value;
}

Configuration::Shared read_shared(toml::Table& table) {
    Configuration::Shared shared;
    if (const auto url = table.text("shared_store")) {
        if (const auto fault = fault_of_shared_url(url->value)) table.problem(url->position, *fault);
        shared.url = normal_url(url->value);
    }
    if (const auto upload = table.boolean("shared_store_upload")) shared.upload = upload->value;
    if (const auto results = table.boolean("shared_store_results")) shared.results = results->value;
    shared.netrc = secret(table, "shared_store_netrc");
    shared.headers = secret(table, "shared_store_headers");
    if (const auto region = table.text("shared_store_s3_region")) {
        if (!shared.netrc)
            table.problem(region->position, "signed requests need 'shared_store_netrc', with the access key as login and the secret key as password");
        shared.s3_region = region->value;
    }
    return shared;
}

Configuration read_root(toml::Table& table) {
    Configuration configuration;
    if (const auto proxy = table.text("proxy")) configuration.proxy = proxy->value;
    if (const auto file = table.text("certificates")) configuration.certificates = file->value;
    if (const auto connections = table.integer("connections")) {
        if (connections->value < 1 || connections->value > 64)
            table.problem(connections->position, "expected 1 to 64 connections per host");
        configuration.connections = static_cast<unsigned>(connections->value);
    }
    configuration.shared_store = read_shared(table);
    for (toml::Table* mirror : table.tables("mirror")) configuration.mirrors.push_back(read_mirror(*mirror));
    return configuration;
}

} // namespace

Configuration read_configuration(const std::filesystem::path& path) {
    std::error_code error;
    if (path.empty() || !std::filesystem::exists(path, error)) return {};
    return toml::read(toml::source_from_file(path, path.native()), read_root);
}

} // namespace ashlar::fetch
