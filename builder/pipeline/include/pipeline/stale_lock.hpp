#pragma once

// A lock is not asked what a role wants, so it has to be told when that has changed.

#include <lock/lock.hpp>
#include <recipe/model.hpp>
#include <store/store.hpp>

namespace ashlar::pipeline {

// SourceError at each package that the role asks for and the lock does not have for it, or has and the
// role excludes. A name that no locked package bears may be one that a package provides: the packages
// in the store say so. Where one of the role's is not in the store, that name is let pass.
void refuse_stale_lock(const recipe::Role& role, const lock::Lock& lock, const store::Store& store);

} // namespace ashlar::pipeline
