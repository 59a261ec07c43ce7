#include "variant.h"

#include <inttypes.h>

#include <atomic>

#include "error.h"
#include "problem.h"
#include "structs.h"

namespace sepconv::internal {
namespace {

// Filled from the front, never emptied: a slot goes from NULL to a table once. So a reader needs no lock, and
// registering a table again meets it in its slot before it meets an empty one, whichever threads race.
std::atomic<const sepconv_variant_table*> slots[max_tables];

// Far above the channels and pixels of any register tile, or of a block of threads.
constexpr int64_t largest_tile = 1 << 16;

// A variant in its table, for sentences.
struct Entry {
  const char* library;
  const sepconv_variant& variant;
};

sepconv_status check_range(const Entry& entry, const char* field, int64_t value, int64_t least, int64_t most) {
  if (value >= least && value <= most) return SEPCONV_OK;
  return fail(SEPCONV_INVALID_ARGUMENT,
              "table \"%s\": variant \"%s\" has %s %" PRId64 ": it must be from %" PRId64 " to %" PRId64, entry.library,
              entry.variant.name, field, value, least, most);
}

sepconv_status check_axes(const Entry& entry, const char* field, const int64_t* values) {
  for (int axis = 0; axis < SEPCONV_MAX_SPATIAL_RANK; ++axis) {
    const int64_t most = axis < entry.variant.spatial_rank ? INT32_MAX : 0;
    if (values[axis] >= 0 && values[axis] <= most) continue;
    return fail(SEPCONV_INVALID_ARGUMENT,
                "table \"%s\": variant \"%s\" has %s[%d] %" PRId64 ": with spatial_rank %" PRId32
                " it must be from 0 to %" PRId64,
                entry.library, entry.variant.name, field, axis, values[axis], entry.variant.spatial_rank, most);
  }
  return SEPCONV_OK;
}

// What a GPU variant is called through.
sepconv_status check_driver(const Entry& entry, const sepconv_driver& d) {
  sepconv_status status;
  const int device = raw_value(d.device);
  if ((status = check_range(entry, "driver->device", device, SEPCONV_DEVICE_CUDA, SEPCONV_DEVICE_OPENCL)))
    return status;
  const int memory = device == SEPCONV_DEVICE_CUDA ? SEPCONV_MEMORY_CUDA : SEPCONV_MEMORY_OPENCL;
  if ((status = check_range(entry, "driver->memory", raw_value(d.memory), memory, memory))) return status;
  if (d.probe != nullptr && d.run != nullptr && d.release != nullptr && d.context_of != nullptr &&
      d.allocate != nullptr && d.free != nullptr && d.write != nullptr && d.read != nullptr && d.wait != nullptr) {
    return SEPCONV_OK;
  }
  return fail(SEPCONV_INVALID_ARGUMENT, "table \"%s\": variant \"%s\" has a driver that lacks a function",
              entry.library, entry.variant.name);
}

// A variant's numbers are compared with sizes and divided by, so nonsense is refused once, here: every field but the
// size of the object, which may be any.
sepconv_status check_variant(const char* library, size_t index, const sepconv_variant& v) {
  constexpr sepconv_status invalid = SEPCONV_INVALID_ARGUMENT;
  if (v.name == nullptr) return fail(invalid, "table \"%s\": variant %zu has no name", library, index);
  if (v.target == nullptr) return fail(invalid, "table \"%s\": variant \"%s\" has no target", library, v.name);
  if (v.entry == nullptr) return fail(invalid, "table \"%s\": variant \"%s\" has no entry", library, v.name);
  const Entry entry = {library, v};
  constexpr int most_dtype = SEPCONV_DTYPE_COUNT - 1;
  const struct {
    const char* field;
    int64_t value, least, most;
  } numbers[] = {{"spatial_rank", v.spatial_rank, 1, SEPCONV_MAX_SPATIAL_RANK},
                 {"layout", raw_value(v.layout), 0, SEPCONV_LAYOUT_COUNT - 1},
                 {"input_dtype", raw_value(v.input_dtype), 0, most_dtype},
                 {"weight_dtype", raw_value(v.weight_dtype), 0, most_dtype},
                 {"output_dtype", raw_value(v.output_dtype), 0, most_dtype},
                 {"stages", raw_value(v.stages), SEPCONV_STAGES_BOTH, SEPCONV_STAGES_DEPTHWISE},
                 {"activations", v.activations, 0, 1},
                 {"input_activation", v.input_activation, 0, 1},
                 {"depth_multiplier", v.depth_multiplier, 0, INT32_MAX},
                 {"in_channels", v.in_channels, 0, INT32_MAX},
                 {"out_channels", v.out_channels, 0, INT32_MAX},
                 {"channels_multiple", v.channels_multiple, 0, INT32_MAX},
                 {"max_image_bytes", v.max_image_bytes, 0, INT64_MAX},
                 {"max_reads", v.max_reads, 0, INT32_MAX},
                 {"min_pointwise_bytes", v.min_pointwise_bytes, 0, INT64_MAX},
                 {"chunk_channels", v.chunk_channels, 4, largest_tile},
                 {"panel_channels", v.panel_channels, 1, largest_tile},
                 {"tile_pixels", v.tile_pixels, 1, largest_tile},
                 {"depthwise_tile", v.depthwise_tile, 1, largest_tile},
                 {"depthwise_rows", v.depthwise_rows, 1, largest_tile},
                 {"sum_block", v.sum_block, 0, 1 << 30},
                 {"strip_pixels", v.strip_pixels, 0, 1 << 30},
                 {"dot_group", v.dot_group, is_quantised(v.weight_dtype) ? 1 : 0, is_quantised(v.weight_dtype) ? 4 : 0},
                 {"dot_offset", v.dot_offset, 0, is_quantised(v.weight_dtype) ? 128 : 0},
                 {"split", v.split, 0, v.driver == nullptr ? 0 : 1},
                 {"block_threads", v.block_threads, v.driver == nullptr ? 0 : 1, v.driver == nullptr ? 0 : 1024}};
  sepconv_status status;
  for (const auto& [field, value, least, most] : numbers) {
    if ((status = check_range(entry, field, value, least, most))) return status;
  }
  if (v.chunk_channels % 4 != 0) {
    return fail(invalid, "table \"%s\": variant \"%s\" has chunk_channels %" PRId32 ": it must be a multiple of 4",
                library, v.name, v.chunk_channels);
  }
  if (v.dot_group > 0 && v.chunk_channels % v.dot_group != 0) {
    return fail(invalid, "table \"%s\": variant \"%s\" has dot_group %" PRId32 ": it must divide chunk_channels",
                library, v.name, v.dot_group);
  }
  if ((status = check_axes(entry, "kernel_extent", v.kernel_extent))) return status;
  if ((status = check_axes(entry, "stride", v.stride))) return status;
  if ((status = check_axes(entry, "dilation", v.dilation))) return status;
  if ((status = check_axes(entry, "in_extent", v.in_extent))) return status;
  return v.driver == nullptr ? SEPCONV_OK : check_driver(entry, *v.driver);
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
