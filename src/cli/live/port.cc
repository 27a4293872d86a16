// `nucleus port`: which ports of a container are published on the host.
//
// Nothing publishes any yet: a container has no network, or the host's. What is said here is why
// the list is empty.
#include "cli/live/containers.h"
#include "cli/print.h"
#include "cli/verb.h"

namespace nucleus::cli {
namespace {

const char* why_none(const spec::ContainerSpec& spec) {
  return spec.network == spec::NetworkMode::host ? "it has the network of the host (--network "
                                                   "host): what it listens on is reached there "
                                                   "as it is"
                                                 : "it has no network (--network none)";
}

// "80", "80/tcp"
Result<> check_port(const std::string& text) {
  const std::size_t slash = text.find('/');
  const std::string protocol = slash == std::string::npos ? "tcp" : text.substr(slash + 1);
  const auto port = parse_number("the port", text.substr(0, slash), 1, 65535);
  if (port && (protocol == "tcp" || protocol == "udp")) return {};
  return fail(Kind::usage, 0, "take for a port", text, "write 80, 80/tcp or 80/udp");
}

}  // namespace

int port_main(int argc, char** argv) {
  std::optional<std::string> root;
  std::optional<bool> as_json;
  Parser parser(kPortText);
  parser.bind("root", root);
  parser.bind("json", as_json);
  const Words words = parse_words(parser, kPortText, argc, argv, 1, 2);
  if (words.exit) return *words.exit;
  const bool one = words.list.size() == 2;
  if (one) {
    if (const auto good = check_port(words.list[1]); !good) return complain_of(good.error());
  }
  const auto store = open_store(root);
  if (!store) return complain_of(store.error());
  const int code = for_each_container(
      *store, {words.list[0]}, [&](const std::string& id, const std::string& word) -> Result<> {
        const auto spec = NUCLEUS_TRY(store->spec(id));
        if (one)
          return fail(Kind::usage, 0, "find the published port", words.list[1], why_none(spec));
        if (!as_json.value_or(false))
          complain("no port of " + word + " is published: " + why_none(spec));
        return {};
      });
  if (code != 0 || !as_json.value_or(false)) return code;
  return print_text("[]\n");
}

}  // namespace nucleus::cli
