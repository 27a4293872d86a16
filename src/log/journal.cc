#include "log/journal.h"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "sys/unix_address.h"

namespace nucleus::log {
namespace {

constexpr int kPatienceMs = 50;

// Any bytes may be in a value whose length goes before it: 64 bits, little-endian.
void append_value(std::string& to, std::string_view name, std::string_view value) {
  to.append(name).append("\n");
  for (unsigned shift = 0; shift < 64; shift += 8)
    to += static_cast<char>(static_cast<std::uint64_t>(value.size()) >> shift & 0xFFU);
  to.append(value).append("\n");
}

}  // namespace

std::string journal_entry(Stream stream, std::string_view text, const std::string& fields) {
  const bool whole = text.ends_with('\n');
  if (whole) text.remove_suffix(1);
  if (whole && text.ends_with('\r')) text.remove_suffix(1);  // of a terminal
  std::string entry;
  entry.reserve(text.size() + fields.size() + 64);
  append_value(entry, "MESSAGE", text);
  // LOG_INFO and LOG_ERR, as Docker has it.
  entry += stream == Stream::out ? "PRIORITY=6\nNUCLEUS_STREAM=stdout\n"
                                 : "PRIORITY=3\nNUCLEUS_STREAM=stderr\n";
  if (!whole) entry += "CONTAINER_PARTIAL_MESSAGE=true\n";
  entry += fields;
  return entry;
}

Result<Journal> Journal::open(Options options) {
  Journal journal;
  journal.options_ = std::move(options);
  journal.write_fields();
  NUCLEUS_CHECK(journal.connect());
  return journal;
}

Result<> Journal::connect() {
  const std::string& path = options_.socket;
  const auto address = sys::UnixAddress::at(path);
  if (!address) return fail(Kind::usage, ENAMETOOLONG, "reach the journal at", path);
  socket_.reset(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket_.valid() || ::connect(socket_.get(), address->get(), address->size()) < 0) {
    return fail(Kind::runtime, errno, "reach the journal at", path,
                "systemd-journald does not listen there: take --log-driver json");
  }
  return {};
}

void Journal::write_fields() {
  const std::string& name = options_.name.empty() ? options_.id : options_.name;
  fields_.clear();
  for (const auto& [key, value] :
       {std::pair<const char*, const std::string&>("SYSLOG_IDENTIFIER", name),
        {"CONTAINER_NAME", name},
        {"CONTAINER_TAG", name},
        {"CONTAINER_ID", options_.id},
        {"CONTAINER_ID_FULL", options_.id}})
    fields_.append(key).append("=").append(value).append("\n");
}

void Journal::renamed(const std::string& name) {
  options_.name = name;
  write_fields();
}

void Journal::take(Stream stream, std::string_view bytes) {
  pieces_.take(stream, bytes, [this](Stream of, std::string_view text) { line(of, text); });
}

void Journal::flush() {
  pieces_.flush([this](Stream of, std::string_view text) { line(of, text); });
}

void Journal::line(Stream stream, std::string_view text) {
  const std::string entry = journal_entry(stream, text, fields_);
  bool sent = send(entry);
  if (!sent && errno == EAGAIN && !stuck_) {
    pollfd room{.fd = socket_.get(), .events = POLLOUT, .revents = 0};
    sent = ::poll(&room, 1, kPatienceMs) > 0 && send(entry);
  } else if (!sent && errno != EAGAIN) {
    // journald has been started anew.
    sent = connect().has_value() && send(entry);
  }
  stuck_ = !sent;
  lost_ += sent ? 0 : 1;
}

bool Journal::send(const std::string& entry) {
  ssize_t put = 0;
  do {
    put = ::send(socket_.get(), entry.data(), entry.size(), MSG_NOSIGNAL);
  } while (put < 0 && errno == EINTR);
  return put >= 0;
}

}  // namespace nucleus::log
