#include "variant.h"

#include <inttypes.h>

#include <atomic>

#include "error.h"

namespace sepconv::internal {
namespace {

// Filled from the front, never emptied: a slot goes from NULL to a table once. So a reader needs no lock, and
// registering a table again meets it in its slot before it meets an empty one, whichever threads race.
std::atomic<const sepconv_variant_table*> slots[max_tables];

// A variant's numbers are compared with sizes and divided by, so nonsense is refused once, here.
sepconv_status check_variant(const char* library, size_t index, const sepconv_variant& variant) {
  constexpr sepconv_status invalid = SEPCONV_INVALID_ARGUMENT;
  if (variant.name == nullptr || variant.target == nullptr || variant.entry == nullptr) {
    return fail(invalid, "table \"%s\": variant %zu lacks a name, a target or an entry", library, index);
  }
  if (variant.spatial_rank < 1 || variant.spatial_rank > SEPCONV_MAX_SPATIAL_RANK) {
    return fail(invalid, "table \"%s\": variant \"%s\" has spatial_rank %" PRId32, library, variant.name,
                variant.spatial_rank);
  }
  if (variant.stages != SEPCONV_STAGES_BOTH && variant.stages != SEPCONV_STAGES_DEPTHWISE) {
    return fail(invalid, "table \"%s\": variant \"%s\" has stages %d", library, variant.name,
                static_cast<int>(variant.stages));
  }
  const struct {
    const char* name;
    int32_t value, least, divisor;
  } numbers[] = {
      {"chunk_channels", variant.chunk_channels, 4, 4}, {"panel_channels", variant.panel_channels, 1, 1},
      {"tile_pixels", variant.tile_pixels, 1, 1},       {"depthwise_tile", variant.depthwise_tile, 1, 1},
      {"depthwise_rows", variant.depthwise_rows, 1, 1}, {"sum_block", variant.sum_block, 0, 1},
      {"strip_pixels", variant.strip_pixels, 0, 1},
  };
  for (const auto& number : numbers) {
    if (number.value >= number.least && number.value % number.divisor == 0) continue;
    return fail(invalid,
                "table \"%s\": variant \"%s\" has %s %" PRId32 ": it must be a multiple of %" PRId32
                ", and at least %" PRId32,
                library, variant.name, number.name, number.value, number.divisor, number.least);
  }
  return SEPCONV_OK;
}

}  // namespace

sepconv_status check_table(const sepconv_variant_table* table) {
  constexpr sepconv_status invalid = SEPCONV_INVALID_ARGUMENT;
  if (table == nullptr) return fail(invalid, "table is NULL");
  if (table->abi != SEPCONV_VARIANT_ABI) {
    return fail(invalid,
                "table->abi is %" PRIu32 ", this library needs %d: build the variants and the runtime from one version",
                table->abi, SEPCONV_VARIANT_ABI);
  }
  if (table->variant_size != sizeof(sepconv_variant)) {
    return fail(invalid, "table->variant_size is %" PRIu32 ", this library needs %zu", table->variant_size,
                sizeof(sepconv_variant));
  }
  if (table->name == nullptr) return fail(invalid, "table->name is NULL");
  if (table->variants == nullptr && table->variant_count != 0) {
    return fail(invalid, "table \"%s\": variants is NULL, variant_count is %zu", table->name, table->variant_count);
  }
  for (size_t i = 0; i < table->variant_count; ++i) {
    if (sepconv_status status = check_variant(table->name, i, table->variants[i])) return status;
  }
  return SEPCONV_OK;
}

void registered_tables(Tables* tables, size_t limit) {
  tables->count = 0;
  for (; tables->count < limit && tables->count < max_tables; ++tables->count) {
    const sepconv_variant_table* table = slots[tables->count].load(std::memory_order_acquire);
    if (table == nullptr) return;
    tables->table[tables->count] = table;
  }
}

static sepconv_status register_table(const sepconv_variant_table* table) {
  if (sepconv_status status = check_table(table)) return status;
  for (std::atomic<const sepconv_variant_table*>& slot : slots) {
    const sepconv_variant_table* found = nullptr;
    if (slot.compare_exchange_strong(found, table, std::memory_order_acq_rel) || found == table) return SEPCONV_OK;
  }
  return fail(SEPCONV_OUT_OF_MEMORY, "table \"%s\": %zu tables are registered already, and there is room for no more",
              table->name, max_tables);
}

}  // namespace sepconv::internal

extern "C" sepconv_status sepconv_register(const sepconv_variant_table* table) {
  return sepconv::internal::register_table(table);
}
