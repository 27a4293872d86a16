// Names of containers: ROOT/by-name/NAME is a symbolic link whose text is an ID. Unique by
// construction, changed under one lock.
#pragma once

#include <functional>
#include <string>

#include "base/error.h"

namespace nucleus::store {

/// Takes `name` for `id`. `alive` says whether the container that holds it now still needs it; if
/// not, it is taken over. Errors: EEXIST.
[[nodiscard]] Result<> take_name(const std::string& root, const std::string& name,
                                 const std::string& id,
                                 const std::function<bool(const std::string& holder)>& alive);

/// Removes the names of containers that are not kept. Errors: they cannot be locked or read.
[[nodiscard]] Result<> drop_stale_names(const std::string& root,
                                        const std::function<bool(const std::string& holder)>& kept);

/// Whether the store has this container, or is about to.
[[nodiscard]] bool is_kept(const std::string& root, const std::string& id);

/// Gives it back, if it is that container's.
void drop_name(const std::string& root, const std::string& name, const std::string& id);

/// The id behind a name; empty when there is none.
[[nodiscard]] std::string name_holder(const std::string& root, const std::string& name);

}  // namespace nucleus::store
