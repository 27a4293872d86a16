// The containers of one state root: ROOT/containers/ID/ with lock, record.json, spec.json, the
// control socket and the log; ROOT/by-name/NAME is a link to the ID.
//
// A record belongs to whoever holds its lock (flock(2)): its supervisor, for as long as it lives. A
// record in a living state whose lock is free is of a supervisor that was killed, or of a time
// before a reboot: `lost`. Records are written beside and renamed into place.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "spec/container_spec.h"
#include "store/entry.h"
#include "sys/unique_fd.h"

namespace nucleus::store {

/// A record that this process owns.
class Held {
 public:
  Held() = default;
  Held(Held&&) = default;
  Held& operator=(Held&&) = default;

  [[nodiscard]] bool valid() const { return lock_.valid(); }
  [[nodiscard]] const Entry& entry() const { return entry_; }
  [[nodiscard]] const std::string& directory() const { return path_; }
  [[nodiscard]] int directory_fd() const { return fd_.get(); }

  /// Changes the record by `change` and writes it. Errors: what the file system says; the record on
  /// disk is then as it was.
  template <typename Change>
  Result<> update(Change&& change) {
    Entry next = entry_;
    change(next);
    NUCLEUS_CHECK(write(next));
    entry_ = std::move(next);
    return {};
  }

  /// The same with a change of status, which the table must allow.
  template <typename Change>
  Result<> become(Status status, Change&& change) {
    NUCLEUS_CHECK(check_move(status));
    return update([&](Entry& entry) {
      entry.status = status;
      change(entry);
    });
  }

  /// Reads the record again: another process, with which the lock is shared, may have written it.
  [[nodiscard]] Result<> reload();

  /// Puts another spec in the place of the one that is kept.
  [[nodiscard]] Result<> write_spec(const spec::ContainerSpec& spec) const;

  /// Removes everything of the container, its name too.
  void remove();

 private:
  friend class Store;
  [[nodiscard]] Result<> write(const Entry& entry) const;
  [[nodiscard]] Result<> check_move(Status to) const;

  std::string root_, path_;
  sys::UniqueFd fd_, lock_;
  Entry entry_;
};

/// One of a list: the record, or why it cannot be read.
struct Listed {
  std::string id;
  std::optional<Entry> entry;
  std::optional<Error> error;
  bool lost = false;  // in a living state, and nobody holds it
};

class Store {
 public:
  /// `root` is an opened state root (container/state_root.h).
  explicit Store(std::string root) : root_(std::move(root)) {}

  [[nodiscard]] const std::string& root() const { return root_; }
  [[nodiscard]] std::string directory(const std::string& id) const;

  /// A new record with its name taken and its lock held. Errors: EEXIST, the name is another's.
  [[nodiscard]] Result<Held> create(const Entry& entry, const spec::ContainerSpec& spec) const;

  /// Takes over the record of one that nobody holds. Errors: EBUSY, it is held.
  [[nodiscard]] Result<Held> hold(const std::string& id) const;

  /// The id of a name, of an id, or of a prefix of at least four digits that no other has.
  /// Errors: Kind::usage, none or several.
  [[nodiscard]] Result<std::string> resolve(const std::string& word) const;

  [[nodiscard]] Listed read(const std::string& id) const;
  /// Every container, oldest first. One that cannot be read does not hide the others.
  [[nodiscard]] std::vector<Listed> list() const;

  [[nodiscard]] Result<spec::ContainerSpec> spec(const std::string& id) const;

  /// For one whose record cannot be read: its directory and its names.
  [[nodiscard]] Result<> remove_unreadable(const std::string& id) const;

  /// Gives back `name` when a container in the foreground has it whose nucleus was killed.
  void free_name(const std::string& name) const;

  /// Removes what a process left that was killed while it made or removed a container. How many.
  std::size_t clear_halves() const;

  /// Gives a held container another name.
  [[nodiscard]] Result<> rename(Held& held, const std::string& name) const;

 private:
  std::string root_;
};

}  // namespace nucleus::store
