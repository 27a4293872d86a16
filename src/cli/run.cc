// `nucleus run`: flags to draft, draft to spec, spec to outcome, outcome to exit code.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include "cli/print.h"
#include "cli/run_flags.h"
#include "cli/verb.h"
#include "container/host_processes.h"
#include "container/record.h"
#include "container/run.h"
#include "spec/env_file.h"
#include "spec/validate.h"
#include "sys/file.h"

namespace nucleus::cli {
namespace {

const char* environment(const char* name) { return std::getenv(name); }

/// Standard output and the result file, whichever were asked for.
struct Sink {
  bool json = false;
  sys::UniqueFd file;
  std::string path;

  // Returns false when what was asked for could not be written.
  bool show(const spec::Outcome& outcome) const {
    if (!json && !file.valid()) return true;
    const std::string text = outcome_json(outcome);
    bool good = true;
    if (json) good = tell(sys::write_all(STDOUT_FILENO, text, "standard output"));
    if (file.valid()) good = tell(sys::write_all(file.get(), text, path)) && good;
    return good;
  }

  static bool tell(const Result<>& written) {
    if (!written) complain(written.error().text());
    return written.has_value();
  }
};

spec::Outcome refused(const std::vector<Error>& errors) {
  spec::Outcome outcome;
  outcome.reason = spec::Reason::start_failed;
  outcome.code = spec::exit_code(errors.front().kind);
  for (const Error& error : errors) {
    complain(error.text());
    outcome.message += (outcome.message.empty() ? "" : "\n") + error.text();
  }
  return outcome;
}

Result<> read_env_files(RunFlags& flags, const std::string& base) {
  std::vector<std::string> items;
  for (const std::string& file : flags.env_files) {
    std::string path = file.starts_with('/') ? "" : base + "/";
    path += file;
    auto text = sys::read_file_at(AT_FDCWD, path);
    if (!text) {
      text.error().op = "read --env-file";
      return std::unexpected(std::move(text.error()));
    }
    const auto found = NUCLEUS_TRY(spec::parse_env_file(path, *text));
    items.insert(items.end(), found.begin(), found.end());
  }
  flags.draft.env.insert(flags.draft.env.begin(), items.begin(), items.end());
  return {};
}

// A link in the rootfs can name no file of the host: both are opened inside it. What is not there,
// or cannot be read, names nobody.
void read_accounts(const spec::Draft& draft, spec::Surroundings& around) {
  if (!draft.rootfs || (!draft.user && !draft.group && draft.groups.empty())) return;
  const std::string path =
      draft.rootfs->starts_with('/') ? *draft.rootfs : around.base + "/" + *draft.rootfs;
  const auto root = sys::open_at(AT_FDCWD, path, O_PATH | O_DIRECTORY);
  if (!root) return;
  const auto text = [&](const char* file) {
    const auto fd = sys::open_in_root(root->get(), file, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    if (!fd) return std::string();
    return sys::read_all(fd->get(), file, 16U << 20).value_or("");
  };
  around.passwd = text("etc/passwd");
  around.group = text("etc/group");
}

int finish(const Sink& sink, const spec::Outcome& outcome) {
  return sink.show(outcome) ? outcome.code : 125;
}

}  // namespace

int run_main(int argc, char** argv) {
  Sink sink;
  auto flags = parse_run_flags(argc, argv);
  if (!flags) return finish(sink, refused({flags.error()}));
  if (flags->help)
    return Sink::tell(sys::write_all(STDOUT_FILENO, *flags->help, "standard output")) ? 0 : 125;
  sink.json = flags->json;
  std::error_code code;
  const std::string base = std::filesystem::current_path(code).string();
  spec::Surroundings around{
      .getenv = environment, .base = base, .passwd = {}, .group = {}, .private_directory = {}};
  if (auto read = read_env_files(*flags, base); !read) return finish(sink, refused({read.error()}));
  read_accounts(flags->draft, around);
  container::RunOptions options;
  if (flags->draft.isolation == "landlock") {
    options.id = container::new_id();
    around.uid = ::geteuid();
    around.gid = ::getegid();
    around.may_change_ids = container::may_change_ids();
    around.private_directory = container::private_path(options.id);
  }
  const spec::Validation validation = spec::validate(flags->draft, around);
  if (!validation.spec) return finish(sink, refused(validation.errors));
  if (flags->result_file) {
    sink.path = *flags->result_file;
    auto file = sys::open_at(AT_FDCWD, sink.path, O_WRONLY | O_CREAT | O_TRUNC, 0644,
                             "open the --result-file");
    if (!file) return finish(sink, refused({file.error()}));
    sink.file = std::move(*file);
  }
  options.state_root = flags->state_root;
  options.report = sink.json || sink.file.valid();
  const container::RunReport report = container::run(*validation.spec, options);
  for (const std::string& warning : report.warnings) complain(warning);
  if (!report.outcome.message.empty()) complain(report.outcome.message);
  return finish(sink, report.outcome);
}

}  // namespace nucleus::cli
