#include "audit/verify.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <vector>

#include "base/json_fields.h"
#include "base/sha256.h"
#include "sys/file.h"

namespace nucleus::audit {
namespace {

class Checker {
 public:
  explicit Checker(const std::optional<Link>& expected) : expected_(expected) {}

  bool take(std::string_view text, bool whole) {
    ++number_;
    const auto line = read_line(text);
    if (!line) {
      // A crash may have cut it short; the line behind it has to say so.
      if (torn_) return wrong(number_ - 1, "changed, or cut short and not told of");
      torn_ = std::string(text);
      unfinished_ = !whole;
      return true;
    }
    if (torn_) {
      if (!tells_of(text, *torn_))
        return wrong(number_ - 1, "changed, or cut short and not told of");
      torn_.reset();
      ++verdict.torn;
    }
    if (line->link.seq != verdict.head.seq + 1) {
      return wrong(number_, "it is number " + std::to_string(line->link.seq) +
                                " and follows number " + std::to_string(verdict.head.seq) +
                                ": lines are missing or were moved");
    }
    if (line->prev != verdict.head.hash)
      return wrong(number_, "it does not go on from the line before it: one was replaced");
    verdict.head = line->link;
    ++verdict.lines;
    if (expected_ && expected_->seq == verdict.head.seq) {
      if (expected_->hash != verdict.head.hash)
        return wrong(number_, "its hash is not the expected one: the log was written anew");
      met_ = true;
    }
    return true;
  }

  void finish() {
    if (verdict.fault) return;
    if (torn_) {
      wrong(number_, unfinished_
                         ? "cut short: by a crash whose end nobody has recovered yet, or by hand"
                         : "changed");
    } else if (expected_ && !met_) {
      wrong(number_ + 1, "number " + std::to_string(expected_->seq) +
                             " is expected and not there: the end was cut off");
    }
  }

  Verdict verdict;

 private:
  bool wrong(std::uint64_t line, std::string what) {
    verdict.fault = {.line = line, .what = std::move(what)};
    return false;
  }

  static bool tells_of(std::string_view text, const std::string& torn) {
    const auto object = json::Json::parse(text, nullptr, false);
    const auto value = [&](const char* key) {
      const auto detail = object.find("detail");
      if (detail == object.end() || !detail->is_object()) return std::string();
      const auto found = detail->find(key);
      return found != detail->end() && found->is_string() ? found->get<std::string>()
                                                          : std::string();
    };
    if (!object.is_object() || object.value("event", json::Json()) != "recovered") return false;
    Sha256 sha;
    sha.add(torn);
    return value("torn_sha256") == sha.finish() &&
           value("torn_bytes") == std::to_string(torn.size());
  }

  const std::optional<Link>& expected_;
  std::uint64_t number_ = 0;
  std::optional<std::string> torn_;
  bool unfinished_ = false;
  bool met_ = false;
};

}  // namespace

// Whether more is wanted.
Result<bool> LineReader::read(const std::function<bool(std::string_view)>& take) {
  std::vector<char> buffer(256U << 10);
  for (;;) {
    const ssize_t got = ::read(file_.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(Kind::runtime, errno, "read the audit log", path_);
    if (got == 0) return true;
    rest_.append(buffer.data(), static_cast<std::size_t>(got));
    std::size_t begin = 0;
    for (std::size_t end = rest_.find('\n'); end != std::string::npos;
         end = rest_.find('\n', begin)) {
      if (!take(std::string_view(rest_).substr(begin, end - begin))) return false;
      begin = end + 1;
    }
    rest_.erase(0, begin);
    if (rest_.size() > 4 * kMostLineBytes)
      return fail(Kind::runtime, EBADMSG, "read the audit log", path_, "it is none of nucleus'");
  }
}

Result<> LineReader::more(const std::function<bool(std::string_view)>& take) {
  for (;;) {
    if (!file_.valid()) {
      file_ = NUCLEUS_TRY(sys::open_at(AT_FDCWD, path_, O_RDONLY | O_NOCTTY | O_NONBLOCK, 0,
                                       "open the audit log", Kind::usage));
    }
    struct stat here{};
    struct stat there{};
    const bool moved = ::fstat(file_.get(), &here) == 0 && ::stat(path_.c_str(), &there) == 0 &&
                       (here.st_ino != there.st_ino || here.st_dev != there.st_dev);
    if (!NUCLEUS_TRY(read(take)) || !moved) return {};
    file_.reset();
    rest_.clear();
  }
}

Result<Verdict> verify(const std::string& path, const std::optional<Link>& expected) {
  Checker checker(expected);
  LineReader reader(path);
  NUCLEUS_CHECK(reader.more([&](std::string_view text) { return checker.take(text, true); }));
  if (!checker.verdict.fault && !reader.rest().empty()) checker.take(reader.rest(), false);
  checker.finish();
  return std::move(checker.verdict);
}

Result<Link> parse_head(const std::string& text) {
  Link link;
  const std::size_t colon = text.find(':');
  const char* const end = text.data() + std::min(colon, text.size());
  const auto [stop, code] = std::from_chars(text.data(), end, link.seq);
  link.hash = colon == std::string::npos ? "" : text.substr(colon + 1);
  if (code != std::errc() || stop != end || link.seq == 0 || link.hash.size() != 64)
    return fail(Kind::usage, 0, "take this value for --head", text,
                "give NUMBER:HASH, as nucleus audit verify prints it");
  return link;
}

}  // namespace nucleus::audit
