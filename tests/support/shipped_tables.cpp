// Variants under test: the shipped ones, and two libraries of layers compiled for this test.
#include "sepconv_default.h"
#include "sepconv_test_layers.h"
#include "sepconv_test_portable_layers.h"
#include "support/variants.h"

namespace sepconv::test {

const std::vector<const sepconv_variant_table*>& tables_under_test() {
  static const std::vector<const sepconv_variant_table*> tables = [] {
    const std::vector<const sepconv_variant_table*> all = {
        sepconv_default_variants(), sepconv_test_portable_layers_variants(), sepconv_test_layers_variants()};
    for (const sepconv_variant_table* table : all) sepconv_register(table);
    return all;
  }();
  return tables;
}

Effort effort() { return part_of({2000, 3e7, 8}); }

}  // namespace sepconv::test
