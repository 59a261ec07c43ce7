#include "support/variants.h"

#include <cstring>

namespace sepconv::test {

std::vector<const sepconv_variant*> variants_under_test() {
  std::vector<const sepconv_variant*> variants;
  for (const sepconv_variant_table* table : tables_under_test()) {
    for (size_t i = 0; i < table->variant_count; ++i) variants.push_back(&table->variants[i]);
  }
  return variants;
}

bool runnable(const sepconv_variant& variant) {
  int can_run = 0;
  for (size_t i = 0; const char* name = sepconv_variant_name(i, &can_run); ++i) {
    if (std::strcmp(name, variant.name) == 0) return can_run != 0;
  }
  return false;
}

}  // namespace sepconv::test
