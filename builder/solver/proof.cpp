#include "proof.hpp"

#include <base/error.hpp>

#include <deque>
#include <unordered_set>

// Without it a member is called `requires`, which is a keyword.
#define LIBSOLV_SOLVABLE_PREPEND_DEP
#include <solv/pool.h>
#include <solv/queue.h>
#include <solv/repo.h>
#include <solv/rules.h>
#include <solv/solver.h>

#include <fmt/format.h>

namespace ashlar::solver {

namespace {

struct PoolDeleter {
    void operator()(Pool* pool) const noexcept { pool_free(pool); }
};

struct SolverDeleter {
    void operator()(Solver* solver) const noexcept { solver_free(solver); }
};

class IdQueue {
public:
    IdQueue() { queue_init(&queue_); }
    IdQueue(const IdQueue&) = delete;
    IdQueue& operator=(const IdQueue&) = delete;
    ~IdQueue() { queue_free(&queue_); }

    Queue* get() noexcept { return &queue_; }
    void push(Id first, Id second) { queue_push2(&queue_, first, second); }
    [[nodiscard]] std::span<const Id> ids() const { return {queue_.elements, static_cast<std::size_t>(queue_.count)}; }

private:
    Queue queue_;
};

int relation_flags(debian::Relation relation) {
    switch (relation) {
    case debian::Relation::less: return REL_LT;
    case debian::Relation::less_equal: return REL_LT | REL_EQ;
    case debian::Relation::equal: return REL_EQ;
    case debian::Relation::greater_equal: return REL_GT | REL_EQ;
    case debian::Relation::greater: return REL_GT;
    case debian::Relation::any: break;
    }
    return 0;
}

using IdPair = std::pair<Id, Id>;

} // namespace

struct Proof::State {
    const Offers& offers;
    std::unique_ptr<Pool, PoolDeleter> pool{pool_create()};
    std::vector<const Package*> packages; // by solvable id
    std::unordered_map<const Package*, Id> ids;
    std::map<IdPair, const Need*> needs; // by solvable and dependency
    std::map<IdPair, const Refusal*> refusals;

    explicit State(const Offers& o) : offers(o) {}

    Id text(std::string_view value) {
        return pool_strn2id(pool.get(), value.data(), static_cast<unsigned>(value.size()), 1);
    }
    Id relation(Id name, debian::Relation kind, std::string_view version) {
        return kind == debian::Relation::any ? name
                                             : pool_rel2id(pool.get(), name, text(version), relation_flags(kind), 1);
    }
    // "name:any" and a stranger's "name:arch" are names of their own: who may answer to them provides them.
    Id dependency(const Alternative& wanted) {
        const bool own = wanted.qualifier.empty() || wanted.qualifier == "native" ||
                         wanted.qualifier == offers.universe().architecture();
        const Id name = own ? text(wanted.name) : text(fmt::format("{}:{}", wanted.name, wanted.qualifier));
        return relation(name, wanted.relation, wanted.version);
    }
    Id dependency(const Group& group) {
        Id all = 0;
        for (auto alternative = group.rbegin(); alternative != group.rend(); ++alternative) {
            const Id one = dependency(*alternative);
            all = all == 0 ? one : pool_rel2id(pool.get(), one, all, REL_OR, 1);
        }
        return all;
    }

    void add(Repo* repo, const Package& package);
    void add_provided(Repo* repo, Solvable* solvable, const Package& package, std::string_view name,
                      std::string_view version);
    void append_rules(Solver* solver, Id rule, std::vector<Rule>& rules);
};

void Proof::State::add_provided(Repo* repo, Solvable* solvable, const Package& package, std::string_view name,
                                std::string_view version) {
    const debian::Relation kind = version.empty() ? debian::Relation::any : debian::Relation::equal;
    solvable->dep_provides = repo_addid_dep(repo, solvable->dep_provides, relation(text(name), kind, version), 0);
    if (package.multi_arch != debian::MultiArch::allowed) return;
    const Id any = text(fmt::format("{}:any", name));
    solvable->dep_provides = repo_addid_dep(repo, solvable->dep_provides, relation(any, kind, version), 0);
}

void Proof::State::add(Repo* repo, const Package& package) {
    const Id id = repo_add_solvable(repo);
    Solvable* solvable = pool_id2solvable(pool.get(), id);
    solvable->name = text(package.name);
    solvable->evr = text(package.version);
    solvable->arch = text(package.architecture);
    packages.resize(static_cast<std::size_t>(id) + 1);
    packages[static_cast<std::size_t>(id)] = &package;
    ids.emplace(&package, id);
    const Relations& relations = offers.relations(package);
    add_provided(repo, solvable, package, package.name, package.version);
    for (const Alternative& provided : relations.provides)
        add_provided(repo, solvable, package, provided.name, provided.version);
    for (const Need& need : relations.needs) {
        const Id dep = dependency(need.group);
        needs.try_emplace({id, dep}, &need);
        solvable->dep_requires = repo_addid_dep(repo, solvable->dep_requires, dep, 0);
    }
    for (const Refusal& refusal : relations.refuses) {
        const Id dep = dependency(refusal.what);
        refusals.try_emplace({id, dep}, &refusal);
        solvable->dep_conflicts = repo_addid_dep(repo, solvable->dep_conflicts, dep, 0);
    }
}

Proof::Proof(const Offers& offers, std::span<const Package* const> packages) : state_(std::make_unique<State>(offers)) {
    Pool* pool = state_->pool.get();
    if (pool_setdisttype(pool, DISTTYPE_DEB) < 0)
        throw Error("cannot use 'libsolv': it was built without Debian's rules for versions",
                    "install a libsolv that has them, as Debian's own package does");
    Repo* repo = repo_create(pool, "offers");
    for (const Package* package : packages) state_->add(repo, *package);
    pool_createwhatprovides(pool);
}

Proof::~Proof() = default;

void Proof::State::append_rules(Solver* solver, Id rule, std::vector<Rule>& rules) {
    IdQueue infos;
    solver_allruleinfos(solver, rule, infos.get());
    const auto ids_of = infos.ids();
    const auto package_of = [this](Id id) {
        return id > 0 && static_cast<std::size_t>(id) < packages.size() ? packages[static_cast<std::size_t>(id)]
                                                                        : nullptr;
    };
    // Each is type, source, target, dependency; for a job the "dependency" is what was to be installed.
    for (std::size_t i = 0; i + 3 < ids_of.size(); i += 4) {
        const Id source = ids_of[i + 1], target = ids_of[i + 2], dep = ids_of[i + 3];
        switch (ids_of[i]) {
        case SOLVER_RULE_JOB: rules.push_back({Rule::Kind::asked_for, package_of(dep)}); break;
        case SOLVER_RULE_PKG_NOTHING_PROVIDES_DEP:
        case SOLVER_RULE_PKG_REQUIRES:
            if (const auto found = needs.find({source, dep}); found != needs.end())
                rules.push_back({.kind = Rule::Kind::needs, .package = package_of(source), .need = found->second});
            break;
        case SOLVER_RULE_PKG_CONFLICTS:
            if (const auto found = refusals.find({source, dep}); found != refusals.end())
                rules.push_back({.kind = Rule::Kind::conflicts,
                                 .package = package_of(source),
                                 .other = package_of(target),
                                 .refusal = found->second});
            break;
        default: break;
        }
    }
}

std::variant<std::vector<const Package*>, std::vector<std::vector<Rule>>>
Proof::solve(std::span<const Package* const> wanted, std::span<const Package* const> favoured) {
    IdQueue jobs;
    for (const Package* package : wanted) jobs.push(SOLVER_INSTALL | SOLVER_SOLVABLE, state_->ids.at(package));
    for (const Package* package : favoured) jobs.push(SOLVER_FAVOR | SOLVER_SOLVABLE, state_->ids.at(package));
    const std::unique_ptr<Solver, SolverDeleter> solver(solver_create(state_->pool.get()));
    solver_set_flag(solver.get(), SOLVER_FLAG_IGNORE_RECOMMENDED, 1);
    if (solver_solve(solver.get(), jobs.get()) == 0) {
        IdQueue decisions;
        solver_get_decisionqueue(solver.get(), decisions.get());
        std::vector<const Package*> chosen;
        for (const Id id : decisions.ids())
            if (id > 0 && static_cast<std::size_t>(id) < state_->packages.size() &&
                state_->packages[static_cast<std::size_t>(id)] != nullptr)
                chosen.push_back(state_->packages[static_cast<std::size_t>(id)]);
        return chosen;
    }
    std::vector<std::vector<Rule>> problems;
    for (Id problem = 0; (problem = solver_next_problem(solver.get(), problem)) != 0;) {
        IdQueue rules;
        solver_findallproblemrules(solver.get(), problem, rules.get());
        auto& found = problems.emplace_back();
        for (const Id rule : rules.ids()) state_->append_rules(solver.get(), rule, found);
    }
    return problems;
}

std::vector<const Package*> reachable(const Offers& offers, std::span<const Package* const> roots) {
    std::vector<const Package*> found;
    std::unordered_set<const Package*> seen;
    const auto reach = [&](const Package* package) {
        if (seen.insert(package).second) found.push_back(package);
    };
    for (const Package* root : roots) reach(root);
    for (std::size_t i = 0; i < found.size(); ++i)
        for (const Need& need : offers.relations(*found[i]).needs)
            for (const Alternative& alternative : need.group)
                for (const Package* option : offers.options(alternative)) reach(option);
    return found;
}

} // namespace ashlar::solver
