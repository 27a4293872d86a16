#include "filesystem/context_copy.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/fsuid.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <system_error>
#include <thread>
#include <utility>

#include "base/units.h"
#include "filesystem/listing.h"
#include "sys/unique_fd.h"

namespace nucleus::filesystem {
namespace {

using sys::UniqueFd;

constexpr std::size_t kMaxReported = 20;
constexpr std::size_t kBufferBytes = std::size_t{1} << 20;
// Up to here one read and one write beat copy_file_range(), which sets up a pipe inside the kernel.
constexpr off_t kSmallFile = off_t{256} << 10;
// Bounds how long a thread takes to notice that another one has failed.
constexpr off_t kRangeBytes = off_t{128} << 20;
constexpr std::uint64_t kWorkersFrom = 256;
constexpr unsigned kMaxWorkers = 2;
constexpr unsigned kSliceEntries = 64;
// Each queued slice keeps two descriptors open.
constexpr std::size_t kMaxQueuedSlices = 16;
constexpr int kMaxTypeChanges = 3;

class ZeroUmask {
 public:
  ZeroUmask() : old_(::umask(0)) {}
  ZeroUmask(const ZeroUmask&) = delete;
  ZeroUmask& operator=(const ZeroUmask&) = delete;
  ~ZeroUmask() { ::umask(old_); }

 private:
  mode_t old_;
};

struct Directory {
  UniqueFd source;
  UniqueFd target;
  std::string path;
  unsigned depth = 0;
  mode_t mode = 0;
  timespec modified = {};
  // The listing and every queued slice; whoever brings it to zero sets mode and time.
  std::atomic<unsigned> pending{1};
  std::atomic<bool> has_subdirectories{false};
};

struct Task {
  std::string path;  // of a directory to be copied, unless `slice` is set
  unsigned depth = 0;
  std::shared_ptr<Directory> directory = {};
  std::vector<char> slice = {};
};

// What one thread needs and never shares.
struct Scratch {
  Listing listing;
  std::unique_ptr<char[]> buffer = std::make_unique_for_overwrite<char[]>(kBufferBytes);
  bool may_start_workers = false;
};

enum class Outcome { done, changed_type };

class TreeCopy {
 public:
  TreeCopy(int source, int target, const NameFilter& filter, const CopyLimits& limits,
           CopyProgress& progress)
      : source_(source),
        target_(target),
        filter_(filter),
        limits_(limits),
        entries_(progress.entries),
        bytes_(progress.bytes) {}

  Result<CopyReport> run();

 private:
  void work(Scratch& scratch);
  void start_workers();
  void record_failure(Error error);
  bool stopped() const { return stop_.load(std::memory_order_relaxed); }
  void push(Task task);
  bool push_slice(const std::shared_ptr<Directory>& directory, std::span<const char> slice);

  Result<> copy_directory(const std::string& path, unsigned depth, Scratch& scratch);
  Result<> copy_slice(Directory& directory, std::span<const char> slice, Scratch& scratch);
  Result<> copy_entry(Directory& directory, const char* name, unsigned char type, Scratch& scratch);
  Result<Outcome> copy_file(Directory& directory, const char* name, Scratch& scratch);
  Result<Outcome> copy_symlink(Directory& directory, const char* name, Scratch& scratch);
  Result<> add_subdirectory(Directory& directory, const char* name);
  Result<> remove_empty(const std::string& path);
  Result<> finish(Directory& directory);
  Result<> set_deferred_modes();

  Result<> copy_data(int in, int out, const struct stat& status, const Directory& directory,
                     const char* name, Scratch& scratch);
  Result<> copy_small(int in, int out, off_t size, const Directory& directory, const char* name,
                      Scratch& scratch);
  Result<bool> copy_range(int in, int out, off_t from, off_t to, const Directory& directory,
                          const char* name, Scratch& scratch);

  Result<> take_entry(const Directory& directory, const char* name);
  Result<> take_bytes(std::uint64_t count, const Directory& directory, const char* name);
  void report(std::vector<std::string>& list, std::atomic<std::uint64_t>& total,
              const Directory& directory, const char* name);
  std::unexpected<Error> write_failure(int errnum, std::string op, std::string path) const;

  const int source_;
  const int target_;
  const NameFilter& filter_;
  const CopyLimits& limits_;
  std::atomic<std::uint64_t>& entries_;
  std::atomic<std::uint64_t>& bytes_;
  dev_t target_device_ = 0;
  ino_t target_inode_ = 0;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Task> queue_;  // last in, first out, so that it stays short
  std::size_t queued_slices_ = 0;
  unsigned busy_ = 0;
  std::optional<Error> failure_;
  std::vector<std::string> left_out_;
  std::vector<std::string> refused_;
  std::vector<std::pair<std::string, mode_t>> deferred_modes_;
  std::vector<std::jthread> workers_;
  uid_t fsuid_ = 0;
  gid_t fsgid_ = 0;

  std::atomic<bool> stop_{false};
  std::atomic<std::uint64_t> files_{0};
  std::atomic<std::uint64_t> directories_{0};
  std::atomic<std::uint64_t> symlinks_{0};
  std::atomic<std::uint64_t> left_out_total_{0};
  std::atomic<std::uint64_t> refused_total_{0};
  // What the pair of file systems has turned out not to support is not tried for every file.
  std::atomic<bool> can_clone_{true};
  std::atomic<bool> can_copy_range_{true};
  std::atomic<bool> can_send_{true};
};

Result<CopyReport> TreeCopy::run() {
  struct stat status = {};
  if (::fstat(target_, &status) != 0) {
    return fail(Kind::runtime, errno, "look at the target of the copy", ".");
  }
  target_device_ = status.st_dev;
  target_inode_ = status.st_ino;
  // An invalid id changes nothing and gives the present one.
  fsuid_ = static_cast<uid_t>(::setfsuid(static_cast<uid_t>(-1)));
  fsgid_ = static_cast<gid_t>(::setfsgid(static_cast<gid_t>(-1)));
  {
    const ZeroUmask umask;
    Scratch scratch;
    scratch.may_start_workers = true;
    queue_.push_back({.path = "", .depth = 0});
    work(scratch);
    workers_.clear();
  }
  if (failure_) return std::unexpected(*std::move(failure_));
  NUCLEUS_CHECK(set_deferred_modes());
  std::ranges::sort(left_out_);
  std::ranges::sort(refused_);
  return CopyReport{.files = files_,
                    .directories = directories_,
                    .symlinks = symlinks_,
                    .bytes = bytes_,
                    .left_out = std::move(left_out_),
                    .left_out_total = left_out_total_,
                    .refused_specials = std::move(refused_),
                    .refused_total = refused_total_};
}

void TreeCopy::work(Scratch& scratch) {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stopped() || !queue_.empty() || busy_ == 0; });
    if (stopped() || queue_.empty()) break;
    Task task = std::move(queue_.back());
    queue_.pop_back();
    if (task.directory) --queued_slices_;
    ++busy_;
    lock.unlock();
    Result<> result;
    if (task.directory) {
      result = copy_slice(*task.directory, task.slice, scratch);
      if (result) result = finish(*task.directory);
      task.directory.reset();
    } else {
      result = copy_directory(task.path, task.depth, scratch);
    }
    if (!result) record_failure(std::move(result.error()));
    lock.lock();
    if (--busy_ == 0 && queue_.empty()) changed_.notify_all();
  }
}

void TreeCopy::start_workers() {
  const unsigned processors = std::thread::hardware_concurrency();
  const unsigned count = std::min(kMaxWorkers, processors > 1 ? processors - 1 : 0);
  try {
    for (unsigned i = 0; i < count; ++i) {
      workers_.emplace_back([this] {
        ::setfsgid(fsgid_);
        ::setfsuid(fsuid_);
        // setfsuid() does not say whether it worked; a file must not get another owner silently.
        if (static_cast<uid_t>(::setfsuid(static_cast<uid_t>(-1))) != fsuid_ ||
            static_cast<gid_t>(::setfsgid(static_cast<gid_t>(-1))) != fsgid_) {
          return;
        }
        Scratch scratch;
        work(scratch);
      });
    }
  } catch (const std::system_error&) {  // NOLINT(bugprone-empty-catch)
    // A limit on threads costs speed, not the copy.
  }
}

void TreeCopy::record_failure(Error error) {
  const std::scoped_lock lock(mutex_);
  if (!failure_) failure_ = std::move(error);
  stop_ = true;
  changed_.notify_all();
}

void TreeCopy::push(Task task) {
  const std::scoped_lock lock(mutex_);
  queue_.push_back(std::move(task));
  changed_.notify_one();
}

bool TreeCopy::push_slice(const std::shared_ptr<Directory>& directory,
                          std::span<const char> slice) {
  {
    const std::scoped_lock lock(mutex_);
    if (queued_slices_ >= kMaxQueuedSlices) return false;
    ++queued_slices_;
  }
  Task task{.path = "", .depth = 0, .directory = directory};
  task.slice.reserve(slice.size() + sizeof(dirent64));
  task.slice.assign(slice.begin(), slice.end());
  directory->pending.fetch_add(1);
  push(std::move(task));
  return true;
}

Result<> TreeCopy::copy_directory(const std::string& path, unsigned depth, Scratch& scratch) {
  auto directory = std::make_shared<Directory>();
  directory->path = path;
  directory->depth = depth;
  directory->source = open_below(source_, path, kOpenDirectory);
  if (!directory->source.valid()) {
    // Replaced by something else (ENOTDIR, ELOOP) counts as gone as well.
    if (!path.empty() && (vanished(errno) || errno == ENOTDIR || errno == ELOOP)) {
      return remove_empty(path);
    }
    return fail(Kind::runtime, errno, "read the directory", path.empty() ? "." : path,
                errno == EACCES ? "make it readable or leave it out" : "");
  }
  struct stat status = {};
  if (::fstat(directory->source.get(), &status) != 0) {
    return fail(Kind::runtime, errno, "look at the directory", path);
  }
  if (status.st_dev == target_device_ && status.st_ino == target_inode_) {
    return fail(Kind::usage, 0, "copy the directory into itself", path.empty() ? "." : path,
                "choose a target outside of the source");
  }
  directory->mode = status.st_mode & 07777;
  directory->modified = status.st_mtim;
  directory->target = open_below(target_, path, kOpenDirectory);
  if (!directory->target.valid()) {
    return fail(Kind::runtime, errno, "open the directory in the target", path);
  }
  for (;;) {
    const ssize_t size = scratch.listing.fill(directory->source.get());
    if (size < 0 && vanished(errno)) break;
    if (size < 0) return fail(Kind::runtime, errno, "list the directory", path);
    if (size == 0) break;
    std::span<const char> records = scratch.listing.records(size);
    while (!records.empty()) {
      if (stopped()) return {};
      const std::span<const char> slice = first_records(records, kSliceEntries);
      records = records.subspan(slice.size());
      if (scratch.may_start_workers && entries_ >= kWorkersFrom) {
        scratch.may_start_workers = false;
        start_workers();
      }
      if (entries_ >= kWorkersFrom && !records.empty() && push_slice(directory, slice)) continue;
      NUCLEUS_CHECK(copy_slice(*directory, slice, scratch));
    }
  }
  return finish(*directory);
}

Result<> TreeCopy::copy_slice(Directory& directory, std::span<const char> slice, Scratch& scratch) {
  Result<> result;
  for_each_record(slice, [&](const char* name, unsigned char type) {
    if (stopped()) return false;
    if (!filter_.lets_through(name)) {
      report(left_out_, left_out_total_, directory, name);
      return true;
    }
    result = copy_entry(directory, name, type, scratch);
    return result.has_value();
  });
  return result;
}

Result<> TreeCopy::copy_entry(Directory& directory, const char* name, unsigned char type,
                              Scratch& scratch) {
  for (int attempt = 0; attempt < kMaxTypeChanges; ++attempt) {
    if (attempt > 0 || type == DT_UNKNOWN) {
      const std::optional<unsigned char> looked_up = look_up_type(directory.source.get(), name);
      if (!looked_up) {
        if (vanished(errno)) return {};
        return fail(Kind::runtime, errno, "look at", join(directory.path, name));
      }
      type = *looked_up;
    }
    Outcome outcome = Outcome::done;
    if (type == DT_REG) {
      outcome = NUCLEUS_TRY(copy_file(directory, name, scratch));
    } else if (type == DT_LNK) {
      outcome = NUCLEUS_TRY(copy_symlink(directory, name, scratch));
    } else if (type == DT_DIR) {
      NUCLEUS_CHECK(add_subdirectory(directory, name));
    } else {
      report(refused_, refused_total_, directory, name);
    }
    if (outcome == Outcome::done) return {};
  }
  return {};  // changes all the time: as good as vanished
}

Result<Outcome> TreeCopy::copy_file(Directory& directory, const char* name, Scratch& scratch) {
  const UniqueFd in(::openat(directory.source.get(), name, kOpenSource));
  if (!in.valid()) {
    if (vanished(errno)) return Outcome::done;
    if (errno == ELOOP || errno == ENXIO) return Outcome::changed_type;
    return fail(Kind::runtime, errno, "read the file", join(directory.path, name),
                errno == EACCES ? "make it readable or leave it out" : "");
  }
  struct stat status = {};
  if (::fstat(in.get(), &status) != 0) {
    return fail(Kind::runtime, errno, "look at the file", join(directory.path, name));
  }
  if (!S_ISREG(status.st_mode)) return Outcome::changed_type;
  NUCLEUS_CHECK(take_entry(directory, name));
  const UniqueFd out(::openat(directory.target.get(), name,
                              O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                              status.st_mode & 0777));
  if (!out.valid()) {
    return write_failure(errno, "create the copy of the file", join(directory.path, name));
  }
  NUCLEUS_CHECK(copy_data(in.get(), out.get(), status, directory, name, scratch));
  const timespec times[2] = {{.tv_sec = 0, .tv_nsec = UTIME_OMIT}, status.st_mtim};
  if (::futimens(out.get(), times) != 0) {
    return write_failure(errno, "set the time of the copy of", join(directory.path, name));
  }
  files_.fetch_add(1, std::memory_order_relaxed);
  return Outcome::done;
}

Result<Outcome> TreeCopy::copy_symlink(Directory& directory, const char* name, Scratch& scratch) {
  struct stat status = {};
  if (::fstatat(directory.source.get(), name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
    if (vanished(errno)) return Outcome::done;
    return fail(Kind::runtime, errno, "look at the symbolic link", join(directory.path, name));
  }
  const ssize_t size =
      ::readlinkat(directory.source.get(), name, scratch.buffer.get(), kBufferBytes - 1);
  if (size < 0) {
    if (vanished(errno)) return Outcome::done;
    if (errno == EINVAL) return Outcome::changed_type;
    return fail(Kind::runtime, errno, "read the symbolic link", join(directory.path, name));
  }
  scratch.buffer[static_cast<std::size_t>(size)] = '\0';
  NUCLEUS_CHECK(take_entry(directory, name));
  if (::symlinkat(scratch.buffer.get(), directory.target.get(), name) != 0) {
    return write_failure(errno, "create the symbolic link", join(directory.path, name));
  }
  const timespec times[2] = {{.tv_sec = 0, .tv_nsec = UTIME_OMIT}, status.st_mtim};
  if (::utimensat(directory.target.get(), name, times, AT_SYMLINK_NOFOLLOW) != 0) {
    return write_failure(errno, "set the time of the copy of", join(directory.path, name));
  }
  symlinks_.fetch_add(1, std::memory_order_relaxed);
  return Outcome::done;
}

// Created now, while its parent is being filled, so that the parent's time can be set after that.
Result<> TreeCopy::add_subdirectory(Directory& directory, const char* name) {
  std::string path = join(directory.path, name);
  const unsigned depth = directory.depth + 1;
  if (depth > limits_.max_depth) {
    return fail(Kind::runtime, 0, "copy the directory", std::move(path),
                "directories are nested deeper than the limit of " +
                    std::to_string(limits_.max_depth) + ": leave this one out");
  }
  NUCLEUS_CHECK(take_entry(directory, name));
  if (::mkdirat(directory.target.get(), name, 0700) != 0) {
    return write_failure(errno, "create the directory", std::move(path));
  }
  directories_.fetch_add(1, std::memory_order_relaxed);
  directory.has_subdirectories.store(true, std::memory_order_relaxed);
  push({.path = std::move(path), .depth = depth});
  return {};
}

Result<> TreeCopy::remove_empty(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const bool at_top = slash == std::string::npos;
  const UniqueFd parent = open_below(target_, at_top ? "" : path.substr(0, slash), kOpenDirectory);
  const char* name = path.c_str() + (at_top ? 0 : slash + 1);
  if (!parent.valid() || ::unlinkat(parent.get(), name, AT_REMOVEDIR) != 0) {
    return fail(Kind::runtime, errno, "remove the copy of a directory that has vanished", path);
  }
  directories_.fetch_sub(1, std::memory_order_relaxed);
  return {};
}

Result<> TreeCopy::finish(Directory& directory) {
  if (directory.pending.fetch_sub(1) != 1 || directory.path.empty()) return {};
  const timespec times[2] = {{.tv_sec = 0, .tv_nsec = UTIME_OMIT}, directory.modified};
  if (::futimens(directory.target.get(), times) != 0) {
    return write_failure(errno, "set the time of the copy of", directory.path);
  }
  // Subdirectories are still to be reached and filled through this one.
  if (directory.has_subdirectories.load(std::memory_order_relaxed) &&
      (directory.mode & S_IRWXU) != S_IRWXU) {
    const std::scoped_lock lock(mutex_);
    deferred_modes_.emplace_back(directory.path, directory.mode);
    return {};
  }
  if (directory.mode != S_IRWXU && ::fchmod(directory.target.get(), directory.mode) != 0) {
    return write_failure(errno, "set the mode of the copy of", directory.path);
  }
  return {};
}

Result<> TreeCopy::set_deferred_modes() {
  // A path sorts after its parent's; the parent comes last, as it may not be passable afterwards.
  std::ranges::sort(deferred_modes_, std::ranges::greater());
  for (const auto& [path, mode] : deferred_modes_) {
    const UniqueFd directory = open_below(target_, path, kOpenDirectory);
    if (!directory.valid() || ::fchmod(directory.get(), mode) != 0) {
      return write_failure(errno, "set the mode of the copy of", path);
    }
  }
  return {};
}

Result<> TreeCopy::copy_data(int in, int out, const struct stat& status, const Directory& directory,
                             const char* name, Scratch& scratch) {
  const off_t size = status.st_size;
  const bool sparse = status.st_blocks < size / 512;
  if (size > kSmallFile && can_clone_.load(std::memory_order_relaxed)) {
    if (status.st_dev != target_device_) {
      can_clone_.store(false, std::memory_order_relaxed);
    } else if (::ioctl(out, FICLONE, in) == 0) {
      return take_bytes(static_cast<std::uint64_t>(size), directory, name);
    } else {
      can_clone_.store(false, std::memory_order_relaxed);
    }
  }
  if (!sparse) {
    if (size <= kSmallFile) return copy_small(in, out, size, directory, name, scratch);
    NUCLEUS_CHECK(copy_range(in, out, 0, size, directory, name, scratch));
    return {};
  }
  off_t position = 0;
  while (position < size) {
    off_t data = ::lseek(in, position, SEEK_DATA);
    off_t hole = size;
    if (data < 0 && errno == ENXIO) break;
    if (data < 0) {
      data = position;
    } else {
      hole = ::lseek(in, data, SEEK_HOLE);
      if (hole < 0 || hole > size) hole = size;
    }
    if (data >= size) break;
    const bool complete = NUCLEUS_TRY(copy_range(in, out, data, hole, directory, name, scratch));
    if (!complete) return {};
    position = hole;
  }
  if (::ftruncate(out, size) != 0) {
    return write_failure(errno, "set the size of the copy of", join(directory.path, name));
  }
  return {};
}

Result<> TreeCopy::copy_small(int in, int out, off_t size, const Directory& directory,
                              const char* name, Scratch& scratch) {
  off_t total = 0;
  for (;;) {
    const ssize_t got = ::read(in, scratch.buffer.get(), kBufferBytes);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(Kind::runtime, errno, "read the file", join(directory.path, name));
    if (got == 0) return {};
    NUCLEUS_CHECK(take_bytes(static_cast<std::uint64_t>(got), directory, name));
    for (ssize_t done = 0; done < got;) {
      const ssize_t put =
          ::write(out, scratch.buffer.get() + done, static_cast<std::size_t>(got - done));
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) return write_failure(errno, "write the copy of", join(directory.path, name));
      done += put;
    }
    total += got;
    // Spares the read that would only say "end of file"; what was appended just now is not copied.
    // Past its size the file grows, or is one of the kernel's that claim to be empty: both end.
    if (total == size || total > kSmallFile) return {};
  }
}

// False when the source has become shorter than `to`.
Result<bool> TreeCopy::copy_range(int in, int out, off_t from, off_t to, const Directory& directory,
                                  const char* name, Scratch& scratch) {
  NUCLEUS_CHECK(take_bytes(static_cast<std::uint64_t>(to - from), directory, name));
  off_t in_offset = from;
  off_t out_offset = from;
  const auto unsupported = [](int errnum) {
    return errnum == EXDEV || errnum == EOPNOTSUPP || errnum == EINVAL || errnum == ENOSYS ||
           errnum == EPERM;
  };
  const auto left = [&] { return static_cast<std::size_t>(std::min(to - in_offset, kRangeBytes)); };
  while (in_offset < to && can_copy_range_.load(std::memory_order_relaxed)) {
    if (stopped()) return false;
    const ssize_t done = ::copy_file_range(in, &in_offset, out, &out_offset, left(), 0);
    if (done > 0 || (done < 0 && errno == EINTR)) continue;
    if (done == 0) break;  // some file systems say this instead of an error: read() decides
    if (!unsupported(errno)) {
      return write_failure(errno, "copy the data of", join(directory.path, name));
    }
    can_copy_range_.store(false, std::memory_order_relaxed);
  }
  if (in_offset < to && can_send_.load(std::memory_order_relaxed)) {
    if (::lseek(out, in_offset, SEEK_SET) < 0) {
      return write_failure(errno, "write the copy of", join(directory.path, name));
    }
    while (in_offset < to) {
      if (stopped()) return false;
      const ssize_t done = ::sendfile(out, in, &in_offset, left());
      if (done > 0 || (done < 0 && errno == EINTR)) continue;
      if (done == 0) break;
      if (!unsupported(errno)) {
        return write_failure(errno, "copy the data of", join(directory.path, name));
      }
      can_send_.store(false, std::memory_order_relaxed);
      break;
    }
  }
  while (in_offset < to) {
    if (stopped()) return false;
    const ssize_t got =
        ::pread(in, scratch.buffer.get(), std::min(left(), kBufferBytes), in_offset);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(Kind::runtime, errno, "read the file", join(directory.path, name));
    if (got == 0) {
      bytes_.fetch_sub(static_cast<std::uint64_t>(to - in_offset), std::memory_order_relaxed);
      return false;
    }
    for (ssize_t done = 0; done < got;) {
      const ssize_t put = ::pwrite(out, scratch.buffer.get() + done,
                                   static_cast<std::size_t>(got - done), in_offset + done);
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) return write_failure(errno, "write the copy of", join(directory.path, name));
      done += put;
    }
    in_offset += got;
  }
  return true;
}

Result<> TreeCopy::take_entry(const Directory& directory, const char* name) {
  const std::uint64_t taken = entries_.fetch_add(1, std::memory_order_relaxed) + 1;
  if (limits_.max_files == 0 || taken <= limits_.max_files) return {};
  return fail(Kind::runtime, 0, "copy", join(directory.path, name),
              "the tree has more than " + std::to_string(limits_.max_files) +
                  " files and directories, the limit of a copy: " + limits_.cure +
                  ", leave files out or mount the directory instead");
}

Result<> TreeCopy::take_bytes(std::uint64_t count, const Directory& directory, const char* name) {
  const std::uint64_t taken = bytes_.fetch_add(count, std::memory_order_relaxed) + count;
  if (limits_.max_bytes == 0 || taken <= limits_.max_bytes) return {};
  return fail(Kind::runtime, 0, "copy", join(directory.path, name),
              "with this file the tree has more than " + ByteSize{limits_.max_bytes}.text() +
                  ", the limit of a copy: " + limits_.cure +
                  ", leave files out or mount the directory instead");
}

void TreeCopy::report(std::vector<std::string>& list, std::atomic<std::uint64_t>& total,
                      const Directory& directory, const char* name) {
  if (total.fetch_add(1, std::memory_order_relaxed) >= kMaxReported) return;
  const std::scoped_lock lock(mutex_);
  list.push_back(join(directory.path, name));
}

std::unexpected<Error> TreeCopy::write_failure(int errnum, std::string op, std::string path) const {
  std::string hint;
  if (errnum == ENOSPC || errnum == EDQUOT) {
    hint = "the storage of the copy is full after " + std::to_string(bytes_.load()) +
           " bytes and " + std::to_string(entries_.load()) + " files";
    if (limits_.max_bytes != 0) hint += ", with a limit of " + ByteSize{limits_.max_bytes}.text();
    hint += ": " + limits_.cure + ", leave files out or mount the directory instead";
  } else if (errnum == EEXIST) {
    hint = "the target of a copy has to be empty";
  }
  return fail(Kind::runtime, errnum, std::move(op), std::move(path), std::move(hint));
}

}  // namespace

Result<CopyReport> copy_tree(int source_directory, int target_directory, const NameFilter& filter,
                             const CopyLimits& limits, CopyProgress* progress) {
  CopyProgress own;
  return TreeCopy(source_directory, target_directory, filter, limits,
                  progress != nullptr ? *progress : own)
      .run();
}

}  // namespace nucleus::filesystem
