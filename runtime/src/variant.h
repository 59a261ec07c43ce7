// The registry: which tables of compiled variants this process has been given.
#ifndef SEPCONV_SRC_VARIANT_H
#define SEPCONV_SRC_VARIANT_H

#include <stddef.h>

#include "sepconv/variant_table.h"

namespace sepconv::internal {

// The most tables (libraries of variants) one process can register.
inline constexpr size_t max_tables = 256;

// A list of tables in the order of their registration; what dispatch chooses from. Tests build their own.
struct Tables {
  const sepconv_variant_table* table[max_tables];
  size_t count;
};

// The tables registered so far: the first `limit` of them. Lock-free; a table once seen stays in its place for good.
void registered_tables(Tables* tables, size_t limit = max_tables);

// SEPCONV_OK if a table can be trusted with dispatch and planning, else SEPCONV_INVALID_ARGUMENT naming the table and
// the variant.
sepconv_status check_table(const sepconv_variant_table* table);

}  // namespace sepconv::internal

#endif  // SEPCONV_SRC_VARIANT_H
