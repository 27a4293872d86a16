#include "supervisor/spawn.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <optional>

#include "base/json_fields.h"
#include "control/client.h"
#include "spec/spec_json.h"
#include "supervisor/supervisor.h"
#include "supervisor/transient_unit.h"
#include "sys/file.h"
#include "sys/unique_fd.h"

namespace nucleus::supervisor {
namespace {

// Where the supervisor finds what it was given.
constexpr int kRequestFd = 3;
constexpr int kAnswerFd = 4;
constexpr int kFree = 16;  // above both

std::string request_text(const Request& request) {
  json::Json object;
  object["wish"] = static_cast<int>(request.wish);
  object["root"] = request.root;
  object["id"] = request.id;
  // One that is started again has its spec in the store.
  if (request.wish != Wish::start) object["spec"] = spec::to_json(request.spec);
  return json::dump(object);
}

Result<Request> read_request(const std::string& text) {
  const char* const subject = "the supervisor's request";
  const json::Json object = NUCLEUS_TRY(json::parse(text, subject));
  if (!object.is_object() || !object.contains("wish"))
    return fail(Kind::runtime, 0, "read", subject);
  Request request;
  request.wish = static_cast<Wish>(object["wish"].get<int>());
  request.root = object["root"].get<std::string>();
  request.id = object["id"].get<std::string>();
  if (request.wish == Wish::start) return request;
  if (!object.contains("spec")) return fail(Kind::runtime, 0, "read", subject);
  request.spec = NUCLEUS_TRY(spec::spec_from_json(object["spec"].get<std::string>(), subject));
  return request;
}

class Actions {
 public:
  Actions() { ::posix_spawn_file_actions_init(&actions_); }
  Actions(const Actions&) = delete;
  Actions& operator=(const Actions&) = delete;
  ~Actions() { ::posix_spawn_file_actions_destroy(&actions_); }
  posix_spawn_file_actions_t* get() { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_{};
};

Result<> execute(int request, int answer) {
  Actions actions;
  for (int stream = 0; stream <= 2; ++stream)
    ::posix_spawn_file_actions_addopen(actions.get(), stream, "/dev/null", O_RDWR, 0);
  // Each sits above both targets: freed from close-on-exec by dup2, and out of each other's way.
  ::posix_spawn_file_actions_adddup2(actions.get(), request, kRequestFd);
  ::posix_spawn_file_actions_adddup2(actions.get(), answer, kAnswerFd);
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  sigset_t none;
  sigset_t every;
  ::sigemptyset(&none);
  ::sigfillset(&every);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setsigdefault(&attributes, &every);
  ::posix_spawnattr_setflags(&attributes,
                             POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  std::string name = "nucleus";
  std::string word = kSupervisorWord;
  char* const argv[] = {name.data(), word.data(), nullptr};
  std::string path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  char* const environment[] = {path.data(), nullptr};
  pid_t pid = -1;
  const int code =
      ::posix_spawn(&pid, "/proc/self/exe", actions.get(), &attributes, argv, environment);
  ::posix_spawnattr_destroy(&attributes);
  if (code != 0) return fail(Kind::runtime, code, "start", "the container's supervisor");
  return {};
}

}  // namespace

Result<Spawned> spawn(const Request& request) {
  const auto file = NUCLEUS_TRY(sys::sealed_memfd("request", request_text(request)));
  int ends[2] = {-1, -1};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
    return fail(Kind::runtime, errno, "make", "a socket to the supervisor");
  const sys::UniqueFd ours(ends[0]);
  sys::UniqueFd theirs(ends[1]);
  const spec::Supervision& life = request.spec.supervision;
  if (life.as_unit) {
    constexpr long kSlackSeconds = 10;
    const std::string& name = request.spec.name.empty() ? request.id : request.spec.name;
    const auto stop = std::chrono::ceil<std::chrono::seconds>(life.stop_timeout);
    Handed handed;
    handed[0] = NUCLEUS_TRY(sys::copy_above(file.get(), kFree));
    handed[1] = NUCLEUS_TRY(sys::copy_above(theirs.get(), kFree));
    NUCLEUS_CHECK(start_unit({.id = request.id,
                              .description = "nucleus container " + name,
                              .stop_seconds = stop.count() + kSlackSeconds},
                             handed));
  } else {
    const auto request_fd = NUCLEUS_TRY(sys::copy_above(file.get(), kFree));
    const auto answer_fd = NUCLEUS_TRY(sys::copy_above(theirs.get(), kFree));
    NUCLEUS_CHECK(execute(request_fd.get(), answer_fd.get()));
  }
  theirs.reset();
  auto packet = NUCLEUS_TRY(control::receive_packet(ours.get()));
  if (!packet) {
    return fail(Kind::runtime, 0, "start", "the container",
                "its supervisor was killed before it could say why (out of memory?)");
  }
  const std::string text = NUCLEUS_TRY(control::answer_of(std::move(packet->text)));
  const json::Json object = NUCLEUS_TRY(json::parse(text, "the supervisor's answer"));
  Spawned spawned;
  spawned.id = object.value("id", request.id);
  for (const auto& warning : object.value("warnings", json::Json::array()))
    spawned.warnings.push_back(warning.get<std::string>());
  return spawned;
}

namespace {

// Anybody can type the word: without the two descriptors there is nothing to do.
Result<Handed> inherited() {
  struct stat info{};
  if (::fstat(kRequestFd, &info) < 0 || !S_ISREG(info.st_mode) || ::fstat(kAnswerFd, &info) < 0 ||
      !S_ISSOCK(info.st_mode)) {
    return fail(Kind::usage, 0, "be", "a supervisor",
                "nucleus calls this by itself: nucleus run --detach");
  }
  ::close_range(kAnswerFd + 1, ~0U, 0);
  ::fcntl(kRequestFd, F_SETFD, FD_CLOEXEC);
  ::fcntl(kAnswerFd, F_SETFD, FD_CLOEXEC);
  return Handed{sys::UniqueFd(kRequestFd), sys::UniqueFd(kAnswerFd)};
}

Result<Handed> handed_in_unit(const char* address) {
  Handed handed = NUCLEUS_TRY(take_handed(address));
  const auto nothing = NUCLEUS_TRY(sys::open_at(AT_FDCWD, "/dev/null", O_RDWR));
  for (int stream = 0; stream <= 2; ++stream) {
    if (::dup2(nothing.get(), stream) < 0)
      return fail(Kind::runtime, errno, "open", "the streams of a supervisor");
  }
  return handed;
}

}  // namespace

int supervisor_main(const char* address) {
  auto handed = address == nullptr ? inherited() : handed_in_unit(address);
  if (!handed) {
    const std::string text = "nucleus: " + handed.error().text() + "\n";
    (void)!::write(STDERR_FILENO, text.data(), text.size());
    return spec::exit_code(handed.error().kind);
  }
  const sys::UniqueFd request_fd = std::move((*handed)[0]);
  sys::UniqueFd answer = std::move((*handed)[1]);
  ::umask(077);
  (void)!::chdir("/");
  ::prctl(PR_SET_NAME, "nucleus-super");
  const auto request = [&]() -> Result<Request> {
    ::lseek(request_fd.get(), 0, SEEK_SET);
    return read_request(NUCLEUS_TRY(sys::read_all(request_fd.get(), "the request", 64U << 20)));
  }();
  if (!request) {
    (void)control::send_packet(answer.get(), control::error_text(request.error()));
    return 125;
  }
  return Supervisor(*request, std::move(answer)).run();
}

}  // namespace nucleus::supervisor
