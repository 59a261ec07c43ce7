// Counts, and can fail, what the runtime asks malloc and its relatives for. Programs that use it link with
// sepconv_wrap_allocations (tests/CMakeLists.txt); the C++ library's own allocations do not pass here.
#ifndef SEPCONV_TESTS_SUPPORT_ALLOCATIONS_H
#define SEPCONV_TESTS_SUPPORT_ALLOCATIONS_H

namespace sepconv::test {

// From here on count, and let allocation number `fail_at` (from 0) and all later ones fail; -1: none.
void watch_allocations(int fail_at = -1);

// Stops watching; how many allocations there were since.
int allocations_seen();

// Allocations minus frees since the start of the program.
int allocations_alive();

}  // namespace sepconv::test

#endif  // SEPCONV_TESTS_SUPPORT_ALLOCATIONS_H
