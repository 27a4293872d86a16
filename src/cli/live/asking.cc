#include "cli/live/asking.h"

#include <unistd.h>

#include <cerrno>

#include "base/json_fields.h"
#include "cli/live/containers.h"
#include "control/client.h"

namespace nucleus::cli {

using json::Json;

bool supervised(const store::Listed& listed) {
  return listed.entry && !listed.lost &&
         ((listed.entry->status != store::Status::stopped &&
           listed.entry->status != store::Status::failed) ||
          listed.entry->restart_usec);
}

Result<Json> ask_text(const store::Store& store, const std::string& id,
                      const std::string& request) {
  const auto socket = NUCLEUS_TRY(control::connect_to(store.directory(id)));
  const std::string text = NUCLEUS_TRY(control::ask(socket.get(), request));
  return json::parse(text, "the supervisor's answer");
}

Result<Json> ask(const store::Store& store, const std::string& id, const Json& request) {
  return ask_text(store, id, json::dump(request));
}

Result<Json> ask_whoever(const store::Store& store, const std::string& id, const Json& request) {
  constexpr int kTimes = 100;
  constexpr unsigned kBetweenUsec = 10'000;
  for (int time = 1;; ++time) {
    auto answer = ask(store, id, request);
    if (answer || !is_gone(answer.error()) || time == kTimes || !supervised(store.read(id)))
      return answer;
    ::usleep(kBetweenUsec);
  }
}

void note(const store::Store& store, const store::Entry& entry, const char* event,
          store::Attributes attributes) {
  (void)store::Journal(store.root())
      .append({.time = {},
               .event = event,
               .id = entry.id,
               .name = entry.name,
               .attributes = std::move(attributes)});
}

bool is_gone(const Error& error) {
  return error.errnum == ESRCH || error.errnum == ECONNRESET || error.errnum == EPIPE;
}

Result<> print_word(const std::string& word) {
  if (print_text(word + "\n") != 0) return fail(Kind::runtime, EPIPE, "write", "standard output");
  return {};
}

}  // namespace nucleus::cli
