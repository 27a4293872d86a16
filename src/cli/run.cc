// `nucleus run`: flags to draft, draft to spec, spec to outcome, outcome to exit code.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include "audit/place.h"
#include "cli/live/containers.h"
#include "cli/live/detach.h"
#include "cli/preview.h"
#include "cli/print.h"
#include "cli/reference/help.h"
#include "cli/run_flags.h"
#include "cli/verb.h"
#include "config/settings.h"
#include "container/host_processes.h"
#include "container/record.h"
#include "container/run.h"
#include "container/volumes.h"
#include "spec/validate.h"
#include "supervisor/foreground.h"
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

// A link in the rootfs can name no file of the host: both are opened inside it. What is not there,
// or cannot be read, names nobody.
void read_accounts(const spec::Draft& draft, spec::Surroundings& around) {
  if (!draft.rootfs || (!draft.user && !draft.group && draft.groups.empty())) return;
  const std::string path =
      draft.rootfs->starts_with('/') ? *draft.rootfs : around.base + "/" + *draft.rootfs;
  const auto root = sys::open_at(AT_FDCWD, path, O_PATH | O_DIRECTORY);
  if (!root) return;
  const auto text = [&](const char* file) {
    // Looked at before it is opened: to open a device or a FIFO can do things, or wait.
    const auto found = sys::open_in_root(root->get(), file, O_PATH);
    struct stat info{};
    if (!found || ::fstat(found->get(), &info) < 0 || !S_ISREG(info.st_mode)) return std::string();
    return sys::read_file_at(AT_FDCWD, "/proc/self/fd/" + std::to_string(found->get()), 16U << 20)
        .value_or("");
  };
  around.passwd = text("etc/passwd");
  around.group = text("etc/group");
}

// $NUCLEUS_AUDIT_LOG, unless a flag or a file said something.
Result<> place_audit_log(spec::Draft& draft) {
  const char* const set = environment("NUCLEUS_AUDIT_LOG");
  if (!draft.audit_log && set != nullptr && *set != '\0') draft.audit_log = set;
  // Production does not go without one.
  if (!draft.audit_log && draft.service_mode == "production") draft.audit_log = "default";
  if (draft.audit_log == "default") draft.audit_log = NUCLEUS_TRY(audit::default_path());
  return {};
}

int finish(const Sink& sink, const spec::Outcome& outcome) {
  return sink.show(outcome) ? outcome.code : 125;
}

}  // namespace

void default_state_root(std::optional<std::string>& root) {
  if (root) return;
  const char* const set = std::getenv("NUCLEUS_STATE_DIR");
  if (set != nullptr && *set != '\0') root = set;
}

namespace {

// `create` is `run --detach` that stops before the command.
int run_or_create(int argc, char** argv, const config::VerbText& verb, bool create) {
  Sink sink;
  auto flags = parse_run_flags(argc, argv, verb);
  if (!flags) return finish(sink, refused({flags.error()}));
  if (flags->help) return show_help(verb);
  sink.json = flags->request.json.value_or(false);
  const bool explain = flags->request.explain.value_or(false);
  const bool preview = flags->request.dry_run.value_or(false);
  auto settings = config::resolve(flags->request, config::usual_places(), explain);
  if (!settings) return finish(sink, refused({settings.error()}));
  config::Request& request = settings->request;
  request.draft.argv = std::move(flags->request.draft.argv);
  default_state_root(request.state_root);
  if (const auto placed = place_audit_log(request.draft); !placed)
    return finish(sink, refused({placed.error()}));
  std::error_code code;
  spec::Surroundings around{.getenv = environment,
                            .base = std::filesystem::current_path(code).string(),
                            .volumes = container::volume_root(),
                            .passwd = {},
                            .group = {},
                            .pid = ::getpid(),
                            .private_directory = {}};
  if (create) request.draft.detach = true;
  read_accounts(request.draft, around);
  container::RunOptions options;
  options.id = container::new_id();
  if (request.draft.isolation == "landlock") {
    around.uid = ::geteuid();
    around.gid = ::getegid();
    around.may_change_ids = container::may_change_ids();
    around.private_directory = container::private_path(options.id);
  }
  const spec::Validation validation = spec::validate(request.draft, around);
  if (!validation.spec) return finish(sink, refused(validation.errors));
  if (explain) return show_settings(*settings, *validation.spec, sink.json);
  options.state_root = request.state_root;
  options.report = sink.json || request.result_file;
  if (preview) return show_plan(*validation.spec, options, sink.json);
  if (validation.spec->detach) {
    if (sink.json || request.result_file) {
      return complain_of(fail(Kind::usage, 0, "take with --detach",
                              sink.json ? "--json" : "--result-file",
                              "the end is not waited for: nucleus inspect tells it")
                             .error());
    }
    if (request.sd_notify.value_or(false)) {
      return complain_of(fail(Kind::usage, 0, "take with --detach", "--sd-notify",
                              "the manager follows nucleus itself: let it run in the foreground")
                             .error());
    }
    return detach(*validation.spec, options.id, request.state_root,
                  create ? supervisor::Wish::create : supervisor::Wish::run);
  }
  if (request.sd_notify.value_or(false)) {
    const char* const address = environment("NOTIFY_SOCKET");
    if (address == nullptr) {
      return finish(sink, refused({fail(Kind::usage, 0, "take", "--sd-notify",
                                        "NOTIFY_SOCKET is not set: start nucleus from a unit with "
                                        "Type=notify, or leave it out")
                                       .error()}));
    }
    options.notify_socket = address;
  }
  if (validation.spec->notifies() && !options.notify_socket) {
    return finish(sink,
                  refused({fail(Kind::usage, 0, "take in the foreground", "--readiness-sd-notify",
                                "somebody must wait for it: add --sd-notify, or --detach")
                               .error()}));
  }
  if (request.result_file) {
    sink.path = *request.result_file;
    auto file = sys::open_at(AT_FDCWD, sink.path, O_WRONLY | O_CREAT | O_TRUNC, 0644,
                             "open the --result-file");
    if (!file) return finish(sink, refused({file.error()}));
    sink.file = std::move(*file);
  }
  if (request.draft.context && status_line_works()) options.progress = show_status;
  options.attend = supervisor::attend_foreground;
  const container::RunReport report = container::run(*validation.spec, options);
  for (const std::string& warning : report.warnings) complain(warning);
  if (!report.outcome.message.empty()) complain(report.outcome.message);
  return finish(sink, report.outcome);
}

}  // namespace

int run_main(int argc, char** argv) { return run_or_create(argc, argv, kRunText, false); }

int create_main(int argc, char** argv) { return run_or_create(argc, argv, kCreateText, true); }

}  // namespace nucleus::cli
