// Counts, and can fail, what a program asks malloc and its relatives and operator new for. Programs that use it link
// with --wrap (tests/CMakeLists.txt). What libraries ask malloc for does not pass here; what they ask operator new for
// does.
#ifndef SEPCONV_TESTS_SUPPORT_ALLOCATIONS_H
#define SEPCONV_TESTS_SUPPORT_ALLOCATIONS_H

namespace sepconv::test {

// What is watched: the loops that stand in for variants use operator new, where compiled variants use nothing.
enum class Watch { kMalloc, kNewToo };

// From here on count, and let allocation number `fail_at` (from 0) and all later ones fail; -1: none.
void watch_allocations(int fail_at = -1, Watch what = Watch::kMalloc);

// Stops watching; how many allocations there were since.
int allocations_seen();

// Allocations minus frees since the start of the program.
int allocations_alive();

}  // namespace sepconv::test

#endif  // SEPCONV_TESTS_SUPPORT_ALLOCATIONS_H
