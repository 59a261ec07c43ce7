// What programs save and bring back, such as packed weights and the state of a stream: bytes behind a header of 64
// bytes that says what they are, and by which damage is found. There is no pointer inside, so they can be saved, mapped
// and shared.
#ifndef SEPCONV_SRC_SEALED_H
#define SEPCONV_SRC_SEALED_H

#include <stddef.h>
#include <stdint.h>

#include "sepconv/sepconv.h"

namespace sepconv::internal {

// FNV-1a over 64-bit words: stable from run to run and from machine to machine.
struct Hash {
  static constexpr uint64_t prime = 0x100000001b3u;
  uint64_t value = 0xcbf29ce484222325u;
  void add(int64_t word) {
    for (int shift = 0; shift < 64; shift += 8) {
      value ^= static_cast<uint64_t>(word) >> shift & 0xff;
      value *= prime;
    }
  }
};

// The magic is an integer, so bytes of a machine with another byte order do not match.
struct SealedHeader {
  uint64_t magic;
  uint64_t version;
  uint64_t form;          // packed weights: packing_id_of the variant; states: how many signals
  uint64_t problem_hash;  // what they are of
  uint64_t size;          // bytes, header included; a multiple of 8
  uint64_t checksum;      // of everything behind the header
  uint64_t complement;    // its bits turned round, so that damage to either shows without computing it
  uint64_t zero;
};
static_assert(sizeof(SealedHeader) == 64, "the header is a cache line");

// One kind of such bytes: the status of what is refused, and the sentences.
struct SealedKind {
  sepconv_status status;
  const char* mark;           // "packed weights", whose mark they begin with
  const char* other_form;     // behind the name, where the form is another
  const char* other_problem;  // behind the name, where problem_hash is another
};

// Writes the header in front of header.size bytes whose other bytes are in place, with their checksum.
void seal(SealedHeader header, void* bytes);

// kind.status, in a sentence that says what is wrong, unless the header is `wanted`, whatever the checksum. `name` is
// what the caller's function calls the bytes. check_sealed also compares the checksum.
sepconv_status check_header(const SealedKind& kind, const SealedHeader& wanted, const void* bytes, const char* name);
sepconv_status check_sealed(const SealedKind& kind, const SealedHeader& wanted, const void* bytes, const char* name);

}  // namespace sepconv::internal

#endif  // SEPCONV_SRC_SEALED_H
