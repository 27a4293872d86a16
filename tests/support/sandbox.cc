#include "sandbox.h"

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>
#include <utility>

namespace nucleus::test {
namespace {

namespace fs = std::filesystem;

constexpr const char* kTestUser = "nucleus-test";

const passwd& test_user() {
  const passwd* const found = ::getpwnam(kTestUser);
  if (found == nullptr) {
    std::fprintf(stderr, "there is no user %s: tools/setup makes it\n", kTestUser);
    std::exit(1);
  }
  return *found;
}

// The program and its guests, where everybody can execute them; removed when the tests end.
struct Copies {
  std::string directory;
  Copies() {
    // Built, they lie beside this test program; the VM lane names them.
    const fs::path here = fs::read_symlink("/proc/self/exe").parent_path();
    const char* const named = std::getenv("NUCLEUS_BIN");
    const char* const named_guests = std::getenv("NUCLEUS_GUEST_DIR");
    const fs::path program = named != nullptr ? fs::path(named) : here / "../bin/nucleus";
    const fs::path guests = named_guests != nullptr ? fs::path(named_guests) : here / "guest";
    std::string made = "/tmp/nucleus-copies-XXXXXX";
    if (::mkdtemp(made.data()) == nullptr) std::exit(1);
    directory = made;
    ::chmod(directory.c_str(), 0755);
    fs::copy_file(program, directory + "/nucleus");
    fs::create_directory(directory + "/guest");
    for (const auto& entry : fs::directory_iterator(guests)) {
      if (entry.is_regular_file())
        fs::copy_file(entry.path(), directory + "/guest/" + entry.path().filename().string());
    }
  }
  Copies(const Copies&) = delete;
  Copies& operator=(const Copies&) = delete;
  ~Copies() { fs::remove_all(directory); }
};

const Copies& copies() {
  static const Copies made;
  return made;
}

// Before root's rights are given up: without no_new_privs, which would stop newuidmap(1).
void refuse(const std::map<int, int>& calls) {
  if (calls.empty()) return;
  std::vector<sock_filter> code = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr))};
  for (const auto& [number, error] : calls) {
    code.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<unsigned>(number), 0, 1));
    code.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<unsigned>(error)));
  }
  code.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  const sock_fprog program = {.len = static_cast<unsigned short>(code.size()),
                              .filter = code.data()};
  if (::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) ::_exit(96);
}

std::string drain(int fd) {
  std::string text;
  char buffer[8192];
  for (;;) {
    const ssize_t got = ::read(fd, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return text;
    text.append(buffer, static_cast<std::size_t>(got));
  }
}

}  // namespace

int slowness() {
  const char* const text = std::getenv("NUCLEUS_TEST_SLOW");
  return text != nullptr ? std::max(1, std::atoi(text)) : 1;
}

void become(Who who) {
  if (who == Who::root || ::geteuid() != 0) return;
  const passwd& user = test_user();
  if (::initgroups(kTestUser, user.pw_gid) != 0 || ::setgid(user.pw_gid) != 0 ||
      ::setuid(user.pw_uid) != 0)
    ::_exit(99);
}

std::string who_name(Who who) { return who == Who::root ? "root" : "user"; }

std::vector<Who> everybody() {
  return ::geteuid() == 0 ? std::vector{Who::root, Who::user} : std::vector{Who::user};
}

const std::string& nucleus_path() {
  static const std::string path = copies().directory + "/nucleus";
  return path;
}

std::string guest(const std::string& name) { return copies().directory + "/guest/" + name; }

nlohmann::json Ended::json() const {
  std::string text = out;
  while (text.ends_with('\n')) text.pop_back();
  const std::size_t line = text.rfind('\n');
  auto parsed = nlohmann::json::parse(line == std::string::npos ? text : text.substr(line + 1),
                                      nullptr, false);
  EXPECT_FALSE(parsed.is_discarded()) << all();
  return parsed.is_discarded() ? nlohmann::json::object() : parsed;
}

Running::Running(Running&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      out_(std::exchange(other.out_, -1)),
      err_(std::exchange(other.err_, -1)),
      seen_(std::move(other.seen_)) {}

Running::~Running() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    ADD_FAILURE() << "a nucleus was left running";
  }
  if (out_ >= 0) ::close(out_);
  if (err_ >= 0) ::close(err_);
}

void Running::send(int signal) const { ASSERT_EQ(::kill(pid_, signal), 0); }

bool Running::wait_for(const std::string& text) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60) * slowness();
  while (seen_.find(text) == std::string::npos) {
    pollfd poll{.fd = out_, .events = POLLIN, .revents = 0};
    if (std::chrono::steady_clock::now() > deadline) return false;
    if (::poll(&poll, 1, 1000) <= 0) continue;
    char buffer[4096];
    const ssize_t got = ::read(out_, buffer, sizeof buffer);
    if (got <= 0) return false;
    seen_.append(buffer, static_cast<std::size_t>(got));
  }
  return true;
}

Ended Running::wait() {
  Ended ended;
  // Both streams at once: a full pipe on either side would stop the program.
  std::thread errors([&] { ended.err = drain(err_); });
  ended.out = seen_ + drain(out_);
  errors.join();
  int status = 0;
  ::waitpid(pid_, &status, 0);
  pid_ = -1;
  ended.code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  return ended;
}

Sandbox::Sandbox(Who who) : who_(who) {
  std::string made = "/tmp/nucleus-home-XXXXXX";
  if (::mkdtemp(made.data()) == nullptr) std::abort();
  home_ = made;
  ::chmod(home_.c_str(), 0755);
  own(home_);
}

Sandbox::~Sandbox() {
  EXPECT_TRUE(recorded().empty()) << "records are left in " << state();
  // One that was left in a terminal may be about to clear up after itself.
  std::error_code code;
  EXPECT_TRUE(eventually([&] {
    fs::remove_all(home_, code);
    return !code;
  })) << code.message();
}

void Sandbox::own(const std::string& path) const {
  if (who_ == Who::user && ::geteuid() == 0) {
    const passwd& user = test_user();
    ASSERT_EQ(::lchown(path.c_str(), user.pw_uid, user.pw_gid), 0);
  }
}

void Sandbox::write(const std::string& name, const std::string& text, mode_t mode) const {
  const std::string path = home_ + "/" + name;
  std::ofstream(path) << text;
  ASSERT_EQ(::chmod(path.c_str(), mode), 0) << path;
  own(path);
}

void Sandbox::make_directory(const std::string& name) const {
  fs::create_directory(home_ + "/" + name);
  own(home_ + "/" + name);
}

std::vector<std::string> Sandbox::recorded() const {
  std::vector<std::string> ids;
  std::error_code code;
  for (const auto& entry : fs::directory_iterator(state() + "/state", code))
    ids.push_back(entry.path().filename());
  return ids;
}

std::map<std::string, std::string> Sandbox::environment() const {
  std::map<std::string, std::string> all = env;
  all.insert({{"PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
              {"HOME", home_},
              {"NUCLEUS_STATE_DIR", state()}});
  return all;
}

Running Sandbox::start(const std::vector<std::string>& words) const {
  int in[2], out[2], err[2];
  if (::pipe2(in, O_CLOEXEC) < 0 || ::pipe2(out, O_CLOEXEC) < 0 || ::pipe2(err, O_CLOEXEC) < 0)
    std::abort();
  std::vector<std::string> texts;
  for (const auto& [key, value] : environment()) texts.push_back(key + "=" + value);
  std::vector<std::string> all = through;
  all.push_back(through.empty() ? "nucleus" : nucleus_path());
  all.insert(all.end(), words.begin(), words.end());
  std::vector<char*> argv, envp;
  for (std::string& word : all) argv.push_back(word.data());
  for (std::string& text : texts) envp.push_back(text.data());
  argv.push_back(nullptr);
  envp.push_back(nullptr);
  const std::string program = through.empty() ? nucleus_path() : through.front();
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::dup2(in[0], 0);
    ::dup2(out[1], 1);
    ::dup2(err[1], 2);
    refuse(refused_calls);
    if (prepare) prepare();
    become(who_);
    if (::chdir(home_.c_str()) != 0) ::_exit(98);
    ::execvpe(program.c_str(), argv.data(), envp.data());
    ::_exit(97);
  }
  ::close(out[1]);
  ::close(err[1]);
  // Small enough for the pipe: nothing waits here.
  (void)!::write(in[1], stdin_text.data(), stdin_text.size());
  // Only now: without a reader, when the program has ended already, the write would end us.
  ::close(in[0]);
  ::close(in[1]);
  return {pid, out[0], err[0]};
}

Ended Sandbox::call(const std::vector<std::string>& words) const {
  Running running = start(words);
  return running.wait();
}

Ended Sandbox::run(std::vector<std::string> words) const {
  words.insert(words.begin(), "run");
  return call(words);
}

Ended Sandbox::sh(const std::string& script, std::vector<std::string> flags) const {
  flags.insert(flags.end(), {"--", "sh", "-c", script});
  return run(std::move(flags));
}

namespace {

std::vector<pid_t> inits_of_this_host() {
  std::vector<pid_t> found;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    std::error_code code;
    // Only the containers' init has this image; a zombie has none.
    if (fs::read_symlink(entry.path() / "exe", code).string().starts_with("/memfd:init"))
      found.push_back(std::stoi(name));
  }
  return found;
}

std::vector<std::string> cgroups_of_this_host() {
  std::vector<std::string> found;
  std::error_code code;
  for (fs::recursive_directory_iterator
           at("/sys/fs/cgroup", fs::directory_options::skip_permission_denied, code),
       end;
       at != end; at.increment(code)) {
    if (code) break;
    const std::string name = at->path().filename();
    if (at->is_directory(code) && name.starts_with("nucleus-") && name.size() == 24)
      found.push_back(at->path());
  }
  return found;
}

// Somebody's containers that have nothing to do with a test: what stood when its program began.
const std::vector<pid_t> inits_before = inits_of_this_host();
const std::vector<std::string> cgroups_before = cgroups_of_this_host();

}  // namespace

std::vector<pid_t> running_inits() {
  std::vector<pid_t> found = inits_of_this_host();
  std::erase_if(
      found, [](pid_t pid) { return std::ranges::find(inits_before, pid) != inits_before.end(); });
  return found;
}

std::vector<std::string> container_cgroups() {
  std::vector<std::string> found = cgroups_of_this_host();
  std::erase_if(found, [](const std::string& path) { return was_there_before(path); });
  return found;
}

bool was_there_before(const std::string& cgroup) {
  return std::ranges::find(cgroups_before, cgroup) != cgroups_before.end();
}

bool eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60) * slowness();
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return true;
}

bool has_ended(pid_t pid) {
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  if (!std::getline(stat, line)) return true;
  const std::size_t behind = line.rfind(')');  // proc(5): PID (NAME) STATE
  return behind + 2 >= line.size() || line[behind + 2] == 'Z' || line[behind + 2] == 'X';
}

bool limits_work(Who who) {
  return who == Who::root || std::getenv("NUCLEUS_TEST_DELEGATED") != nullptr;
}

}  // namespace nucleus::test
