#include "container/metadata.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <poll.h>
#include <sys/fsuid.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>
#include <utime.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <optional>

namespace nucleus::container {
namespace {

constexpr int kFchmodat2 = 452;

// What a call names: a descriptor of the caller's, or a path as seen from one.
struct Object {
  int directory = AT_FDCWD;
  std::uint64_t path = 0;  // an address in the caller; 0: the descriptor itself
  bool follow = true;
  bool may_be_empty = false;
};

std::string proc(const seccomp_notif& asked) { return "/proc/" + std::to_string(asked.pid); }

// By /proc, and not process_vm_readv(2), which the filter of a container around us may refuse.
bool read_memory(const seccomp_notif& asked, std::uint64_t address, void* into, std::size_t size) {
  const sys::UniqueFd memory(::open((proc(asked) + "/mem").c_str(), O_RDONLY | O_CLOEXEC));
  return memory.valid() && ::pread(memory.get(), into, size, static_cast<off_t>(address)) ==
                               static_cast<ssize_t>(size);
}

// Page by page: the next one need not be there.
std::optional<std::string> read_text(const seccomp_notif& asked, std::uint64_t address) {
  constexpr std::size_t kPage = 4096;
  std::string text;
  std::array<char, kPage> page{};
  while (text.size() < PATH_MAX) {
    const std::size_t size = kPage - address % kPage;
    if (!read_memory(asked, address, page.data(), size)) return std::nullopt;
    const std::size_t length = ::strnlen(page.data(), size);
    text.append(page.data(), length);
    if (length < size) return text;
    address += size;
  }
  return std::nullopt;
}

// An O_PATH descriptor of the object, or -errno.
int open_object(const seccomp_notif& asked, const Object& object) {
  const std::string held = object.directory == AT_FDCWD
                               ? proc(asked) + "/cwd"
                               : proc(asked) + "/fd/" + std::to_string(object.directory);
  std::string path;
  if (object.path != 0) {
    const auto text = read_text(asked, object.path);
    if (!text) return -EFAULT;
    if (text->empty() && !object.may_be_empty) return -ENOENT;
    path = *text;
  }
  const auto result = [](long fd) { return fd < 0 ? -errno : static_cast<int>(fd); };
  if (path.empty()) {
    const int fd = result(::open(held.c_str(), O_PATH | O_CLOEXEC));
    return fd == -ENOENT ? -EBADF : fd;
  }
  sys::UniqueFd base;
  if (path.front() != '/') {
    base.reset(::open(held.c_str(), O_PATH | O_CLOEXEC));
    if (!base.valid()) return errno == ENOENT ? -EBADF : -errno;
  }
  open_how how{};
  how.flags = static_cast<__u64>(O_PATH | O_CLOEXEC | (object.follow ? 0 : O_NOFOLLOW));
  how.resolve = RESOLVE_NO_MAGICLINKS;  // "self" in /proc would be us
  return result(
      ::syscall(SYS_openat2, base.valid() ? base.get() : AT_FDCWD, path.c_str(), &how, sizeof how));
}

int change_mode(int object, std::uint64_t mode) {
  const std::string path = "/proc/self/fd/" + std::to_string(object);
  return ::chmod(path.c_str(), static_cast<mode_t>(mode & 07777)) < 0 ? -errno : 0;
}

int change_times(int object, const timespec* times) {
  return ::syscall(SYS_utimensat, object, "", times, AT_EMPTY_PATH) < 0 ? -errno : 0;
}

using Times = std::optional<std::array<timespec, 2>>;  // nothing: now

template <typename Form, typename Convert>
int read_times(const seccomp_notif& asked, std::uint64_t address, Times& times, Convert convert) {
  if (address == 0) return 0;
  Form form{};
  if (!read_memory(asked, address, &form, sizeof form)) return -EFAULT;
  times = convert(form);
  return 0;
}

int read_timespecs(const seccomp_notif& asked, std::uint64_t address, Times& times) {
  using Form = std::array<timespec, 2>;
  return read_times<Form>(asked, address, times, [](const Form& form) { return form; });
}

int read_timevals(const seccomp_notif& asked, std::uint64_t address, Times& times) {
  using Form = std::array<timeval, 2>;
  return read_times<Form>(asked, address, times, [](const Form& form) {
    return std::array<timespec, 2>{
        timespec{.tv_sec = form[0].tv_sec, .tv_nsec = form[0].tv_usec * 1000},
        timespec{.tv_sec = form[1].tv_sec, .tv_nsec = form[1].tv_usec * 1000}};
  });
}

#if defined(__x86_64__)
int read_seconds(const seccomp_notif& asked, std::uint64_t address, Times& times) {
  return read_times<utimbuf>(asked, address, times, [](const utimbuf& form) {
    return std::array<timespec, 2>{timespec{.tv_sec = form.actime, .tv_nsec = 0},
                                   timespec{.tv_sec = form.modtime, .tv_nsec = 0}};
  });
}
#endif

// The supervisor of root's container acts as the workload, whose files alone it may change.
class As {
 public:
  explicit As(const spec::Identity& identity) : other_(::geteuid() != identity.uid) {
    if (!other_) return;
    ::setfsgid(identity.gid);
    ::setfsuid(identity.uid);
  }
  As(const As&) = delete;
  As& operator=(const As&) = delete;
  ~As() {
    if (!other_) return;
    ::setfsuid(0);
    ::setfsgid(0);
  }

 private:
  bool other_;
};

struct Wish {
  Object object;
  bool mode = false;
  std::uint64_t bits = 0;
  Times times = {};
};

// 0, or -errno.
int understand(const seccomp_notif& asked, Wish& wish) {
  const auto& args = asked.data.args;
  const int first = static_cast<int>(args[0]);
  const auto bad = [](std::uint64_t flags, std::uint64_t known) { return (flags & ~known) != 0; };
  constexpr std::uint64_t kFlags = AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH;
  switch (asked.data.nr) {
    case __NR_fchmod:
      wish = {.object = {.directory = first}, .mode = true, .bits = args[1]};
      return first < 0 ? -EBADF : 0;
    case __NR_fchmodat:
      wish = {.object = {.directory = first, .path = args[1]}, .mode = true, .bits = args[2]};
      return args[1] == 0 ? -EFAULT : 0;
    case kFchmodat2:
      wish = {.object = {.directory = first,
                         .path = args[1],
                         .follow = (args[3] & AT_SYMLINK_NOFOLLOW) == 0,
                         .may_be_empty = (args[3] & AT_EMPTY_PATH) != 0},
              .mode = true,
              .bits = args[2]};
      return bad(args[3], kFlags) ? -EINVAL : args[1] == 0 ? -EFAULT : 0;
    case __NR_utimensat:
      wish.object = {.directory = first,
                     .path = args[1],
                     .follow = (args[3] & AT_SYMLINK_NOFOLLOW) == 0,
                     .may_be_empty = (args[3] & AT_EMPTY_PATH) != 0};
      if (bad(args[3], kFlags)) return -EINVAL;
      if (args[1] == 0 && first == AT_FDCWD) return -EFAULT;
      return read_timespecs(asked, args[2], wish.times);
#if defined(__x86_64__)
    case __NR_chmod:
      wish = {.object = {.path = args[0]}, .mode = true, .bits = args[1]};
      return args[0] == 0 ? -EFAULT : 0;
    case __NR_utime:
      wish.object = {.path = args[0]};
      return args[0] == 0 ? -EFAULT : read_seconds(asked, args[1], wish.times);
    case __NR_utimes:
      wish.object = {.path = args[0]};
      return args[0] == 0 ? -EFAULT : read_timevals(asked, args[1], wish.times);
    case __NR_futimesat:
      wish.object = {.directory = first, .path = args[1]};
      return read_timevals(asked, args[2], wish.times);
#endif
    default: return -ENOSYS;
  }
}

}  // namespace

Metadata::Metadata(sys::UniqueFd listener, const spec::Identity& identity,
                   const std::vector<std::string>& writable)
    : listener_(std::move(listener)), identity_(identity) {
  for (const std::string& path : writable) {
    char real[PATH_MAX];
    if (::realpath(path.c_str(), real) != nullptr) places_.emplace_back(real);
  }
}

bool Metadata::still_there(const seccomp_notif& asked) const {
  return ::ioctl(listener_.get(), SECCOMP_IOCTL_NOTIF_ID_VALID, &asked.id) == 0;
}

bool Metadata::is_writable_place(int object) const {
  char text[PATH_MAX];
  const ssize_t size =
      ::readlink(("/proc/self/fd/" + std::to_string(object)).c_str(), text, sizeof text);
  if (size <= 0 || size == sizeof text) return false;
  const std::string path(text, static_cast<std::size_t>(size));
  return std::ranges::any_of(places_, [&](const std::string& place) {
    return path == place || path.starts_with(place + "/");
  });
}

int Metadata::act(const seccomp_notif& asked) const {
  Wish wish;
  const As as(identity_);
  if (const int refused = understand(asked, wish); refused != 0) return refused;
  const int opened = open_object(asked, wish.object);
  // What was read of a process that has ended may be another's of the same number.
  if (!still_there(asked)) return -ESRCH;
  if (opened < 0) return opened;
  const sys::UniqueFd object(opened);
  if (!is_writable_place(object.get())) return -EPERM;
  if (!wish.mode) return change_times(object.get(), wish.times ? wish.times->data() : nullptr);
  struct stat info{};
  if (::fstat(object.get(), &info) < 0) return -errno;
  return S_ISLNK(info.st_mode) ? -EOPNOTSUPP : change_mode(object.get(), wish.bits);
}

void Metadata::answer(short revents) {
  if ((revents & POLLIN) == 0) return listener_.reset();
  // A kernel that is newer than this program may tell more.
  seccomp_notif_sizes sizes{};
  ::syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes);
  std::vector<std::uint64_t> room(
      std::max<std::size_t>(sizes.seccomp_notif, sizeof(seccomp_notif)) / 8 + 1);
  if (::ioctl(listener_.get(), SECCOMP_IOCTL_NOTIF_RECV, room.data()) < 0) return;
  seccomp_notif asked{};
  std::memcpy(&asked, room.data(), sizeof asked);
  std::vector<std::uint64_t> reply(
      std::max<std::size_t>(sizes.seccomp_notif_resp, sizeof(seccomp_notif_resp)) / 8 + 1);
  const seccomp_notif_resp said{.id = asked.id, .val = 0, .error = act(asked), .flags = 0};
  std::memcpy(reply.data(), &said, sizeof said);
  // Who has ended meanwhile needs no answer.
  (void)::ioctl(listener_.get(), SECCOMP_IOCTL_NOTIF_SEND, reply.data());
}

}  // namespace nucleus::container
