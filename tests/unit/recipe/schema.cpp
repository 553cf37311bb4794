// The JSON schemas for editors say the same as the loader: the same keys in each table, the same
// answer to good and bad values, and all shipped recipes are valid.

#include <formation/reader.hpp>
#include <recipe/components.hpp>
#include <recipe/directory.hpp>

#include <site/site.hpp>
#include <toml/reader.hpp>

#include <base/file.hpp>
#include <base/text.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <regex>

using namespace ashlar;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

json schema_of(const std::string& what) {
    return json::parse(read_file(fs::path(ASHLAR_SOURCE_DIR "/recipes/schema") / (what + ".schema.json")));
}

json to_json(const toml::Value& value) {
    struct Converter {
        json operator()(const std::string& text) const { return text; }
        json operator()(std::int64_t number) const { return number; }
        json operator()(double number) const { return number; }
        json operator()(bool boolean) const { return boolean; }
        json operator()(toml::Date) const { return "date"; }
        json operator()(const toml::List& list) const {
            json array = json::array();
            for (const auto& element : list) array.push_back(to_json(element));
            return array;
        }
        json operator()(const toml::Entries& entries) const {
            json object = json::object();
            for (const auto& entry : entries) object[entry.key] = to_json(entry.value);
            return object;
        }
    };
    return std::visit(Converter{}, value.data);
}

bool is_type(const json& value, const std::string& type) {
    if (type == "object") return value.is_object();
    if (type == "array") return value.is_array();
    if (type == "string") return value.is_string();
    if (type == "integer") return value.is_number_integer();
    if (type == "boolean") return value.is_boolean();
    throw Error("cannot check type '" + type + "'");
}

bool valid(const json& value, const json& schema);

bool has_unique_items(const json& array) {
    for (std::size_t i = 0; i < array.size(); ++i)
        for (std::size_t j = 0; j < i; ++j)
            if (array[i] == array[j]) return false;
    return true;
}

bool valid_object(const json& object, const json& schema) {
    for (const auto& [key, value] : object.items()) {
        if (schema.value("properties", json::object()).contains(key)) {
            if (!valid(value, schema["properties"][key])) return false;
        } else if (const json rest = schema.value("additionalProperties", json(true)); rest.is_object()) {
            if (!valid(value, rest)) return false;
        } else if (rest == false) {
            return false;
        }
    }
    return true;
}

std::size_t count_valid(const json& value, const json& schemas) {
    std::size_t count = 0;
    for (const auto& schema : schemas)
        if (valid(value, schema)) ++count;
    return count;
}

// The part of JSON Schema that ours use; a keyword that it does not know is a failure.
bool valid(const json& value, const json& schema) {
    for (const auto& [keyword, argument] : schema.items()) {
        bool ok = true;
        if (keyword == "$schema" || keyword == "title" || keyword == "description") continue;
        if (keyword == "type")
            ok = is_type(value, argument);
        else if (keyword == "enum")
            ok = std::find(argument.begin(), argument.end(), value) != argument.end();
        else if (keyword == "const")
            ok = value == argument;
        else if (keyword == "pattern")
            ok = !value.is_string() ||
                 std::regex_search(value.get<std::string>(), std::regex(argument.get<std::string>()));
        else if (keyword == "minimum")
            ok = !value.is_number() || value >= argument;
        else if (keyword == "maximum")
            ok = !value.is_number() || value <= argument;
        else if (keyword == "not")
            ok = !valid(value, argument);
        else if (keyword == "minItems")
            ok = !value.is_array() || value.size() >= argument;
        else if (keyword == "uniqueItems")
            ok = !value.is_array() || has_unique_items(value);
        else if (keyword == "items")
            ok = !value.is_array() ||
                 std::all_of(value.begin(), value.end(), [&](const json& item) { return valid(item, argument); });
        else if (keyword == "required")
            ok = !value.is_object() || std::all_of(argument.begin(), argument.end(), [&](const json& key) {
                return value.contains(key.get<std::string>());
            });
        else if (keyword == "properties" || keyword == "additionalProperties")
            ok = !value.is_object() || valid_object(value, schema);
        else if (keyword == "anyOf")
            ok = count_valid(value, argument) > 0;
        else if (keyword == "oneOf")
            ok = count_valid(value, argument) == 1;
        else
            throw Error("cannot check keyword '" + keyword + "'");
        if (!ok) return false;
    }
    return true;
}

using Load = void (*)(const toml::SourcePtr&);

void check_formation(const toml::SourcePtr& source) { (void)formation::read_formation(source, "x"); }
void check_site(const toml::SourcePtr& source) { (void)site::read(source); }
void check_components(const toml::SourcePtr& source) { (void)recipe::read_components(source); }

// The keys that the loader lists when it meets one that resembles none.
std::vector<std::string> keys_of_loader(Load load, const std::string& table) {
    try {
        load(toml::source_from_text("x", table + "\nqqqqqqqqqqqqqqqqqqqqqqqqqqqq = 1\n"));
    } catch (const toml::SourceError& error) {
        for (const auto& diagnostic : error.diagnostics()) {
            constexpr std::string_view start = "known here: ";
            if (!diagnostic.remedy.starts_with(start)) continue;
            std::vector<std::string> keys;
            for (const auto key : split(std::string_view(diagnostic.remedy).substr(start.size()), ','))
                keys.emplace_back(trim(key));
            return keys;
        }
    }
    return {};
}

std::vector<std::string> keys_of_schema(const json& table) {
    std::vector<std::string> keys;
    for (const auto& [key, value] : table["properties"].items()) keys.push_back(key);
    return keys;
}

bool loads(Load load, const std::string& text) {
    try {
        load(toml::source_from_text("x", text));
        return true;
    } catch (const toml::SourceError&) {
        return false;
    }
}

bool fits_schema(const std::string& schema, const std::string& text) {
    return valid(to_json(toml::parse(toml::source_from_text("x", text))), schema_of(schema));
}

struct Sample {
    std::string key; // text with @ in place of the value
    std::vector<std::string> good, bad;
};

void expect_agreement(const std::string& schema, Load load, const std::string& frame,
                      const std::vector<Sample>& samples) {
    for (const auto& sample : samples)
        for (const auto* list : {&sample.good, &sample.bad})
            for (const auto& value : *list) {
                std::string text = sample.key;
                text.replace(text.find('@'), 1, value);
                text = frame + text + "\n";
                EXPECT_EQ(loads(load, text), list == &sample.good) << text;
                EXPECT_EQ(fits_schema(schema, text), list == &sample.good) << text;
            }
}

} // namespace

TEST(Schema, OfRolesHasTheKeysOfTheLoader) {
    const json schema = schema_of("role");
    const json& tables = schema["properties"];
    EXPECT_EQ(keys_of_loader(recipe::check_role_text, ""), keys_of_schema(schema));
    EXPECT_EQ(keys_of_loader(recipe::check_role_text, "[kernel]"), keys_of_schema(tables["kernel"]));
    EXPECT_EQ(keys_of_loader(recipe::check_role_text, "[limits]"), keys_of_schema(tables["limits"]));
    EXPECT_EQ(keys_of_loader(recipe::check_role_text, "[[state]]"), keys_of_schema(tables["state"]["items"]));
    EXPECT_EQ(keys_of_loader(recipe::check_role_text, "[[file]]"), keys_of_schema(tables["file"]["items"]));
}

TEST(Schema, OfTrainsHasTheKeysOfTheLoader) {
    const json schema = schema_of("train");
    const json& tables = schema["properties"];
    EXPECT_EQ(keys_of_loader(recipe::check_train_text, ""), keys_of_schema(schema));
    EXPECT_EQ(keys_of_loader(recipe::check_train_text, "[[archive]]"), keys_of_schema(tables["archive"]["items"]));
    EXPECT_EQ(keys_of_loader(recipe::check_train_text, "[[pin]]"), keys_of_schema(tables["pin"]["items"]));
    EXPECT_EQ(keys_of_loader(recipe::check_train_text, "[support]"), keys_of_schema(tables["support"]));
    EXPECT_EQ(keys_of_loader(recipe::check_train_text, "[[wave]]"), keys_of_schema(tables["wave"]["items"]));
    EXPECT_EQ(keys_of_loader(recipe::check_train_text, "[[barrier]]"), keys_of_schema(tables["barrier"]["items"]));
    EXPECT_EQ(keys_of_loader(recipe::check_train_text, "[[accept]]"), keys_of_schema(tables["accept"]["items"]));
}

TEST(Schema, OfComponentsHasTheKeysOfTheLoader) {
    const json schema = schema_of("components");
    const json& tables = schema["properties"];
    EXPECT_EQ(keys_of_loader(check_components, ""), keys_of_schema(schema));
    EXPECT_EQ(keys_of_loader(check_components, "[[rule]]"), keys_of_schema(tables["rule"]["items"]));
    EXPECT_EQ(keys_of_loader(check_components, "[[rule]]\n[[rule.line]]"), keys_of_schema(tables["rule"]["items"]["properties"]["line"]["items"]));
    EXPECT_EQ(keys_of_loader(check_components, "[[component]]"), keys_of_schema(tables["component"]["items"]));
    EXPECT_TRUE(fits_schema("components", read_file(ASHLAR_SOURCE_DIR "/recipes/components.toml")));
}

TEST(Schema, OfFormationsHasTheKeysOfTheLoader) {
    const json schema = schema_of("formation");
    const json& tables = schema["properties"];
    EXPECT_EQ(keys_of_loader(check_formation, ""), keys_of_schema(schema));
    for (const std::string table : {"observe", "replace", "remove"}) EXPECT_EQ(keys_of_loader(check_formation, "[" + table + "]"), keys_of_schema(tables[table]));
    for (const std::string table : {"port", "render", "step"}) EXPECT_EQ(keys_of_loader(check_formation, "[[" + table + "]]"), keys_of_schema(tables[table]["items"]));
    for (const std::string table : {"facts", "secrets", "lists"}) EXPECT_EQ(keys_of_loader(check_formation, "[" + table + ".x]"), keys_of_schema(tables[table]["additionalProperties"]));
}

TEST(Schema, AgreesWithTheLoaderOnFormations) {
    const std::string head = "summary = \"x\"\nroles = [\"base\"]\nhealthy = \"observation.up\"\nunits = [\"a.service\"]\n";
    const std::string observe = "[observe]\nrun = [\"/usr/bin/x\"]\nprints = { up = \"boolean\" }\n";
    const std::string deed = "summary = \"x\"\nwhen = \"true\"\nverify = \"true\"\n";
    expect_agreement("formation", check_formation, head,
                     {
                         {"among = @\n" + observe, {R"("voters")"}, {R"("all")", "1"}},
                         {"count = @\n" + observe, {"1", "1000"}, {"0", "1001", R"("3")"}},
                         {"requires = @\n" + observe, {R"(["time", "maria-db"])"}, {R"(["Time"])", R"(["a", "a"])"}},
                         {observe + "[[port]]\nsummary = \"x\"\nnumber = @", {"80"}, {"0", "65536"}},
                         {observe + "timeout = @", {R"("10 s")", R"("500 ms")", R"("2 min")"}, {R"("10s")", R"("0 s")", "10"}},
                         {observe + "[facts.a]\n@", {"once = \"uuid\""}, {"", "once = \"name\"", "once = \"uuid\"\nobserved = \"'x'\""}},
                         {observe + "[secrets.a]\nsize = @", {"16", "64"}, {"15", "65"}},
                         {observe + "[[render]]\nowner = \"root:root\"\ntext = \"\"\nmode = \"0644\"\npath = @", {R"("/run/x")", R"("/etc/a/b")"}, {R"("/var/x")", R"("/run")", R"("run/x")"}},
                         {observe + "[[render]]\nowner = \"root:root\"\ntext = \"\"\npath = \"/run/x\"\nmode = @", {R"("0600")"}, {R"("4755")", R"("644")"}},
                         {observe + "[[step]]\nid = \"a\"\nkind = \"local\"\ntimeout = \"1 s\"\n" + deed + "@", {"start = [\"a.service\"]", "run = [\"/usr/bin/x\"]"}, {"", "start = [\"a.service\"]\nrun = [\"/usr/bin/x\"]"}},
                     });
}

TEST(Schema, OfSitesHasTheKeysOfTheLoader) {
    const json schema = schema_of("site");
    const json& tables = schema["properties"];
    EXPECT_EQ(keys_of_loader(check_site, ""), keys_of_schema(schema));
    for (const std::string table : {"site", "genesis", "install", "planes", "discovery", "vip", "time", "trust", "access"})
        EXPECT_EQ(keys_of_loader(check_site, "[" + table + "]"), keys_of_schema(tables[table])) << table;
    for (const std::string table : {"disk", "require"}) EXPECT_EQ(keys_of_loader(check_site, "[install." + table + "]"), keys_of_schema(tables["install"]["properties"][table])) << table;
    for (const std::string plane : {"management", "storage", "tunnel", "provider"}) {
        const json& keys = tables["planes"]["properties"][plane];
        EXPECT_EQ(keys_of_loader(check_site, "[planes." + plane + "]"), keys_of_schema(keys)) << plane;
        EXPECT_EQ(keys_of_loader(check_site, "[[planes." + plane + ".routes]]"), keys_of_schema(keys["properties"]["routes"]["items"])) << plane;
    }
    EXPECT_EQ(keys_of_loader(check_site, "[[link]]"), keys_of_schema(tables["link"]["items"]));
    EXPECT_EQ(keys_of_loader(check_site, "[template.x]"), keys_of_schema(tables["template"]["additionalProperties"]));
    EXPECT_EQ(keys_of_loader(check_site, "[[template.x.link]]"), keys_of_schema(tables["template"]["additionalProperties"]["properties"]["link"]["items"]));
    EXPECT_EQ(keys_of_loader(check_site, "[[node]]"), keys_of_schema(tables["node"]["items"]));
    EXPECT_EQ(keys_of_loader(check_site, "[[node]]\n[node.addresses]"), keys_of_schema(tables["node"]["items"]["properties"]["addresses"]));
    EXPECT_EQ(keys_of_loader(check_site, "[[access.operator]]"), keys_of_schema(tables["access"]["properties"]["operator"]["items"]));
    EXPECT_EQ(keys_of_loader(check_site, "[[disks.x]]"), keys_of_schema(tables["disks"]["additionalProperties"]["items"]));
}

TEST(Schema, AgreesWithTheLoaderOnSites) {
    const std::string head = "[install]\nencryption = \"off\"\n[site]\nname = \"a\"\n", link = "[[link]]\nname = \"uplink\"\n", plane = link + "[planes.management]\nlink = \"uplink\"\n";
    const std::string node = "[[node]]\nname = \"n01\"\n", id = "id = \"0123456789abcdef0123456789abcdef\"\n";
    expect_agreement("site", check_site, head,
                     {
                         {"id = @", {R"("0123456789abcdef0123456789abcdef")"}, {R"("0123456789ABCDEF0123456789ABCDEF")", R"("")", "1"}},
                         {"[[link]]\nname = @", {R"("bond0")"}, {R"("Bond0")", R"("a-very-long-name")"}},
                         {link + "bond = @", {R"("none")", R"("lacp")", R"("active-backup")"}, {R"("802.3ad")"}},
                         {link + "mtu = @", {"1500", "9216"}, {"1499", "9217"}},
                         {link + "min_speed = @", {R"("10 Gbit/s")", R"("100 Mbit/s")"}, {R"("10G")", "10"}},
                         {plane + "vlan = @", {"1", "4094"}, {"0", "4095"}},
                         {plane + "addresses = @", {R"("static")", R"("automatic")"}, {R"("dhcp")"}},
                         {plane + "subnets = @", {R"(["10.0.0.0/24", "fd00::/64"])"}, {R"(["10.0.0.0"])", R"("10.0.0.0/24")"}},
                         {plane + "dns = @", {R"(["10.0.0.1", "fd00::1"])"}, {R"(["ns.example.org"])"}},
                         {"@", {plane}, {link + "[planes.storage]\nlink = \"uplink\"\n"}},
                         {node + "serial = @", {R"("S1")"}, {"1"}},
                         {node + "mac = @", {R"("52:54:00:12:34:56")", R"("52-54-00-12-34-56")"}, {R"("52:54:00:12:34")"}},
                         {node + "@", {"serial = \"S1\"", "mac = \"52:54:00:12:34:56\""}, {"", "roles = [\"a\"]"}},
                         {node + "serial = \"S1\"\nroles = @", {R"(["control"])"}, {R"(["Control"])", R"(["a", "a"])"}},
                         {id + node + "serial = \"S1\"\nvoter = true\n[genesis]\nvoters = @", {"1"}, {"2", "4", "\"1\""}},
                         {"[trust]\nenrol_until = @", {R"("2027-01-31")"}, {R"("31.1.2027")", "2027-01-31"}},
                         {"[vip]\nrouter_id = 256\n@", {}, {"addresses = [\"10.0.0.1\"]"}},
                         {"[services]\nchrony = @", {"true"}, {R"("yes")"}},
                         {"[[disks.ceph]]\n@", {"min = 1\nmax = 2", "wipe = \"if-ours\"", "bus = [\"nvme\"]"}, {"max = 0", "wipe = \"never\"", "bus = [\"ide\"]"}},
                     });
}

TEST(Schema, AcceptsAllShippedRecipes) {
    for (const std::string what : {"role", "train", "formation"}) {
        std::size_t count = 0;
        for (const auto& entry : fs::directory_iterator(fs::path(ASHLAR_SOURCE_DIR "/recipes") / (what + "s"))) {
            EXPECT_TRUE(fits_schema(what, read_file(entry.path()))) << entry.path();
            ++count;
        }
        EXPECT_GT(count, 0u);
    }
}

TEST(Schema, AgreesWithTheLoaderOnRoles) {
    const std::string state = "[[state]]\npath = \"/etc/x\"\nowner = \"root:root\"\nmode = \"0755\"\n";
    expect_agreement("role", recipe::check_role_text, "extends = \"base\"\nsummary = \"x\"\n",
                     {
                         {"kind = @", {R"("node")", R"("initrd")", R"("tools")", R"("build")"}, {R"("vm")", "1"}},
                         {"packages = @",
                          {"[]", R"(["g++"])", R"(["a1", "etcd=1:2~3+4-5"])"},
                          {R"("a1")", R"(["a"])", R"(["A1"])", R"(["aa="])", R"(["-a"])", R"(["aa", "aa"])"}},
                         {"exclude = @", {R"(["aa"])"}, {R"(["aa=1"])"}},
                         {"components = @", {R"(["non-free"])", R"(["updates/main"])"}, {R"(["a b"])", R"(["/a"])"}},
                         {"services = @",
                          {R"(["a.service"])", R"(["getty@tty1.service"])", R"(["dev-x\\x2d.swap"])"},
                          {R"(["a"])", R"([".service"])", R"(["@.service"])", R"(["a/b.service"])", R"(["a.device"])"}},
                         {"formations = @", {R"(["etcd"])"}, {R"(["Etcd"])", R"(["a", "a"])"}},
                         {"overlays = @", {R"(["base"])"}, {R"(["Base"])", R"(["a/b"])", R"(["1a"])"}},
                         {"drop = @",
                          {R"(["/usr/share/doc/**", "!/usr/share/doc/x"])"},
                          {R"(["usr"])", R"(["/"])", R"(["/usr/"])", R"(["/a//b"])"}},
                         {"initrd = @", {R"("initrd")"}, {R"("initrd.toml")", "[]"}},
                         {"strict_providers = @", {"true"}, {R"("true")"}},
                         {"waived_firmware = @", {R"(["tg3"])"}, {R"(["tg3.ko"])"}},
                         {"providers.mail-transport-agent = @", {R"("exim4-daemon-light")"}, {R"("Exim")", "1"}},
                         {"kernel.package = @", {R"("linux-image-amd64")"}, {R"("Linux")"}},
                         {"kernel.command_line = @", {R"(["a=b", "c"])"}, {R"(["a b"])", R"([""])", R"(["a\"b"])"}},
                         {"kernel.rescue = @", {R"(["a=b", "c"])"}, {R"(["a b"])", R"([""])"}},
                         {"kernel.initrd_modules = @", {R"(["dm_verity"])"}, {R"(["a/b"])"}},
                         {"limits.root = @",
                          {R"("1 GiB")", R"("999999 KiB")"},
                          {R"("1GiB")", R"("0 MiB")", R"("1 GB")", R"("1000000 KiB")", "5"}},
                         {state + "type = @", {R"("file")", R"("directory")"}, {R"("socket")"}},
                         {"[[state]]\nowner = \"root:root\"\nmode = \"0755\"\npath = @",
                          {R"("/etc/x")"},
                          {R"("etc")", R"("/")", R"("/etc/")"}},
                         {"[[state]]\nowner = \"root:root\"\npath = \"/a\"\nmode = @",
                          {R"("0700")"},
                          {R"("700")", R"("0800")", R"("4755")", "0o700"}},
                         {"[[state]]\nmode = \"0755\"\npath = \"/a\"\nowner = @",
                          {R"("_chrony:_chrony")"},
                          {R"("root")", R"("Root:root")", R"("0:0")"}},
                         {"[[state]]\nmode = \"0755\"\npath = \"/a\" @", {"\nowner = \"a:a\""}, {""}},
                         {"[[file]]\npath = \"/a\"\nmode = @", {R"("4755")"}, {R"("755")"}},
                     });
}

TEST(Schema, AgreesWithTheLoaderOnTrains) {
    const std::string head = "summary = \"x\"\nrelease = \"R0.0\"\narchitecture = \"amd64\"\nroles = [\"base\"]\ntools "
                             "= \"tools\"\nbuild = \"build\"\n";
    const std::string archive =
        "[[archive]]\nname = \"debian\"\nsuites = [\"trixie\"]\ncomponents = [\"main\"]\nkeys = [\"a.asc\"]\n";
    expect_agreement(
        "train", recipe::check_train_text, head,
        {
            {archive + "@",
             {"", "priority = -1"},
             {"priority = 0", "priority = 40000", "priority = \"1\"", "folder = \"x\""}},
            {"[[archive]]\nname = \"local\"\n@",
             {"folder = \"x\""},
             {"", "suites = [\"a\"]\ncomponents = [\"b\"]", "suites = []\ncomponents = [\"b\"]\nkeys = [\"a.asc\"]",
              "suites = [\"a\"]\ncomponents = [\"b\"]\nkeys = [\"a.gpg\"]"}},
            {"@", {archive}, {""}},
            {archive + "[[pin]]\npackages = [\"ceph*\"]\n@",
             {"priority = 5\nsuite = \"trixie\"", "priority = 5\nversion = \"1.*\""},
             {"priority = 5", "suite = \"trixie\""}},
            {"previous = @\n" + archive, {"[]", R"(["A1", "R0"])"}, {R"("A1")", R"(["1"])", R"(["R01"])", R"(["A1", "A1"])"}},
            {"floors = @\n" + archive, {"[]", R"(["A1.2"])"}, {R"(["A1"])", R"(["A1.02"])"}},
            {"sbat_generation = @\n" + archive, {"1", "65535"}, {"0", "65536", "\"2\""}},
            {"budget = @\n" + archive, {R"("20 MiB")"}, {R"("20 MB")", "20"}},
            {"policy = @\n" + archive, {R"("strict.toml")"}, {R"("strict")", R"("../strict.toml")"}},
            {archive + "[support]\n@", {"from = \"2026-12-01\"\nuntil = \"2028-06-30\""}, {"", "from = \"2026-12-01\"", "from = \"now\"\nuntil = \"2028-06-30\""}},
            {archive + "[[wave]]\n@", {"roles = [\"base\"]", "roles = [\"base\"]\ngates = [\"etcd\"]"}, {"", "gates = [\"etcd\"]", "roles = [\"base\"]\ngates = [\"Etcd\"]"}},
            {archive + "[[barrier]]\nname = \"a\"\ncomponent = \"etcd\"\n@", {"summary = \"x\""}, {"", "summary = \"\"", "summary = \"x\"\nprobe = \"y\""}},
            {archive + "[[accept]]\nrule = @\nsubject = \"x\"\nreason = \"y\"", {R"("set-id")", R"("listener")"}, {R"("anything")", "1"}},
        });
}

TEST(Schema, AgreesWithTheLoaderOnComponents) {
    const std::string rule = "[[rule]]\nname = \"etcd\"\nsummary = \"x\"\nsource = \"y\"\nurl = \"z\"\n";
    const std::string component = rule + "kind = \"minor\"\n[[component]]\nname = \"etcd\"\nrule = \"etcd\"\nmaintainer = \"x\"\n";
    expect_agreement("components", check_components, "",
                     {
                         {rule + "kind = @", {R"("minor")", R"("major")", R"("calendar")", R"("forward")"}, {R"("any")", "1"}},
                         {rule + "kind = \"major\"\nat_most = @", {"0", "2", "100"}, {"-1", "101", "\"2\""}},
                         {rule + "kind = \"series\"\nline = [{ name = @ }]", {R"("25.03")", R"("3")"}, {R"("v3")", R"("3.")", "3"}},
                         {rule + "kind = \"series\"\nline = [{ name = \"3\", until = @ }]", {R"("2026-03-31")"}, {R"("2026")", "2026-03-31"}},
                         {component + "packages = @", {R"(["etcd-server"])"}, {"[]", R"(["Etcd"])", R"(["aa", "aa"])"}},
                         {component + "packages = [\"aa\"]\nin_turn = @", {R"(["aa", "bb"])"}, {R"(["aa"])", R"(["aa", "aa"])"}},
                         {component + "packages = [\"aa\"]\nlines = { \"31\" = @ }", {R"("3.5")"}, {R"("new")", "3"}},
                         {component + "packages = [\"aa\"]\nuntil = { \"3.5\" = @ }", {R"("2028-08-09")"}, {R"("soon")"}},
                     });
}
