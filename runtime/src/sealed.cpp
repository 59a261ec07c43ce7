#include "sealed.h"

#include <inttypes.h>
#include <string.h>

#include "error.h"

namespace sepconv::internal {
namespace {

SealedHeader header_of(const void* bytes) {
  SealedHeader header;
  memcpy(&header, bytes, sizeof header);
  return header;
}

// Of all that lies behind the header. Each step is one to one in the sum so far and in the word, so a word that differs
// always shows; the shift brings high bits down, so that changes of several do not cancel out.
uint64_t checksum_of(uint64_t size, const void* sealed) {
  const char* const bytes = static_cast<const char*>(sealed);
  uint64_t sum = Hash{}.value;
  for (uint64_t at = sizeof(SealedHeader); at < size; at += sizeof sum) {
    uint64_t word;
    memcpy(&word, bytes + at, sizeof word);
    sum = (sum ^ word) * Hash::prime;
    sum ^= sum >> 32;
  }
  return sum;
}

}  // namespace

void seal(SealedHeader header, void* bytes) {
  header.checksum = checksum_of(header.size, bytes);
  header.complement = ~header.checksum;
  memcpy(bytes, &header, sizeof header);
}

sepconv_status check_header(const SealedKind& kind, const SealedHeader& wanted, const void* bytes, const char* name) {
  const SealedHeader found = header_of(bytes);
  if (found.magic != wanted.magic) {
    return fail(kind.status, "%s does not begin with the mark of %s (of this byte order)", name, kind.mark);
  }
  if (found.version != wanted.version) {
    return fail(kind.status, "%s has format version %" PRIu64 ", this library reads %" PRIu64, name, found.version,
                wanted.version);
  }
  if (found.form != wanted.form) return fail(kind.status, "%s %s", name, kind.other_form);
  if (found.problem_hash != wanted.problem_hash) return fail(kind.status, "%s %s", name, kind.other_problem);
  if (found.size != wanted.size) {
    return fail(kind.status, "%s has a damaged header: its size is %" PRIu64 ", the plan's %" PRIu64, name, found.size,
                wanted.size);
  }
  if (found.complement != ~found.checksum) {
    return fail(kind.status, "%s has a damaged header: its checksum does not match the complement beside it", name);
  }
  if (found.zero != 0) {
    return fail(kind.status, "%s has a damaged header: its last number is %" PRIu64 ", not 0", name, found.zero);
  }
  return SEPCONV_OK;
}

sepconv_status check_sealed(const SealedKind& kind, const SealedHeader& wanted, const void* bytes, const char* name) {
  if (sepconv_status status = check_header(kind, wanted, bytes, name)) return status;
  const uint64_t said = header_of(bytes).checksum, checksum = checksum_of(wanted.size, bytes);
  if (checksum == said) return SEPCONV_OK;
  return fail(kind.status,
              "%s is damaged behind its header: what lies there has the checksum %016" PRIx64
              ", the header says %016" PRIx64,
              name, checksum, said);
}

}  // namespace sepconv::internal
