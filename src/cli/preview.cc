#include "cli/preview.h"

#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "cli/print.h"
#include "config/run_options.h"
#include "container/preview.h"
#include "sys/file.h"

namespace nucleus::cli {
namespace {

using Json = nlohmann::ordered_json;

int print(const std::string& text) {
  const auto written = sys::write_all(STDOUT_FILENO, text, "standard output");
  if (!written) complain(written.error().text());
  return written ? 0 : 125;
}

int print(const Json& json) {
  return print(json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

using Row = std::vector<std::string>;

// Columns as wide as what is in them; the last one is as long as it is.
std::string table(const std::vector<Row>& rows, const std::string& indent) {
  std::vector<std::size_t> widths;
  for (const Row& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t column = 0; column + 1 < row.size(); ++column)
      widths[column] = std::max(widths[column], std::min<std::size_t>(row[column].size(), 40));
  }
  std::string text;
  for (const Row& row : rows) {
    std::string line = indent;
    for (std::size_t column = 0; column < row.size(); ++column) {
      line += row[column];
      if (column + 1 < row.size() && row[column].size() < widths[column])
        line += std::string(widths[column] - row[column].size(), ' ');
      if (column + 1 < row.size()) line += "  ";
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

std::string last_value(const std::vector<std::string>& list) {
  std::string text;
  for (const std::string& item : list) text += (text.empty() ? "" : ", ") + item;
  return text;
}

// What follows from no flag alone.
std::vector<config::Origin> derived(const spec::ContainerSpec& spec) {
  std::vector<config::Origin> list;
  list.push_back({.option = "command", .value = last_value(spec.argv), .from = "command line"});
  list.push_back(
      {.option = "environment", .value = last_value(spec.env), .from = "nucleus' own and --env"});
  list.push_back({.option = "home",
                  .value = spec.home,
                  .from = spec.rootfs ? "the rootfs' passwd" : "the user"});
  list.push_back({.option = "no_new_privs", .value = "on", .from = "always"});
  list.push_back({.option = "landlock",
                  .value = "every right and scope of the kernel's ABI",
                  .from = "always"});
  list.push_back({.option = "seccomp", .value = "built-in allowlist", .from = "always"});
  return list;
}

}  // namespace

int show_plan(const spec::ContainerSpec& spec, const container::RunOptions& options, bool json) {
  const auto preview = container::preview(spec, options);
  if (!preview) {
    complain(preview.error().text());
    return spec::exit_code(preview.error().kind);
  }
  if (json) {
    Json object;
    object["version"] = 1;
    for (const container::PreviewPart& part : preview->parts) {
      Json& list = object[part.name] = Json::array();
      for (const container::PreviewStep& step : part.steps) {
        Json one;
        one["step"] = step.step;
        if (!step.object.empty()) one["object"] = step.object;
        if (!step.detail.empty()) one["detail"] = step.detail;
        list.push_back(std::move(one));
      }
    }
    object["notes"] = preview->notes;
    const int printed = print(object);
    return printed == 0 && preview->refused ? 2 : printed;
  }
  std::string text;
  for (const container::PreviewPart& part : preview->parts) {
    if (part.steps.empty()) continue;
    std::vector<Row> rows;
    for (const container::PreviewStep& step : part.steps)
      rows.push_back({printable(step.step), printable(step.object), printable(step.detail)});
    text += (text.empty() ? "" : "\n") + part.name + "\n" + table(rows, "  ");
  }
  for (const std::string& note : preview->notes) text += "\nnote: " + printable(note) + "\n";
  const int printed = print(text);
  return printed == 0 && preview->refused ? 2 : printed;
}

int show_settings(const config::Settings& settings, const spec::ContainerSpec& spec, bool json) {
  std::vector<config::Origin> list;
  const auto texts = config::run_option_texts();
  const auto options = config::run_options();
  for (std::size_t index = 0; index < texts.size(); ++index) {
    const std::string name = texts[index].name;
    if (name == "explain" || name == "json" || name == "no-init" || name == "rm") continue;
    const auto found = std::ranges::find_if(
        settings.origins, [&](const config::Origin& origin) { return origin.option == name; });
    if (found != settings.origins.end()) {
      list.push_back(*found);
    } else if (options[index].in_file || texts[index].initial[0] != '\0') {
      list.push_back({.option = name, .value = texts[index].initial, .from = "default"});
    }
  }
  for (config::Origin& origin : derived(spec)) list.push_back(std::move(origin));
  if (json) {
    Json object;
    object["version"] = 1;
    for (const config::Origin& origin : list) {
      object["settings"][origin.option] = {
          {"value", origin.value.empty() ? Json(nullptr) : Json(origin.value)},
          {"from", origin.from}};
    }
    return print(object);
  }
  std::vector<Row> rows;
  for (const config::Origin& origin : list) {
    rows.push_back({origin.option, origin.value.empty() ? "-" : printable(origin.value),
                    printable(origin.from)});
  }
  return print(table(rows, ""));
}

}  // namespace nucleus::cli
