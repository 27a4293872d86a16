#include "cli/run_flags.h"

#include "cli/parser.h"
#include "cli/verb.h"
#include "config/run_options.h"

namespace nucleus::cli {

Result<RunFlags> parse_run_flags(int argc, const char* const* argv) {
  RunFlags flags;
  config::Request& request = flags.request;
  Parser parser(kRunText);
  for (std::size_t index = 0; index < config::run_options().size(); ++index) {
    const char* const name = config::run_option_texts()[index].name;
    config::with_member(config::run_options()[index].into, request,
                        [&](auto& member) { parser.bind(name, member); });
  }
  Parsed parsed = NUCLEUS_TRY(parser.parse(argc, argv));
  flags.help = parsed.help;
  if (request.without_init) {
    if (request.draft.init) {
      return fail(Kind::usage, 0, "take both", "--init and --no-init", "give one of them");
    }
    request.draft.init = !*request.without_init;
  }
  request.draft.argv = std::move(parsed.rest);
  return flags;
}

}  // namespace nucleus::cli
