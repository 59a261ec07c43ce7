// How fast one core reads memory, measured: the other yardstick of a roofline.
#ifndef SEPCONV_SUPPORT_BANDWIDTH_H
#define SEPCONV_SUPPORT_BANDWIDTH_H

#include <cstdint>

namespace sepconv::support {

// GB/s (1e9 bytes) of one core that reads `bytes` bytes from end to end, again and again; the best of several passes.
// What level of the memory that is follows from the size.
double measure_bandwidth(int64_t bytes);

}  // namespace sepconv::support

#endif  // SEPCONV_SUPPORT_BANDWIDTH_H
