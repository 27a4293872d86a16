// What a process that waits for long gives back meanwhile.
//
// Source: madvise(2) MADV_DONTNEED, dl_iterate_phdr(3).
#pragma once

namespace nucleus::sys {

/// Unmaps the pages of this program's code and constants, which stay in the page cache: what is
/// used again comes back by a minor fault. Nothing changes where the kernel refuses.
void release_code();

}  // namespace nucleus::sys
