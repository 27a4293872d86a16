// Devices of the host that are given.
#include <algorithm>

#include "spec/validator.h"

namespace nucleus::spec {
namespace {

// What nucleus itself puts into /dev.
constexpr std::string_view kOwn[] = {"null",  "zero",   "full",   "random", "urandom",
                                     "tty",   "ptmx",   "pts",    "shm",    "fd",
                                     "stdin", "stdout", "stderr", "mqueue"};
constexpr std::size_t kMostDevices = 32;

bool is_access(const std::string& text) {
  return !text.empty() && text.size() <= 3 && text.find_first_not_of("rwm") == std::string::npos;
}

}  // namespace

// PATH[:INSIDE][:rwm], read from its end: a PATH may hold colons (/dev/serial/by-path has them).
void Validator::device(const std::string& item) {
  const char* const form =
      "write PATH[:INSIDE][:rwm], both absolute, INSIDE below /dev; such as /dev/fuse, "
      "/dev/ttyUSB0:/dev/modem, /dev/sr0:r";
  std::string path = item;
  std::string access = "rw";
  if (const std::size_t colon = path.rfind(':');
      colon != std::string::npos && is_access(path.substr(colon + 1))) {
    access = path.substr(colon + 1);
    path.erase(colon);
  }
  std::string inside = path;
  if (const std::size_t colon = path.rfind(":/"); colon != std::string::npos) {
    inside = path.substr(colon + 1);
    path.erase(colon);
  }
  Device device{.source = path, .target = normal_path(inside), .flag = "--device " + item};
  device.read = access.find('r') != std::string::npos;
  device.write = access.find('w') != std::string::npos;
  if (!path.starts_with('/') || has_nul(item) || device.target.empty() ||
      (!device.read && !device.write))
    return refuse("--device", item, form);
  if (!device.target.starts_with("/dev/")) {
    return refuse("--device", item,
                  "a device is shown below /dev: name a place there, as in " + path + ":/dev/NAME");
  }
  const std::string first = device.target.substr(5, device.target.find('/', 5) - 5);
  if (std::ranges::find(kOwn, first) != std::end(kOwn)) {
    return refuse("--device", item,
                  "the container has a '/dev/" + first + "' of its own; choose another place");
  }
  if (!targets_.insert(device.target).second) {
    return refuse("--device", item, "'" + device.target + "' is already the place of another one");
  }
  spec_.devices.push_back(std::move(device));
  if (spec_.devices.size() == kMostDevices + 1) refuse("--device", item, "at most 32 devices");
}

}  // namespace nucleus::spec
