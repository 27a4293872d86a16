#include "audit/redact.h"

#include <algorithm>
#include <cctype>
#include <string_view>
#include <utility>

namespace nucleus::audit {
namespace {

bool among(std::string_view word, std::initializer_list<std::string_view> list) {
  return std::ranges::find(list, word) != list.end();
}

bool is_upper(char letter) { return std::isupper(static_cast<unsigned char>(letter)) != 0; }
bool is_space(char letter) { return std::isspace(static_cast<unsigned char>(letter)) != 0; }

std::vector<std::string> words_of(const std::string& name) {
  std::vector<std::string> words;
  std::string word;
  const auto finish = [&] {
    if (!word.empty()) words.push_back(std::exchange(word, {}));
  };
  for (std::size_t at = 0; at < name.size(); ++at) {
    const char letter = name[at];
    if (std::isalnum(static_cast<unsigned char>(letter)) == 0) {
      finish();
      continue;
    }
    // apiKey, not API: a capital begins a word only behind a small letter.
    if (at > 0 && is_upper(letter) && !is_upper(name[at - 1])) finish();
    word += static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  }
  finish();
  return words;
}

// What the state of one word says of the next.
enum class Next { nothing, secret, maybe_scheme };

class Redactor {
 public:
  std::string text(const std::string& text) {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
      std::size_t end = at;
      while (end < text.size() && is_space(text[end]) == is_space(text[at])) ++end;
      const std::string piece = text.substr(at, end - at);
      out += is_space(text[at]) ? piece : this->piece(piece);
      at = end;
    }
    return out;
  }

 private:
  std::string piece(const std::string& piece) {
    if (next_ != Next::nothing) return value(piece, 0);
    // The first '=' or ':' parts a name from its value.
    const std::size_t parted = piece.find_first_of("=:");
    const bool url = parted != std::string::npos && piece.compare(parted, 3, "://") == 0;
    if (parted != std::string::npos && !url && names_a_secret(piece.substr(0, parted))) {
      next_ = Next::maybe_scheme;
      return value(piece, parted + 1);
    }
    if (parted == std::string::npos && piece.starts_with("-") && names_a_secret(piece)) {
      next_ = Next::secret;
      return piece;
    }
    return without_user(piece);
  }

  // `from`: where the value begins; nothing there: it is the next piece.
  std::string value(const std::string& piece, std::size_t from) {
    const std::string value = piece.substr(from);
    if (value.empty() || value == "\"" || value == "'") return piece;
    // An option is no value: the one before it was a mere switch.
    if (from == 0 && next_ == Next::secret && value.starts_with("-")) {
      next_ = Next::nothing;
      return this->piece(piece);
    }
    std::string bare;
    for (const char letter : value) {
      if (std::isalnum(static_cast<unsigned char>(letter)) != 0)
        bare += static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
    }
    if (next_ == Next::maybe_scheme && among(bare, {"bearer", "basic", "token", "digest"})) {
      next_ = Next::secret;
      return piece;
    }
    next_ = Next::nothing;
    // The quote that ends a word of a script stays, so that it can still be read.
    const char last = value.back();
    const bool quoted = last == '"' || last == '\'';
    return piece.substr(0, from) + kRedacted + (quoted ? std::string(1, last) : std::string());
  }

  // scheme://user:password@host
  static std::string without_user(const std::string& piece) {
    const std::size_t scheme = piece.find("://");
    if (scheme == std::string::npos) return piece;
    const std::size_t begin = scheme + 3;
    const std::size_t path = std::min(piece.find_first_of("/?#", begin), piece.size());
    const std::size_t at = piece.rfind('@', path);
    std::string out = piece;
    if (at != std::string::npos && at >= begin && at < path)
      out = piece.substr(0, begin) + kRedacted + piece.substr(at);
    return without_query(out);
  }

  // ?token=VALUE&other=1
  static std::string without_query(const std::string& url) {
    std::size_t at = url.find('?');
    if (at == std::string::npos) return url;
    std::string out = url.substr(0, at);
    while (at < url.size()) {
      const std::size_t end = std::min(url.find('&', at + 1), url.size());
      const std::string part = url.substr(at + 1, end - at - 1);
      const std::size_t equals = part.find('=');
      out += url[at];
      if (equals != std::string::npos && names_a_secret(part.substr(0, equals))) {
        out.append(part, 0, equals + 1).append(kRedacted);
      } else {
        out += part;
      }
      at = end;
    }
    return out;
  }

  Next next_ = Next::nothing;
};

}  // namespace

bool names_a_secret(const std::string& name) {
  const std::vector<std::string> words = words_of(name);
  for (std::size_t at = 0; at < words.size(); ++at) {
    const std::string& word = words[at];
    if (among(word, {"password",
                     "passwords",
                     "passwd",
                     "passphrase",
                     "pwd",
                     "pass",
                     "pw",
                     "secret",
                     "secrets",
                     "token",
                     "tokens",
                     "apikey",
                     "apitoken",
                     "accesskey",
                     "secretkey",
                     "privatekey",
                     "credential",
                     "credentials",
                     "creds",
                     "auth",
                     "authorization",
                     "authentication",
                     "bearer",
                     "cookie",
                     "jwt",
                     "pat",
                     "otp",
                     "pin"}))
      return true;
    if (at > 0 && among(word, {"key", "keys"}) &&
        among(words[at - 1], {"api", "access", "account", "private", "secret", "auth", "encryption",
                              "master", "signing", "shared", "license", "storage"}))
      return true;
  }
  return false;
}

std::vector<std::string> redacted(const std::vector<std::string>& words) {
  std::vector<std::string> out;
  out.reserve(words.size());
  Redactor redactor;
  for (const std::string& word : words) out.push_back(redactor.text(word));
  return out;
}

std::string redacted_text(const std::string& text) { return Redactor().text(text); }

}  // namespace nucleus::audit
