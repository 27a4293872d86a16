#include "supervisor/viewers.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

#include "base/json_fields.h"
#include "sys/file.h"

namespace nucleus::supervisor {
namespace {

using json::Json;
using Clock = sys::EventLoop::Clock;

constexpr std::size_t kMostViewers = 64;
// More than this waits for a viewer only as long as it takes some of it now and then.
constexpr std::size_t kEnough = 64U << 10;
constexpr std::size_t kTooMuch = 1U << 20;
constexpr auto kPatience = std::chrono::milliseconds(500);

struct Wanted {
  bool input = false;
  std::uint16_t rows = 0, columns = 0;  // 0: it has no window
};

template <typename F, typename V>
  requires std::is_same_v<std::remove_const_t<V>, Wanted>
void fields(F& f, V& v) {
  f("input", v.input), f("rows", v.rows), f("columns", v.columns);
}

Result<Wanted> read_wanted(const control::Packet& packet) {
  return json::read<Wanted>(NUCLEUS_TRY(json::parse(packet.text, "the request")), "the request");
}

bool would_block() { return errno == EAGAIN || errno == EINTR; }

}  // namespace

Viewers::~Viewers() {
  while (!viewers_.empty()) drop(viewers_.front());
  loop_.unwatch(target_watch_);
  loop_.cancel(patience_);
}

Viewers::Viewer* Viewers::find(ClientId client) {
  const auto found = std::ranges::find(viewers_, client, &Viewer::client);
  return found == viewers_.end() ? nullptr : &*found;
}

Result<> Viewers::attach(ClientId client, const control::Packet& packet) {
  const auto wanted = NUCLEUS_TRY(read_wanted(packet));
  if (find(client) != nullptr)
    return fail(Kind::usage, EBUSY, "attach", "a second time", "one for each connection");
  if (viewers_.size() >= kMostViewers)
    return fail(Kind::runtime, EAGAIN, "attach to", "the container", "it has too many viewers");
  const bool types = wanted.input && input_;
  if (types && std::ranges::any_of(viewers_, &Viewer::types)) {
    return fail(Kind::usage, EBUSY, "type to", "the container",
                "another nucleus attach does: end that one, or look on with --no-stdin");
  }
  Viewer viewer;
  viewer.client = client;
  viewer.types = types;
  viewer.rows = wanted.rows;
  viewer.columns = wanted.columns;
  viewer.moved = Clock::now();
  std::array<sys::UniqueFd, 2> theirs;
  std::vector<int> fds;
  for (std::size_t index = 0; index < (terminal_ ? 1U : 2U); ++index) {
    int ends[2] = {-1, -1};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
      return fail(Kind::runtime, errno, "make", "a socket for the viewer");
    viewer.streams.at(index).fd.reset(ends[0]);
    theirs.at(index).reset(ends[1]);
    fds.push_back(ends[1]);
  }
  viewers_.push_back(std::move(viewer));
  Viewer& kept = viewers_.back();
  for (std::size_t index = 0; index < fds.size(); ++index) {
    Stream& stream = kept.streams.at(index);
    stream.watch = loop_.watch(
        stream.fd.get(), 0, [this, client, index](short events) { ready(client, index, events); });
  }
  server_.answer(client, json::dump(Json{{"terminal", terminal_}, {"input", types}}), fds);
  apply_size();
  if (terminal_) send(kept, 0, replay_.text());
  choose_events();
  return {};
}

Result<> Viewers::resize(ClientId client, const control::Packet& packet) {
  const auto wanted = NUCLEUS_TRY(read_wanted(packet));
  if (Viewer* const viewer = find(client)) {
    viewer->rows = wanted.rows;
    viewer->columns = wanted.columns;
    apply_size();
  }
  return {};
}

void Viewers::apply_size() const {
  if (!terminal_ || target_ < 0) return;
  for (auto viewer = viewers_.rbegin(); viewer != viewers_.rend(); ++viewer) {
    if (viewer->rows == 0 || viewer->columns == 0) continue;
    const winsize size{
        .ws_row = viewer->rows, .ws_col = viewer->columns, .ws_xpixel = 0, .ws_ypixel = 0};
    ::ioctl(target_, TIOCSWINSZ, &size);
    return;
  }
}

void Viewers::take(log::Stream stream, std::string_view bytes) {
  if (terminal_) replay_.add(bytes);
  const std::size_t index = terminal_ || stream == log::Stream::out ? 0 : 1;
  for (auto at = viewers_.begin(); at != viewers_.end();) {
    Viewer& viewer = *at++;
    send(viewer, index, bytes);
    const std::size_t waiting = viewer.streams[0].pending.size() + viewer.streams[1].pending.size();
    if (waiting <= kTooMuch || !live_) continue;
    server_.answer(viewer.client, R"({"dropped":true})");
    drop(viewer);
  }
  choose_events();
}

void Viewers::send(Viewer& viewer, std::size_t index, std::string_view bytes) {
  Stream& stream = viewer.streams.at(index);
  if (stream.pending.empty()) viewer.moved = Clock::now();
  stream.pending.append(bytes);
  flush(viewer, stream);
}

void Viewers::flush(Viewer& viewer, Stream& stream) {
  std::size_t sent = 0;
  while (sent < stream.pending.size()) {
    const ssize_t put = ::send(stream.fd.get(), stream.pending.data() + sent,
                               stream.pending.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (put > 0) {
      sent += static_cast<std::size_t>(put);
      viewer.moved = Clock::now();
      continue;
    }
    if (errno == EINTR) continue;
    // One that is gone takes nothing any more; its connection tells so in a moment.
    if (errno != EAGAIN) sent = stream.pending.size();
    break;
  }
  stream.pending.erase(0, sent);
}

bool Viewers::hold_back() {
  if (!live_) return false;
  const auto now = Clock::now();
  const bool slow = std::ranges::any_of(viewers_, [&](const Viewer& viewer) {
    return viewer.streams[0].pending.size() + viewer.streams[1].pending.size() > kEnough &&
           now - viewer.moved < kPatience;
  });
  // To be asked again when the patience is over.
  if (slow && patience_ == 0) patience_ = loop_.after(kPatience, [this] { patience_ = 0; });
  return slow;
}

void Viewers::ready(ClientId client, std::size_t index, short events) {
  Viewer* const viewer = find(client);
  if (viewer == nullptr) return;
  Stream& stream = viewer->streams.at(index);
  if (!stream.pending.empty()) flush(*viewer, stream);
  if (index == 0 && viewer->reads && (events & ~POLLOUT) != 0) read_typed(*viewer);
  // Gone for what it could read as well: nothing more is to be waited for here.
  if (index == 1 && (events & POLLHUP) != 0) stream.pending.clear();
  choose_events();
}

void Viewers::read_typed(Viewer& viewer) {
  std::array<char, 4096> buffer{};
  const ssize_t got =
      ::recv(viewer.streams[0].fd.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (got < 0 && would_block()) return;
  // The end of what one has to type is not the end of the container's input: another may come.
  if (got <= 0) viewer.reads = false;
  if (got <= 0 || !viewer.types || target_ < 0) return;
  typed_.append(buffer.data(), static_cast<std::size_t>(got));
  write_typed();
}

void Viewers::write_typed() {
  while (!typed_.empty()) {
    const ssize_t put = ::write(target_, typed_.data(), typed_.size());
    if (put > 0) {
      typed_.erase(0, static_cast<std::size_t>(put));
    } else if (put < 0 && !would_block()) {
      typed_.clear();
    } else {
      break;
    }
  }
  choose_events();
}

void Viewers::begin(int target) {
  live_ = true;
  target_ = target;
  replay_.clear();
  if (target >= 0) target_watch_ = loop_.watch(target, 0, [this](short) { write_typed(); });
}

void Viewers::end() {
  live_ = false;
  loop_.unwatch(target_watch_);
  target_watch_ = 0;
  target_ = -1;
  typed_.clear();
}

void Viewers::choose_events() {
  loop_.change(target_watch_, typed_.empty() ? 0 : POLLOUT);
  for (Viewer& viewer : viewers_) {
    for (std::size_t index = 0; index < 2; ++index) {
      Stream& stream = viewer.streams.at(index);
      short events = stream.pending.empty() ? 0 : POLLOUT;
      if (index == 0 && viewer.reads && typed_.empty()) events |= POLLIN;
      if (stream.events != events) loop_.change(stream.watch, stream.events = events);
    }
  }
}

void Viewers::drop(const Viewer& viewer) {
  for (const Stream& stream : viewer.streams) loop_.unwatch(stream.watch);
  std::erase_if(viewers_, [&](const Viewer& other) { return &other == &viewer; });
}

void Viewers::client_gone(ClientId client) {
  const Viewer* const viewer = find(client);
  if (viewer == nullptr) return;
  drop(*viewer);
  apply_size();
}

void Viewers::ended(const std::string& text) {
  for (const Viewer& viewer : viewers_) {
    const std::string& out = viewer.streams[0].pending;
    const std::string& err = viewer.streams[1].pending;
    Json answer = json::parse(text, "the end").value_or(Json::object());
    sys::UniqueFd rest;
    if (!out.empty() || !err.empty()) {
      if (auto file = sys::sealed_memfd("rest", out + err)) rest = std::move(*file);
      answer["rest"] = out.size();
    }
    std::vector<int> fds;
    if (rest.valid()) fds.push_back(rest.get());
    server_.answer(viewer.client, json::dump(answer), fds);
  }
  while (!viewers_.empty()) drop(viewers_.front());
}

}  // namespace nucleus::supervisor
