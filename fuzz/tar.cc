// Archives that nucleus cp is given on standard input.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string_view>

#include "archive/tar.h"
#include "sys/file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const nucleus::sys::UniqueFd file(::memfd_create("tar", MFD_CLOEXEC));
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (!nucleus::sys::write_all(file.get(), bytes, "tar")) return 0;
  ::lseek(file.get(), 0, SEEK_SET);
  const auto reader = std::make_unique<nucleus::archive::TarReader>(file.get());
  for (;;) {
    const auto entry = reader->next();
    if (!entry || !*entry) return 0;
    if ((*entry)->path.empty() || (*entry)->path.find('\0') != std::string::npos) std::abort();
    std::uint64_t read = 0;
    for (;;) {
      const auto part = reader->data();
      if (!part || part->empty()) break;
      read += part->size();
    }
    if ((*entry)->kind == nucleus::archive::EntryKind::file && read > (*entry)->size) std::abort();
  }
}
