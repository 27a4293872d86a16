#include "config/config_file.h"

#define TOML_EXCEPTIONS 0
#define TOML_HEADER_ONLY 1
#include <toml++/toml.h>

#include <charconv>

#include "config/nearest.h"
#include "config/run_options.h"

namespace nucleus::config {
namespace {

std::string where(const std::string& path, const toml::source_region& source) {
  return path + ":" + std::to_string(source.begin.line) + ":" + std::to_string(source.begin.column);
}

std::unexpected<Error> wrong(const std::string& path, const toml::source_region& source,
                             const std::string& key, std::string hint) {
  return fail(Kind::usage, 0, "take the configuration's", key, where(path, source) + ": " + std::move(hint));
}

// A number as it would be typed behind the flag; nothing when the node is neither text nor number.
std::optional<std::string> word(const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* number = node.as_integer()) return std::to_string(number->get());
  if (const auto* number = node.as_floating_point()) {
    char digits[64];
    const auto end = std::to_chars(digits, digits + sizeof digits, number->get());
    return std::string(digits, end.ptr);
  }
  return std::nullopt;
}

class Reader {
 public:
  explicit Reader(const std::string& path) : path_(path) {}

  Result<Request> settings(const toml::table& table, const std::string& under) {
    Request request;
    for (const auto& [key, node] : table) {
      const std::string name(key.str());
      const auto index = find(name);
      if (!index) {
        const std::string near = nearest(name, file_options());
        return wrong(path_, key.source(), under + "." + name,
                     "there is no such setting" + (near.empty() ? "" : ": did you mean " + near + "?"));
      }
      if (!run_options()[*index].in_file) {
        return wrong(path_, key.source(), under + "." + name,
                     "it belongs to one run alone: give --" + name + " on the command line");
      }
      NUCLEUS_CHECK(take(*index, node, under + "." + name, request));
    }
    return request;
  }

 private:
  static std::optional<std::size_t> find(const std::string& name) {
    const auto texts = run_option_texts();
    for (std::size_t index = 0; index < texts.size(); ++index) {
      if (name == texts[index].name) return index;
    }
    return std::nullopt;
  }

  static std::vector<std::string> file_options() {
    std::vector<std::string> names;
    for (std::size_t index = 0; index < run_options().size(); ++index) {
      if (run_options()[index].in_file) names.emplace_back(run_option_texts()[index].name);
    }
    return names;
  }

  Result<> take(std::size_t index, const toml::node& node, const std::string& key, Request& request) {
    return with_member(run_options()[index].into, request, [&](auto& member) -> Result<> {
      using T = std::remove_cvref_t<decltype(member)>;
      if constexpr (std::is_same_v<T, std::optional<bool>>) {
        if (!node.is_boolean()) return wrong(path_, node.source(), key, "say true or false");
        member = node.as_boolean()->get();
      } else if constexpr (std::is_same_v<T, std::optional<std::string>>) {
        const auto* flag = node.as_boolean();
        if (flag != nullptr && run_option_texts()[index].value_optional) {
          if (flag->get()) member = "true";
          return {};
        }
        member = word(node);
        if (!member) return wrong(path_, node.source(), key, "give a text in quotes, or a number");
      } else {
        return take_list(index, node, key, member);
      }
      return {};
    });
  }

  Result<> take_list(std::size_t index, const toml::node& node, const std::string& key,
                     std::vector<std::string>& into) {
    const bool pairs = std::string_view(run_option_texts()[index].form).find("=VALUE") != std::string_view::npos;
    if (const auto* table = node.as_table(); table != nullptr && pairs) {
      for (const auto& [name, value] : *table) {
        const auto text = word(value);
        if (!text) return wrong(path_, value.source(), key, "give texts in quotes, or numbers");
        into.push_back(std::string(name.str()) + "=" + *text);
      }
      return {};
    }
    if (const auto one = word(node)) {
      into.push_back(*one);
      return {};
    }
    const auto* list = node.as_array();
    if (list == nullptr) return wrong(path_, node.source(), key, "give a list of texts: [\"...\"]");
    for (const auto& item : *list) {
      const auto text = word(item);
      if (!text) return wrong(path_, item.source(), key, "give texts in quotes, or numbers");
      into.push_back(*text);
    }
    return {};
  }

  const std::string& path_;
};

}  // namespace

Result<ConfigFile> parse_config_file(const std::string& path, std::string_view text) {
  const toml::parse_result parsed = toml::parse(text);
  if (!parsed) {
    return fail(Kind::usage, 0, "read the configuration", where(path, parsed.error().source()),
                std::string(parsed.error().description()));
  }
  ConfigFile file;
  file.path = path;
  Reader reader(path);
  for (const auto& [key, node] : parsed.table()) {
    const std::string name(key.str());
    const toml::table* const table = node.as_table();
    if (table == nullptr || (name != "defaults" && name != "profiles"))
      return wrong(path, key.source(), name, "a file has the tables [defaults] and [profiles.NAME]");
    if (name == "defaults") {
      file.defaults = NUCLEUS_TRY(reader.settings(*table, name));
      continue;
    }
    for (const auto& [profile, settings] : *table) {
      const std::string under = "profiles." + std::string(profile.str());
      const toml::table* const below = settings.as_table();
      if (below == nullptr)
        return wrong(path, profile.source(), under, "a profile is a table: [profiles.NAME]");
      file.profiles.emplace(profile.str(), NUCLEUS_TRY(reader.settings(*below, under)));
    }
  }
  return file;
}

}  // namespace nucleus::config
