// What a benchmark program carries beside the shipped variants (see sepconv_add_bench).
#ifndef SEPCONV_BENCH_OWN_VARIANTS_H
#define SEPCONV_BENCH_OWN_VARIANTS_H

#include "sepconv/variant_table.h"

namespace sepconv::bench {

// Null in sepconv_bench, which has the shipped variants only.
const sepconv_variant_table* own_variants();

// The layer file to read when the command line names none; "" if there is none.
const char* own_layers();

}  // namespace sepconv::bench

#endif  // SEPCONV_BENCH_OWN_VARIANTS_H
