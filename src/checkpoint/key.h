// The secret that checkpoints are sealed with: 32 random bytes in a file that only its owner reads.
//
// It is at $NUCLEUS_CHECKPOINT_HMAC_KEY_FILE; else, for root, /var/lib/nucleus/checkpoint-hmac.key;
// else nucleus/checkpoint-hmac.key in $XDG_DATA_HOME or ~/.local/share. Any file of at least 32
// bytes will do, and counts whole. Its directory and itself belong to the caller, and nobody else
// may read either; neither is a symbolic link.
//
// Earlier ones, which older checkpoints were sealed with, are beside it, as NAME.TIME.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace nucleus::checkpoint {

/// Wiped when it goes.
class Key {
 public:
  Key(std::string path, std::string bytes) : path_(std::move(path)), bytes_(std::move(bytes)) {}
  Key(Key&&) noexcept = default;
  Key& operator=(Key&&) noexcept = default;
  Key(const Key&) = delete;
  Key& operator=(const Key&) = delete;
  ~Key();

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string_view bytes() const { return bytes_; }

 private:
  std::string path_, bytes_;
};

/// Errors: no home is known.
[[nodiscard]] Result<std::string> key_path();

/// Errors: ENOENT, there is none; a rule from above is broken, and which.
[[nodiscard]] Result<Key> load_key(const std::string& path);

/// Makes one where there is none. Of two who do so at once both get the same.
[[nodiscard]] Result<Key> load_or_make_key(const std::string& path);

/// Errors: EEXIST, there is one.
[[nodiscard]] Result<> make_key(const std::string& path);

/// Puts a new one in its place; the old one is kept beside it, at the path that is returned.
/// Errors: ENOENT, there is none.
[[nodiscard]] Result<std::string> rotate_key(const std::string& path);

/// Those that were there before, the last one first. One that breaks a rule is an error.
[[nodiscard]] Result<std::vector<Key>> earlier_keys(const std::string& path);

}  // namespace nucleus::checkpoint
