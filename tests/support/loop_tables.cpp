// Variants under test: the plain loops.
#include "support/loop_variant.h"
#include "support/variants.h"

namespace sepconv::test {

const std::vector<const sepconv_variant_table*>& tables_under_test() {
  static const std::vector<const sepconv_variant_table*> tables = [] {
    sepconv_register(loop_variants());
    return std::vector<const sepconv_variant_table*>{loop_variants()};
  }();
  return tables;
}

// Slow variants, and the compiled ones come after them.
Effort effort() { return part_of({300, 6e6, 3}); }

}  // namespace sepconv::test
