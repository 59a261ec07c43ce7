#include "support/rows.h"

#include <cstring>

namespace sepconv::test {

std::vector<const sepconv_variant*> rows_under_test() {
  std::vector<const sepconv_variant*> rows;
  for (const sepconv_variant_table* table : tables_under_test()) {
    for (size_t i = 0; i < table->row_count; ++i) rows.push_back(&table->rows[i]);
  }
  return rows;
}

bool runnable(const sepconv_variant& row) {
  int can_run = 0;
  for (size_t i = 0; const char* name = sepconv_variant_name(i, &can_run); ++i) {
    if (std::strcmp(name, row.name) == 0) return can_run != 0;
  }
  return false;
}

}  // namespace sepconv::test
