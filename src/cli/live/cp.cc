// `nucleus cp`: one end packs, the other unpacks, with a pipe between them. The container's end is
// a process that is inside (inside.h), ours stays outside; neither ever has both.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <memory>

#include "archive/tree_reader.h"
#include "archive/tree_writer.h"
#include "base/json_fields.h"
#include "cli/live/containers.h"
#include "cli/live/inside.h"
#include "cli/print.h"
#include "cli/verb.h"
#include "control/packet.h"
#include "sys/file.h"

namespace nucleus::cli {
namespace {

using archive::Links;
using json::Json;

struct Flags {
  std::optional<std::string> root;
  std::optional<bool> keep_owner, follow, quiet;
};

struct Side {
  std::string container;  // empty: the host
  std::string path;       // "-": a stream
  [[nodiscard]] bool is_stream() const { return container.empty() && path == "-"; }
};

// "NAME:PATH"; a ':' behind a '/' belongs to a path.
Side side_of(const std::string& word) {
  const std::size_t colon = word.find(':');
  if (colon == std::string::npos || colon == 0 || word.find('/') < colon || word[0] == '.')
    return {.container = {}, .path = word};
  return {.container = word.substr(0, colon), .path = word.substr(colon + 1)};
}

// What the other end has to know of the source before it can tell where the copy goes.
std::string name_in_archive(const std::string& path) {
  return archive::names_contents(path) ? "." : archive::base_name(path);
}

struct Copy {
  Side from, to;
  bool keep_owner = false, follow = false;

  // In the container every relative path begins at its root, which is where we are then.
  [[nodiscard]] static Links links_of(const Side& side) {
    return side.container.empty() ? Links::trusted : Links::all;
  }

  Result<> pack(int into, archive::Notes& notes) const {
    auto place = NUCLEUS_TRY(archive::find_place(from.path, links_of(from), follow));
    if (!place.found) return fail(Kind::usage, ENOENT, "find", from.path);
    archive::TarWriter writer(into);
    return archive::write_tree(writer, place, name_in_archive(from.path), notes);
  }

  Result<> unpack(int stream, archive::Notes& notes) const {
    const auto reader = std::make_unique<archive::TarReader>(stream);
    const bool any = from.is_stream();
    std::optional<archive::TreeWriter> writer;
    if (any) NUCLEUS_CHECK(begin(writer, true, notes));
    bool ended = false;
    while (!ended) {
      const auto entry = NUCLEUS_TRY(reader->next());
      ended = !entry;
      if (!entry) continue;
      if (!writer)
        NUCLEUS_CHECK(begin(writer, entry->kind == archive::EntryKind::directory, notes));
      NUCLEUS_CHECK(writer->take(*entry, *reader, !any));
    }
    if (any) reader->drain();
    return writer ? writer->finish() : Result<>();
  }

  Result<> begin(std::optional<archive::TreeWriter>& writer, bool directory,
                 archive::Notes& notes) const {
    const bool any = from.is_stream();
    const bool contents = any || archive::names_contents(from.path);
    std::string name = any ? "" : archive::base_name(from.path);
    // ".." and "/" are no names to give to a copy.
    const bool nameless = name == ".." || name == "/";
    archive::Landing landing =
        NUCLEUS_TRY(archive::land(to.path, links_of(to), directory, contents || nameless, name));
    if (any && !landing.root.empty())
      return fail(Kind::usage, ENOTDIR, "unpack into", to.path, "it must be a directory");
    writer.emplace(std::move(landing),
                   archive::WriteOptions{.keep_owner = keep_owner,
                                         .keep_set_id = keep_owner && !to.container.empty()},
                   notes);
    return {};
  }
};

std::string report_of(const Result<>& done, const archive::Notes& notes) {
  if (!done) return control::error_text(done.error());
  return json::dump(Json{{"notes", notes.lines}, {"more", notes.more}});
}

Result<> read_report(const std::string& text, archive::Notes& notes) {
  if (text.empty()) {
    return fail(Kind::runtime, 0, "hear from", "the process that copies inside the container",
                "it was killed");
  }
  const std::string answer = NUCLEUS_TRY(control::answer_of(text));
  const Json report = NUCLEUS_TRY(json::parse(answer, "the report of the copying process"));
  for (const Json& line : report["notes"]) notes.add(line.get<std::string>());
  notes.more += report["more"].get<std::uint64_t>();
  return {};
}

struct Pipe {
  sys::UniqueFd reader, writer;
  static Result<Pipe> make() {
    int ends[2] = {-1, -1};
    if (::pipe2(ends, O_CLOEXEC) < 0) return fail(Kind::runtime, errno, "make", "a pipe");
    return Pipe{sys::UniqueFd(ends[0]), sys::UniqueFd(ends[1])};
  }
};

// A copy that is broken off clears away its unfinished file. Outwards that is ours to do: a signal
// ends the other end, and with it the stream. Inwards our own end does it for the other.
volatile pid_t other_end = 0;

void end_other(int /*signal*/) {
  if (other_end > 0) ::kill(other_end, SIGKILL);
}

void on_ending_signals(void (*handler)(int)) {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) (void)::signal(signal, handler);
}

Result<> pass_on(int from, int into) {
  std::array<char, 64U << 10> buffer{};
  for (;;) {
    const ssize_t got = ::read(from, buffer.data(), buffer.size());
    if (got == 0) return {};
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(Kind::runtime, errno, "read", "standard input");
    NUCLEUS_CHECK(
        sys::write_all(into, {buffer.data(), static_cast<std::size_t>(got)}, "the archive"));
  }
}

// The first that failed is the cause: the other end only saw the pipe close.
bool is_echo(const Result<>& result) {
  return !result && (result.error().errnum == EPIPE || result.error().subject == "the tar archive");
}

Result<> copy(const Copy& copy, const Inside& inside, archive::Notes& notes) {
  const bool outwards = !copy.from.container.empty();
  Pipe data = NUCLEUS_TRY(Pipe::make());
  Pipe told = NUCLEUS_TRY(Pipe::make());
  const auto work = [&](const Result<>& entered) {
    if (!outwards) on_ending_signals(SIG_IGN);
    told.reader.reset();
    (outwards ? data.reader : data.writer).reset();
    archive::Notes own;
    const auto done = [&]() -> Result<> {
      NUCLEUS_CHECK(entered);
      if (outwards) return copy.pack(copy.to.is_stream() ? STDOUT_FILENO : data.writer.get(), own);
      return copy.unpack(data.reader.get(), own);
    }();
    return sys::write_all(told.writer.get(), report_of(done, own), "the report") ? 0 : 1;
  };
  sys::Child child = NUCLEUS_TRY(fork_inside(inside, outwards, work));
  if (outwards) {
    other_end = child.pid();
    on_ending_signals(end_other);
  }
  told.writer.reset();
  (outwards ? data.writer : data.reader).reset();
  Result<> ours;
  if (outwards && !copy.to.is_stream()) ours = copy.unpack(data.reader.get(), notes);
  if (!outwards) {
    ours = copy.from.is_stream() ? pass_on(STDIN_FILENO, data.writer.get())
                                 : copy.pack(data.writer.get(), notes);
  }
  data = {};
  const auto text = sys::read_all(told.reader.get(), "the report", 16U << 20);
  other_end = 0;  // its number may be another's soon
  (void)child.wait();
  if (!text) return std::unexpected(text.error());
  const auto theirs = read_report(*text, notes);
  if (!ours && !(is_echo(ours) && !theirs)) return ours;
  return theirs;
}

Result<> run(const Flags& flags, Side from, Side to) {
  if (from.container.empty() == to.container.empty()) {
    return fail(Kind::usage, 0, "copy", from.path + "' to '" + to.path,
                from.container.empty() ? "one of the two is to be CONTAINER:PATH"
                                       : "between two containers go by the host, or by '-'");
  }
  Side& there = from.container.empty() ? to : from;
  if (there.path.empty())
    return fail(Kind::usage, ENOENT, "copy", there.container + ":", "name a path in the container");
  if (to.is_stream() && ::isatty(STDOUT_FILENO) != 0)
    return fail(Kind::usage, 0, "write an archive to", "the terminal", "redirect it");
  const auto store = NUCLEUS_TRY(open_store(flags.root));
  const std::string id = NUCLEUS_TRY(store.resolve(there.container));
  const Inside inside = NUCLEUS_TRY(reach(store, id));
  (void)::signal(SIGPIPE, SIG_IGN);  // of the two ends, the one that is left says what was wrong
  ::umask(022);
  archive::Notes notes;
  NUCLEUS_CHECK(copy({.from = std::move(from),
                      .to = std::move(to),
                      .keep_owner = flags.keep_owner.value_or(false),
                      .follow = flags.follow.value_or(false)},
                     inside, notes));
  if (flags.quiet.value_or(false)) return {};
  for (const std::string& line : notes.lines) complain("left out: " + line);
  if (notes.more > 0) complain("left out: " + std::to_string(notes.more) + " more");
  return {};
}

}  // namespace

int cp_main(int argc, char** argv) {
  Flags flags;
  Parser parser(kCpText);
  parser.bind("root", flags.root);
  parser.bind("archive", flags.keep_owner);
  parser.bind("follow-link", flags.follow);
  parser.bind("quiet", flags.quiet);
  const Words words = parse_words(parser, kCpText, argc, argv, 2, 2);
  if (words.exit) return *words.exit;
  const auto done = run(flags, side_of(words.list[0]), side_of(words.list[1]));
  if (done) return 0;
  return complain_of(with_context(done.error(), words.list[0] + " to " + words.list[1]));
}

}  // namespace nucleus::cli
