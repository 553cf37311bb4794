#include <cut/findings.hpp>

#include <gmock/gmock.h>

#include <fmt/format.h>

using namespace ashlar;
using namespace ashlar::cut;
using testing::ElementsAre;
using testing::IsEmpty;

namespace {

using root::EntryType;

// ---- Samples --------------------------------------------------------------------------------------

using Packages = std::vector<std::pair<std::string, std::string>>;

facts::ImageFacts image(const std::string& role, const Packages& packages, pipeline::TreeRecord tree = {}) {
    const Digest digest = sha256("x");
    facts::ImageFacts facts{.manifest = {.role = role, .lock = digest, .root_hash = digest, .unsigned_uki = digest, .authenticode = digest}, .tree = std::move(tree)};
    for (const auto& [name, version] : packages) facts.manifest.packages.push_back({name, version, "amd64", name, version, digest, {"root"}});
    std::ranges::sort(facts.tree, {}, &pipeline::EntryRecord::path);
    return facts;
}
pipeline::EntryRecord file(std::string path, unsigned mode, std::uint32_t uid = 0, std::uint32_t gid = 0, std::string package = {}) {
    return {.path = std::move(path), .mode = mode, .uid = uid, .gid = gid, .package = std::move(package)};
}
pipeline::EntryRecord started(const std::string& unit) {
    return {.path = "etc/systemd/system/multi-user.target.wants/" + unit, .type = EntryType::symlink, .mode = 0777, .target = "/usr/lib/systemd/system/" + unit};
}

rules::Components components() {
    return {.rules = {{.name = "openstack",
                       .kind = rules::Kind::calendar,
                       .summary = "the next release, or from one SLURP release to the next",
                       .lines = {{"2024.2", "Dalmatian", false, parse_day("2026-04-29")}, {"2025.1", "Epoxy", false, parse_day("2026-10-02")}, {"2026.1", "Gazpacho"}}},
                      {.name = "ceph", .kind = rules::Kind::major, .summary = "at most two major versions at once", .at_most = 2, .lines = {{"18", "Reef"}}},
                      {.name = "etcd", .kind = rules::Kind::minor, .summary = "the next minor version"}},
            .components = {{.name = "nova", .packages = {"nova-common"}, .rule = "openstack", .maintainer = "OpenStack Team", .lines = {{"30", "2024.2"}, {"31", "2025.1"}, {"33", "2026.1"}}},
                           {.name = "ceph", .packages = {"ceph-mon", "ceph-osd"}, .rule = "ceph", .maintainer = "Ceph Team", .until = {{"18", parse_day("2028-08-09").value()}}, .in_turn = {"ceph-mon", "ceph-osd"}},
                           {.name = "etcd", .packages = {"etcd-server"}, .rule = "etcd", .maintainer = "Go Team"}}};
}

ReleaseFacts release(std::string name, std::vector<facts::ImageFacts> images) { return {.release = std::move(name), .images = std::move(images)}; }

// "rule subject: cause | remedy"
std::vector<std::string> texts(const std::vector<Finding>& findings) {
    std::vector<std::string> texts;
    for (const Finding& finding : findings) texts.push_back(fmt::format("{} {}: {} | {}", to_string(finding.rule), finding.subject, finding.cause, finding.remedy));
    return texts;
}

// ---- Components -----------------------------------------------------------------------------------

TEST(Components, AreReadFromPackages) {
    const auto reading = read_components(components(), release("R1.0", {image("compute", {{"nova-common", "2:31.0.0-6"}}), image("control", {{"etcd-server", "3.5.16-4"}, {"nova-common", "2:31.0.0-6"}})}));
    EXPECT_THAT(reading.findings, IsEmpty());
    ASSERT_EQ(reading.components.size(), 2u);
    EXPECT_EQ(reading.components[0].name, "etcd");
    EXPECT_EQ(reading.components[0].maintained_until, std::nullopt);
    EXPECT_EQ(reading.components[1], (ReleaseComponent{.name = "nova", .version = "31.0.0", .package = "nova-common", .package_version = "2:31.0.0-6", .roles = {"compute", "control"},
                                                       .maintainer = "OpenStack Team", .maintained_until = parse_day("2026-10-02")}));
}

TEST(Components, OfTwoVersionsOrNoLine) {
    const auto reading = read_components(components(), release("R1.0", {image("compute", {{"nova-common", "2:30.0.0-1"}}), image("control", {{"nova-common", "2:31.0.0-6"}})}));
    EXPECT_THAT(texts(reading.findings), ElementsAre("component-mixed nova: R1.0 has 30.0.0 in compute, and 31.0.0 in control | build all roles from one lock"));
    EXPECT_THAT(texts(read_components(components(), release("R1.0", {image("compute", {{"nova-common", "2:35.0.0-1"}})})).findings),
                ElementsAre("component-line nova: the line of nova-common 2:35.0.0-1 in R1.0 is not known | add it to recipes/components.toml, at component 'nova'"));
}

std::vector<std::string> step(const Packages& from, const Packages& to) {
    return texts(component_findings(components(), release("R0.4", {image("control", from)}), release("R1.0", {image("control", to)})));
}

TEST(ComponentSteps, ThatUpstreamAllows) {
    EXPECT_THAT(step({{"nova-common", "2:31.0.0-6"}}, {{"nova-common", "2:33.0.0-1"}}), IsEmpty());
    EXPECT_THAT(step({{"nova-common", "2:31.0.0-6"}}, {{"nova-common", "2:31.0.0-5"}}), IsEmpty()); // Debian's revision is not upstream's matter
    EXPECT_THAT(step({}, {{"nova-common", "2:31.0.0-6"}}), IsEmpty());
}

TEST(ComponentSteps, ThatItForbids) {
    EXPECT_THAT(step({{"nova-common", "2:30.0.0-1"}}, {{"nova-common", "2:33.0.0-1"}}),
                ElementsAre("component-step nova: from R0.4: 2024.2 Dalmatian to 2026.1 Gazpacho is too far: rule 'openstack' allows the next release, or from one SLURP release to the next"
                            " | cut a release with 2025.1 Epoxy before, and make it a floor"));
    EXPECT_THAT(step({{"etcd-server", "3.4.23-4+b4"}}, {{"etcd-server", "3.6.1-1"}}),
                ElementsAre("component-step etcd: from R0.4: 3.4 to 3.6 is too far: rule 'etcd' allows the next minor version | cut a release with 3.5 before, and make it a floor"));
    EXPECT_THAT(step({{"ceph-mon", "17.2.9-1"}}, {{"ceph-mon", "20.2.4-1"}}),
                ElementsAre("component-step ceph: from R0.4: 17 to 20 is too far: rule 'ceph' allows at most two major versions at once | cut a release with 19 before, and make it a floor"));
    EXPECT_THAT(step({{"etcd-server", "3.5.16-4"}}, {{"etcd-server", "3.5.9-1"}}),
                ElementsAre("component-step etcd: from R0.4: it goes back from 3.5.16 to 3.5.9 | databases and files on disk do not go back: take a version of the line before, or a newer one"));
}

TEST(ComponentSteps, ToNothingAndFromTheUnknown) {
    EXPECT_THAT(step({{"etcd-server", "3.5.16-4"}}, {}),
                ElementsAre("component-gone etcd: from R0.4: it has etcd-server 3.5.16-4 in control, and no role has it now | what it stored is left behind on nodes: move it before, or keep the component"));
    EXPECT_THAT(step({{"nova-common", "1:1.0-1"}}, {{"nova-common", "2:31.0.0-6"}}),
                ElementsAre("component-line nova: the line of nova-common 1:1.0-1 in R0.4 is not known | add it to recipes/components.toml, at component 'nova'"));
}

TEST(ComponentEnds, NeedAWord) {
    const auto old_one = release("R1.0", {image("control", {{"nova-common", "2:31.0.0-6"}, {"ceph-mon", "18.2.7-1"}, {"etcd-server", "3.5.16-4"}})});
    EXPECT_THAT(texts(end_findings(components(), old_one, parse_day("2026-10-03").value())),
                ElementsAre("component-end etcd: nobody says until when 3.5 is maintained | add the day to recipes/components.toml, or say who keeps it",
                            "component-end nova: 2025.1 Epoxy was maintained until 2026-10-02, and it is 2026-10-03 | take a newer line, or say who keeps it"));
    EXPECT_THAT(end_findings(components(), release("R1.0", {image("control", {{"nova-common", "2:31.0.0-6"}})}), parse_day("2026-10-02").value()), IsEmpty());
}

TEST(Hyperconverged, MonitorsAndOsdsDoNotChangeTogether) {
    const auto before = release("R0.4", {image("all", {{"ceph-mon", "18.2.7-1"}, {"ceph-osd", "18.2.7-1"}}), image("storage", {{"ceph-osd", "18.2.7-1"}})});
    const auto same = release("R1.0", {image("all", {{"ceph-mon", "18.2.7-2"}, {"ceph-osd", "18.2.7-2"}})});
    const auto after = release("R1.0", {image("all", {{"ceph-mon", "18.2.8-1"}, {"ceph-osd", "18.2.8-1"}}), image("storage", {{"ceph-osd", "18.2.8-1"}})});
    EXPECT_THAT(hyperconverged_findings(components(), before, same), IsEmpty());
    EXPECT_THAT(texts(hyperconverged_findings(components(), before, after)),
                ElementsAre("hyperconverged all: from R0.4: ceph goes from 18.2.7 to 18.2.8, and the image has ceph-mon, ceph-osd together, which upstream upgrades one after the other over all nodes"
                            " | keep ceph at 18.2.7, or take the parts apart into roles of their own"));
}

// ---- Accounts -------------------------------------------------------------------------------------

TEST(AccountNumbers, ThatMoved) {
    ReleaseFacts before = release("R0.4", {}), after = release("R1.0", {});
    before.accounts = Accounts{{"ceph", {64045, 64045}}, {"frr", {120, 120}}, {"gone", {121, {}}}, {"kvm", {{}, 106}}};
    after.accounts = Accounts{{"ceph", {64045, 64046}}, {"new", {121, {}}}, {"fresh", {122, 122}}, {"kvm", {{}, 106}}, {"frr", {120, 120}}};
    EXPECT_THAT(texts(account_findings(before, after)),
                ElementsAre("account new: its uid 121 was that of 'gone' in R0.4 | a number that was used is not given again: take a new one",
                            "account ceph: its gid was 64045 in R0.4, and is 64046 now | files under /var would belong to somebody else: keep the number"));
    EXPECT_THAT(account_findings(before, before), IsEmpty());
    after.accounts.reset(); // not kept: owners of files only
    EXPECT_THAT(account_findings(before, after), IsEmpty());
}

TEST(AccountNumbers, SeenByOwnersOfFiles) {
    const auto before = release("R0.4", {image("control", {}, {file("var/lib/a", 0755, 105, 105), file("var/lib/b", 0755, 105), file("var/log/c", 0640, 0, 4), file("etc/d", 0640, 107)})});
    const auto after = release("R1.0", {image("control", {}, {file("var/lib/a", 0755, 106, 105), file("var/lib/b", 0755, 106), file("var/log/c", 0640, 108, 4), file("etc/d", 0640, 0)}),
                                        image("new", {}, {file("var/lib/a", 0755, 999)})});
    EXPECT_THAT(texts(account_findings(before, after)),
                ElementsAre("account uid 105: /var/lib/a had uid 105 in R0.4, and has 106 now in control, and 1 more | files under /var would belong to somebody else: keep the number"));
}

TEST(AccountNumbers, ComeFromTheLedger) {
    const auto ledger = root::Ledger::parse(toml::source_from_text("ledger", "system = [\n  { name = \"kvm\", gid = 106 },\n  { name = \"frr\", uid = 122, gid = 122 },\n]\n"));
    EXPECT_EQ(accounts_of(ledger), (Accounts{{"kvm", {{}, 106}}, {"frr", {122, 122}}}));
}

// ---- Set-uid files, listeners ---------------------------------------------------------------------

TEST(SetIdFiles, ThatAppeared) {
    const auto before = release("R0.4", {image("base", {}, {file("usr/bin/sudo", 04755), file("usr/bin/chage", 02755, 0, 42), file("usr/bin/mount", 0755)})});
    const auto after = release("R1.0", {image("base", {}, {file("usr/bin/sudo", 04755), file("usr/bin/chage", 02755, 0, 43), file("usr/bin/mount", 04755), file("usr/bin/new", 06755, 0, 0, "tool")}),
                                        image("control", {}, {file("usr/bin/new", 06755, 0, 0, "tool"), file("usr/bin/sudo", 04755)})});
    const std::string remedy = " | look why it needs that; drop it by the role's 'drop', or give it another mode";
    EXPECT_THAT(texts(set_id_findings(before, after)),
                ElementsAre("set-id /usr/bin/chage: set-gid, mode 2755, owner 0:43, in base; R0.4 has it with mode 2755 and owner 0:42" + remedy,
                            "set-id /usr/bin/mount: set-uid, mode 4755, owner 0:0, in base; R0.4 has it with mode 0755 and owner 0:0" + remedy,
                            "set-id /usr/bin/new: set-uid and set-gid, mode 6755, owner 0:0, package 'tool', in base, control; R0.4 has no such file" + remedy));
    EXPECT_THAT(set_id_findings(after, after), IsEmpty());
}

TEST(Listeners, ThatAppeared) {
    const auto before = release("R0.4", {image("base", {}, {started("ssh.service")}), image("control", {}, {started("etcd.service")})});
    const auto after = release("R1.0", {image("base", {}, {started("ssh.service"), started("rpcbind.socket"), started("etcd.service")}), image("control", {}, {started("etcd.service"), started("rpcbind.socket")}),
                                        image("storage", {}, {started("etcd.service"), started("ceph-osd@0.service")})});
    const std::string remedy = " | look whether it listens, and for whom; take it out of the role's 'services', or mask it";
    EXPECT_THAT(texts(listener_findings(before, after)), ElementsAre("listener ceph-osd@0.service: it starts by itself in storage; in R0.4 it does not" + remedy,
                                                                     "listener etcd.service: it starts by itself in base; in R0.4 it does not" + remedy,
                                                                     "listener rpcbind.socket: it starts by itself in base, control; in R0.4 it does not" + remedy));
}

// ---- All together ---------------------------------------------------------------------------------

TEST(Findings, OfTheFirstReleaseAreItsOwn) {
    const auto first = release("R0.0", {image("control", {{"ceph-mon", "18.2.7-1"}}, {file("usr/bin/sudo", 04755), started("ssh.service")})});
    EXPECT_THAT(all_findings(components(), first, {}, parse_day("2026-12-01").value()), IsEmpty());
}

TEST(Findings, OfSeveralPreviousReleasesStandOnce) {
    const auto before = release("R0.4", {image("control", {{"etcd-server", "3.4.23-4"}})}), between = release("R0.5", {image("control", {{"etcd-server", "3.5.16-4"}})});
    const auto after = release("R1.0", {image("control", {{"etcd-server", "3.6.1-1"}}, {started("x.socket")})});
    std::vector<std::string> subjects;
    for (const auto& finding : all_findings(components(), after, {before, between, before}, parse_day("2026-12-01").value())) subjects.push_back(fmt::format("{} {}", to_string(finding.rule), finding.cause.substr(0, 25)));
    EXPECT_THAT(subjects, ElementsAre("component-step from R0.4: 3.4 to 3.6 is ", "component-end nobody says until when 3.", "listener it starts by itself in co", "listener it starts by itself in co"));
}

TEST(Findings, OfPackagesNeedNothingThatIsBuilt) {
    const auto before = release("R0.4", {image("control", {{"etcd-server", "3.4.23-4"}}, {file("usr/bin/sudo", 0755)})});
    auto after = release("R1.0", {image("control", {{"etcd-server", "3.6.1-1"}}, {started("x.socket"), file("usr/bin/sudo", 04755)})});
    const auto findings = package_findings(components(), after, {before}, parse_day("2026-12-01").value());
    EXPECT_THAT(findings, testing::Each(testing::Field(&Finding::subject, "etcd")));
    EXPECT_FALSE(findings.empty());
    after.images.front().tree.clear();
    EXPECT_EQ(package_findings(components(), after, {before}, parse_day("2026-12-01").value()), findings);
}

TEST(Verdict, AWordLetsPassWhatItNames) {
    const std::vector<Finding> findings{{rules::CutRule::component_step, "nova", "from R0.4: a", "b"}, {rules::CutRule::component_step, "nova", "from R0.5: a", "b"}, {rules::CutRule::set_id, "/usr/bin/x", "c", "d"}};
    const std::vector<Acceptance> accept{{"set-id", "/usr/bin/y", "gone"}, {"component-step", "nova", "tried"}, {"listener", "/usr/bin/x", "another rule"}};
    const Verdict verdict = judge(findings, accept);
    EXPECT_THAT(verdict.refused, ElementsAre(findings[2]));
    EXPECT_THAT(verdict.accepted, ElementsAre(findings[0], findings[1]));
    EXPECT_THAT(verdict.used, ElementsAre(accept[1]));
    EXPECT_THAT(verdict.unused, ElementsAre(0u, 2u));
    EXPECT_EQ(unused_warning(accept[0]), "the accepted word 'set-id /usr/bin/y' lets nothing pass: remove it");
}

TEST(Verdict, SaysWhatToWrite) {
    const std::vector<Finding> findings{{rules::CutRule::component_step, "nova", "from R0.4: a", "b"}, {rules::CutRule::component_step, "nova", "from R0.5: a", "b"}, {rules::CutRule::listener, "x\\x2dy.socket", "c", "d"}};
    EXPECT_EQ(refusal("R1.0", findings, "recipes/trains/R1.toml").render(), R"(cannot cut 'R1.0': it changes what nobody has agreed to
    component-step nova: from R0.4: a
        b
    component-step nova: from R0.5: a
        b
    listener x\x2dy.socket: c
        d
  hint: change that, or add to recipes/trains/R1.toml what may be, and why:
    [[accept]]
    rule = "component-step"
    subject = "nova"
    reason = ""
    [[accept]]
    rule = "listener"
    subject = "x\\x2dy.socket"
    reason = "")");
}

} // namespace
