// A verb of the command line: `nucleus VERB …`. Only the one that was typed is ever set up.
#pragma once

#include <optional>
#include <string>

#include "config/option.h"

namespace nucleus::cli {

struct Verb {
  const config::VerbText* text;
  int (*main)(int argc, char** argv);  // argv[0] is the verb; the answer is the exit code
};

int run_main(int argc, char** argv);
int create_main(int argc, char** argv);
int start_main(int argc, char** argv);
int stop_main(int argc, char** argv);
int restart_main(int argc, char** argv);
int kill_main(int argc, char** argv);
int rm_main(int argc, char** argv);
int delete_main(int argc, char** argv);
int state_main(int argc, char** argv);
int port_main(int argc, char** argv);
int wait_main(int argc, char** argv);
int rename_main(int argc, char** argv);
int exec_main(int argc, char** argv);
int pause_main(int argc, char** argv);
int resume_main(int argc, char** argv);
int update_main(int argc, char** argv);
int stats_main(int argc, char** argv);
int top_main(int argc, char** argv);
int attach_main(int argc, char** argv);
int cp_main(int argc, char** argv);
int diff_main(int argc, char** argv);
int ps_main(int argc, char** argv);
int inspect_main(int argc, char** argv);
int logs_main(int argc, char** argv);
int events_main(int argc, char** argv);
int prune_main(int argc, char** argv);
int doctor_main(int argc, char** argv);
int volume_main(int argc, char** argv);
int attest_main(int argc, char** argv);
int audit_main(int argc, char** argv);
int checkpoint_main(int argc, char** argv);
int completion_main(int argc, char** argv);

extern const config::VerbText kRunText;
extern const config::VerbText kCreateText;
extern const config::VerbText kStartText;
extern const config::VerbText kStopText;
extern const config::VerbText kRestartText;
extern const config::VerbText kKillText;
extern const config::VerbText kRmText;
extern const config::VerbText kDeleteText;
extern const config::VerbText kStateText;
extern const config::VerbText kPortText;
extern const config::VerbText kWaitText;
extern const config::VerbText kRenameText;
extern const config::VerbText kExecText;
extern const config::VerbText kPauseText;
extern const config::VerbText kResumeText;
extern const config::VerbText kUpdateText;
extern const config::VerbText kStatsText;
extern const config::VerbText kTopText;
extern const config::VerbText kAttachText;
extern const config::VerbText kCpText;
extern const config::VerbText kDiffText;
extern const config::VerbText kPsText;
extern const config::VerbText kInspectText;
extern const config::VerbText kLogsText;
extern const config::VerbText kEventsText;
extern const config::VerbText kPruneText;
extern const config::VerbText kDoctorText;
extern const config::VerbText kVolumeText;
extern const config::VerbText kAttestText;
extern const config::VerbText kAuditText;
extern const config::VerbText kCheckpointText;
extern const config::VerbText kCompletionText;

inline constexpr Verb kVerbs[] = {
    {.text = &kRunText, .main = run_main},
    {.text = &kCreateText, .main = create_main},
    {.text = &kStartText, .main = start_main},
    {.text = &kStopText, .main = stop_main},
    {.text = &kRestartText, .main = restart_main},
    {.text = &kKillText, .main = kill_main},
    {.text = &kRmText, .main = rm_main},
    {.text = &kDeleteText, .main = delete_main},
    {.text = &kWaitText, .main = wait_main},
    {.text = &kRenameText, .main = rename_main},
    {.text = &kExecText, .main = exec_main},
    {.text = &kPauseText, .main = pause_main},
    {.text = &kResumeText, .main = resume_main},
    {.text = &kUpdateText, .main = update_main},
    {.text = &kStatsText, .main = stats_main},
    {.text = &kTopText, .main = top_main},
    {.text = &kAttachText, .main = attach_main},
    {.text = &kCpText, .main = cp_main},
    {.text = &kDiffText, .main = diff_main},
    {.text = &kPsText, .main = ps_main},
    {.text = &kInspectText, .main = inspect_main},
    {.text = &kStateText, .main = state_main},
    {.text = &kPortText, .main = port_main},
    {.text = &kLogsText, .main = logs_main},
    {.text = &kEventsText, .main = events_main},
    {.text = &kPruneText, .main = prune_main},
    {.text = &kDoctorText, .main = doctor_main},
    {.text = &kVolumeText, .main = volume_main},
    {.text = &kAttestText, .main = attest_main},
    {.text = &kAuditText, .main = audit_main},
    {.text = &kCheckpointText, .main = checkpoint_main},
    {.text = &kCompletionText, .main = completion_main},
};

/// $NUCLEUS_STATE_DIR, unless the flag said something.
void default_state_root(std::optional<std::string>& root);

}  // namespace nucleus::cli
