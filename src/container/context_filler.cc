#include "container/context_filler.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <sys/fsuid.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <new>

#include "base/undo.h"
#include "filesystem/context_copy.h"
#include "filesystem/manifest.h"
#include "filesystem/root_plan.h"
#include "sys/file.h"
#include "sys/process.h"

namespace nucleus::container {
namespace {

using std::chrono::milliseconds;

// Shorter copies say nothing.
constexpr milliseconds kQuiet{1000};
constexpr milliseconds kBetweenLines{200};

// What the helper counts and nucleus shows.
class SharedProgress {
 public:
  static Result<SharedProgress> create() {
    void* const memory = ::mmap(nullptr, sizeof(filesystem::CopyProgress), PROT_READ | PROT_WRITE,
                                MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return fail(Kind::runtime, errno, "get", "memory to share");
    return SharedProgress(new (memory) filesystem::CopyProgress);
  }
  filesystem::CopyProgress& operator*() const { return *counts_; }

 private:
  struct Unmap {
    void operator()(filesystem::CopyProgress* counts) const { ::munmap(counts, sizeof *counts); }
  };
  explicit SharedProgress(filesystem::CopyProgress* counts) : counts_(counts) {}
  std::unique_ptr<filesystem::CopyProgress, Unmap> counts_;
};

// Fields of the helper's word, each ended by a NUL: "ok", the SHA-256 or nothing, the left-out
// total, names…, "", the refused total, names…
void append(std::string& text, const std::string& field) {
  text.append(field.c_str(), field.size() + 1);
}

struct Filled {
  filesystem::CopyReport copy;
  std::string sha256;  // when it was to be verified
};

std::string report_text(const Filled& filled) {
  const filesystem::CopyReport& report = filled.copy;
  std::string text;
  append(text, "ok");
  append(text, filled.sha256);
  append(text, std::to_string(report.left_out_total));
  for (const std::string& name : report.left_out) append(text, name);
  append(text, "");
  append(text, std::to_string(report.refused_total));
  for (const std::string& name : report.refused_specials) append(text, name);
  return text;
}

std::string error_text(const Error& error) {
  std::string text;
  append(text, "failed");
  append(text, std::to_string(error.errnum));
  for (const std::string& field : {error.op, error.subject, error.hint}) append(text, field);
  return text;
}

std::vector<std::string> fields(const std::string& text) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\0', at), text.size());
    out.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

// Files are made as the container's user. Everything of the host's that the caller may read stays
// readable: for root by its capabilities, which the change of fsuid drops and this raises again
// (capabilities(7), "Effect of user ID changes").
Result<> become_owner(const spec::Identity& identity, const isolation::IdMaps& maps, pid_t pid) {
  std::uint32_t uid = isolation::host_id(maps.uids, identity.uid).value_or(0);
  std::uint32_t gid = isolation::host_id(maps.gids, identity.gid).value_or(0);
  if (uid == ::geteuid() && gid == ::getegid()) return {};
  if (::geteuid() != 0) {
    // An ordinary user may be another of its own ids only inside the user namespace that maps them.
    const sys::UniqueFd ns =
        NUCLEUS_TRY(sys::open_at(AT_FDCWD, "/proc/" + std::to_string(pid) + "/ns/user", O_RDONLY));
    if (::setns(ns.get(), CLONE_NEWUSER) < 0)
      return fail(Kind::runtime, errno, "enter", "the container's user namespace");
    uid = identity.uid;
    gid = identity.gid;
  }
  ::setfsgid(gid);
  ::setfsuid(uid);
  if (static_cast<std::uint32_t>(::setfsuid(static_cast<uid_t>(-1))) != uid ||
      static_cast<std::uint32_t>(::setfsgid(static_cast<gid_t>(-1))) != gid) {
    return fail(Kind::runtime, EPERM, "copy the context as", std::to_string(identity.uid));
  }
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  __user_cap_data_struct sets[2] = {};
  if (::syscall(SYS_capget, &header, sets) == 0) {
    for (auto& set : sets) set.effective = set.permitted;
    if (::syscall(SYS_capset, &header, sets) == 0) return {};
  }
  return fail(Kind::runtime, errno, "keep", "the capabilities to read the context");
}

Result<Filled> verified(const filesystem::Manifest& original, filesystem::CopyReport report,
                        int target) {
  const filesystem::NameFilter everything({"*"});
  const auto copy = NUCLEUS_TRY(filesystem::read_manifest(target, everything, true));
  const std::string different = filesystem::first_difference(original, copy);
  if (different.empty()) return Filled{.copy = std::move(report), .sha256 = original.digest()};
  return fail(Kind::runtime, 0, "verify the copy of the context", different,
              "something wrote to the context while it was copied: let it be quiet, and try again");
}

int helper(const spec::ContainerSpec& spec, int source, const FillTarget& target,
           const isolation::IdMaps& maps, const resources::Cgroup& cgroup,
           filesystem::CopyProgress& progress, int result_pipe) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const auto work = [&]() -> Result<Filled> {
    NUCLEUS_CHECK(cgroup.enter());
    NUCLEUS_CHECK(become_owner(spec.identity, maps, target.pid));
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // the change of identity has forgotten it
    const sys::UniqueFd readable =
        NUCLEUS_TRY(sys::open_at(source, ".", O_RDONLY | O_DIRECTORY, 0, "read the context"));
    const filesystem::NameFilter filter(spec.context->include);
    const ByteSize room = spec.context->size;
    const filesystem::CopyLimits limits{
        .max_bytes = room.bytes,
        .max_files = filesystem::context_entries(room),
        .cure = "raise " + std::string(spec.resources.memory ? "--memory or " : "") +
                "--context-size (" + room.text() + ")"};
    const auto copy = [&] {
      return filesystem::copy_tree(readable.get(), target.directory, filter, limits, &progress);
    };
    if (!spec.context->verify) return Filled{.copy = NUCLEUS_TRY(copy()), .sha256 = {}};
    const auto original = NUCLEUS_TRY(filesystem::read_manifest(readable.get(), filter, false));
    return verified(original, NUCLEUS_TRY(copy()), target.directory);
  };
  const auto report = work();
  const std::string text = report ? report_text(*report) : error_text(report.error());
  return sys::write_all(result_pipe, text, "the result of the copy") ? 0 : 1;
}

void note_names(const std::vector<std::string>& words, std::size_t& at, const std::string& what,
                std::vector<std::string>& notes) {
  if (at >= words.size() || words[at] == "0") {
    ++at;
    while (at < words.size() && !words[at].empty()) ++at;
    ++at;
    return;
  }
  std::string line = what + " (" + words[at++] + "):";
  for (; at < words.size() && !words[at].empty(); ++at) line += " " + words[at];
  ++at;
  notes.push_back(std::move(line));
}

Result<std::string> read_all(int fd, const FillHooks& hooks,
                             const filesystem::CopyProgress& progress) {
  Undo wipe;
  std::string text;
  char buffer[4096];
  milliseconds patience = hooks.progress ? kQuiet : milliseconds(-1);
  for (;;) {
    if (!NUCLEUS_TRY(hooks.await(fd, patience))) {
      if (patience == kQuiet) wipe.push([&hooks] { hooks.progress(""); });
      hooks.progress("copying the context: " + std::to_string(progress.entries.load()) +
                     " files, " + std::to_string(progress.bytes.load() >> 20) + " MiB");
      patience = kBetweenLines;
      continue;
    }
    const ssize_t got = ::read(fd, buffer, sizeof buffer);
    if (got == 0) return text;
    if (got < 0 && errno != EINTR)
      return fail(Kind::runtime, errno, "hear from", "the process that copies the context");
    if (got > 0) text.append(buffer, static_cast<std::size_t>(got));
  }
}

}  // namespace

Result<> fill_context(const spec::ContainerSpec& spec, int source, const FillTarget& target,
                      const isolation::IdMaps& maps, const resources::Cgroup& cgroup,
                      const FillHooks& hooks, std::vector<std::string>& notes,
                      std::string& sha256) {
  const SharedProgress progress = NUCLEUS_TRY(SharedProgress::create());
  int ends[2] = {-1, -1};
  if (::pipe2(ends, O_CLOEXEC) < 0) return fail(Kind::runtime, errno, "make", "a pipe");
  sys::UniqueFd reader(ends[0]);
  sys::UniqueFd writer(ends[1]);
  sys::Child child = NUCLEUS_TRY(sys::fork_child([&] {
    reader.reset();
    return helper(spec, source, target, maps, cgroup, *progress, writer.get());
  }));
  writer.reset();
  const std::string text = NUCLEUS_TRY(read_all(reader.get(), hooks, *progress));
  const sys::WaitStatus status = NUCLEUS_TRY(child.wait());
  const std::vector<std::string> words = fields(text);
  const std::string& context = spec.context->source;
  if (words.empty()) {
    const std::string hint =
        status.signal == SIGKILL && spec.resources.memory
            ? "it does not fit into --memory " + spec.resources.memory->text() +
                  ": raise it, leave files out, or use --context-mode bind"
            : "the copying process ended by itself (signal " + std::to_string(status.signal) + ")";
    return fail(Kind::runtime, 0, "copy the context", context, hint);
  }
  if (words[0] == "failed" && words.size() >= 4) {
    Error error = fail(Kind::runtime, static_cast<int>(std::strtol(words[1].c_str(), nullptr, 10)),
                       words[2], words[3], words.size() > 4 ? words[4] : "")
                      .error();
    return std::unexpected(with_context(std::move(error), "--context " + context));
  }
  if (words.size() > 1) sha256 = words[1];
  std::size_t at = 2;
  note_names(words, at,
             "left out of the context, as names of secrets (--context-include NAME takes one in)",
             notes);
  note_names(words, at, "left out of the context, being sockets, FIFOs or devices", notes);
  return {};
}

Result<std::string> context_digest(const spec::Context& context, int source) {
  const sys::UniqueFd readable =
      NUCLEUS_TRY(sys::open_at(source, ".", O_RDONLY | O_DIRECTORY, 0, "read the context"));
  auto manifest = filesystem::read_manifest(readable.get(), filesystem::NameFilter({"*"}), true);
  if (!manifest)
    return std::unexpected(
        with_context(std::move(manifest.error()), "--context " + context.source));
  return manifest->digest();
}

}  // namespace nucleus::container
