// The seal of a checkpoint: `checkpoint.hmac` in its directory, what tree.h computes.
#pragma once

#include <string>

#include "base/error.h"
#include "checkpoint/key.h"
#include "checkpoint/tree.h"

namespace nucleus::checkpoint {

/// Writes the seal of an opened checkpoint: beside, synced, and renamed into place. Errors: as
/// digest_of; what the file system says.
[[nodiscard]] Result<Tree> seal(int directory, const std::string& path, const Key& key,
                                const Progress& progress = {});

struct Verified {
  Tree tree;
  std::string key;  // the path of the one that it was sealed with
};

/// Whether an opened checkpoint is as it was when it was sealed, with the key at `key_path` or one
/// that was there before. Makes no key. Errors: EBADMSG, it is not (what it should be is never
/// said); there is no seal, or none of our form; as load_key and digest_of.
[[nodiscard]] Result<Verified> verify(int directory, const std::string& path,
                                      const std::string& key_path, const Progress& progress = {});

}  // namespace nucleus::checkpoint
