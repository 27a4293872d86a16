#include "checkpoint/rpc.h"

#include <limits>

#include "checkpoint/protobuf.h"

namespace nucleus::checkpoint {
namespace {

// Of criu_req, criu_opts and criu_resp.
enum Request : unsigned { kReqType = 1, kReqOptions = 2, kReqNotified = 3 };

enum Option : unsigned {
  kImagesDirFd = 1,
  kPid = 2,
  kLeaveRunning = 3,
  kExtUnixSk = 4,
  kTcpEstablished = 5,
  kShellJob = 7,
  kFileLocks = 8,
  kLogLevel = 9,
  kLogFile = 10,
  kNotifyScripts = 12,
  kRoot = 13,
  kWorkDirFd = 17,
  kRstSibling = 26,
  kInheritFd = 27,
  kManageCgroupsMode = 34,
  kGhostLimit = 35,
  kExternal = 37,
  kFreezeCgroup = 44,
  kOrphanPtsMaster = 50,
  kTcpClose = 52,
  kNetworkLock = 64,
  kLeaveStopped = 69,
};

enum Answer : unsigned {
  kAnsType = 1,
  kAnsSuccess = 2,
  kAnsRestore = 4,
  kAnsNotify = 5,
  kAnsErrno = 7,
  kAnsMessage = 9,
};

constexpr int kMostTold = 4;  // the log's level
constexpr int kCgroupsIgnore = 0;

std::string options_text(const RpcOptions& options) {
  ProtoWriter out;
  // Required by the message, also where no directory is used.
  out.number(kImagesDirFd, options.images_dir_fd);
  if (options.work_dir_fd >= 0) out.number(kWorkDirFd, options.work_dir_fd);
  if (options.pid > 0) out.number(kPid, options.pid);
  const std::pair<unsigned, bool> switches[] = {
      {kLeaveRunning, options.leave_running},
      {kLeaveStopped, options.leave_stopped},
      {kTcpEstablished, options.tcp_established},
      {kTcpClose, options.tcp_close},
      {kExtUnixSk, options.ext_unix_sk},
      {kFileLocks, options.file_locks},
      {kShellJob, options.shell_job},
      {kOrphanPtsMaster, options.orphan_pts_master},
      {kRstSibling, options.rst_sibling},
      {kNotifyScripts, options.notify_scripts},
  };
  for (const auto& [field, on] : switches) {
    if (on) out.number(field, 1);
  }
  if (!options.log_file.empty()) out.number(kLogLevel, kMostTold).text(kLogFile, options.log_file);
  if (!options.root.empty()) out.text(kRoot, options.root);
  for (const auto& [key, fd] : options.inherit_fds)
    out.text(kInheritFd, ProtoWriter().text(1, key).number(2, fd).bytes());
  for (const std::string& external : options.external) out.text(kExternal, external);
  out.number(kManageCgroupsMode, kCgroupsIgnore);
  if (options.ghost_limit != 0) out.number(kGhostLimit, options.ghost_limit);
  if (!options.freeze_cgroup.empty()) out.text(kFreezeCgroup, options.freeze_cgroup);
  if (options.network_lock != NetworkLock::none)
    out.number(kNetworkLock, static_cast<int>(options.network_lock));
  return out.bytes();
}

// Processes are told as 32 bits with a sign; what is none is 0.
pid_t pid_in(std::uint64_t number) {
  constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<pid_t>::max());
  return number > kMost ? 0 : static_cast<pid_t>(number);
}

Result<> take_notice(std::string_view text, RpcAnswer& answer) {
  const auto fields = NUCLEUS_TRY(read_proto(text));
  for (const ProtoField& field : fields) {
    if (field.field == 1) answer.step = std::string(field.text);
    if (field.field == 2) answer.pid = pid_in(field.number);
  }
  return {};
}

Result<> take_restored(std::string_view text, RpcAnswer& answer) {
  const auto fields = NUCLEUS_TRY(read_proto(text));
  for (const ProtoField& field : fields) {
    if (field.field == 1) answer.pid = pid_in(field.number);
  }
  return {};
}

}  // namespace

std::string rpc_request(RpcType type, const RpcOptions& options) {
  ProtoWriter out;
  out.number(kReqType, static_cast<int>(type));
  if (type != RpcType::version) out.text(kReqOptions, options_text(options));
  return out.bytes();
}

std::string rpc_notified(bool good) {
  return ProtoWriter()
      .number(kReqType, static_cast<int>(RpcType::notify))
      .number(kReqNotified, good ? 1 : 0)
      .bytes();
}

Result<RpcAnswer> rpc_answer(std::string_view bytes) {
  RpcAnswer answer;
  const auto fields = NUCLEUS_TRY(read_proto(bytes));
  for (const ProtoField& field : fields) {
    switch (field.field) {
      case kAnsType: answer.type = static_cast<RpcType>(static_cast<int>(field.number)); break;
      case kAnsSuccess: answer.success = field.number != 0; break;
      case kAnsRestore: NUCLEUS_CHECK(take_restored(field.text, answer)); break;
      case kAnsNotify: NUCLEUS_CHECK(take_notice(field.text, answer)); break;
      case kAnsErrno: answer.errnum = static_cast<int>(field.number); break;
      case kAnsMessage: answer.message = std::string(field.text); break;
      default: break;
    }
  }
  return answer;
}

}  // namespace nucleus::checkpoint
