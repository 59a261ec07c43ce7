// sepconv_symbols: gives a compiled variant the symbols that the library expects, for object formats that objcopy
// cannot do that for.
//
//   sepconv_symbols INPUT OUTPUT KEEP OLD=NEW...
//
// renames what the object wants from outside, and hides what it exports, but for KEEP.
//
// WebAssembly: a header of 8 bytes and sections: an id, a size, contents. The import section (2) lists what comes from
// outside: a module, a name, a kind and its description. Relocations and symbols refer to imports by number, so only
// that section changes. Nothing can be hidden without rewriting more; what is exported begins with the function's name.
//
// Mach-O: a header and load commands, one of which (LC_SYMTAB) says where the symbols and their names are. The names
// come last in an object, so new ones are appended to them. Hidden is "private extern".
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <stdexcept>
#include <string>

#include "files.h"

namespace {

using Names = std::map<std::string, std::string>;

class Reader {
 public:
  explicit Reader(const std::string& bytes, size_t at = 0) : bytes_(bytes), at_(at) {}

  size_t position() const { return at_; }
  bool done() const { return at_ >= bytes_.size(); }

  uint8_t byte() {
    if (done()) throw std::runtime_error("the file ends inside a section or a name");
    return static_cast<uint8_t>(bytes_[at_++]);
  }

  // LEB128: seven bits a byte, the lowest first.
  uint64_t number() {
    uint64_t value = 0;
    for (int shift = 0;; shift += 7) {
      const uint8_t part = byte();
      value |= uint64_t{part & 0x7fu} << shift;
      if ((part & 0x80) == 0) return value;
      if (shift > 56) throw std::runtime_error("a number is too long");
    }
  }

  std::string text() {
    const size_t length = number();
    if (length > bytes_.size() - at_) throw std::runtime_error("the file ends inside a section or a name");
    at_ += length;
    return bytes_.substr(at_ - length, length);
  }

 private:
  const std::string& bytes_;
  size_t at_;
};

std::string encoded(uint64_t value) {
  std::string bytes;
  do {
    const auto part = static_cast<unsigned char>(value & 0x7f);
    value >>= 7;
    bytes += static_cast<char>(part | (value != 0 ? 0x80 : 0));
  } while (value != 0);
  return bytes;
}

std::string encoded(const std::string& text) { return encoded(text.size()) + text; }

void skip_limits(Reader* in) {
  const uint64_t flags = in->number();
  in->number();
  if ((flags & 1) != 0) in->number();
}

// What follows the kind of an import.
void skip_description(Reader* in) {
  switch (in->byte()) {
    case 0:
      in->number();
      return;  // a function: its type
    case 1:
      in->byte(), skip_limits(in);
      return;  // a table
    case 2:
      skip_limits(in);
      return;  // a memory
    case 3:
      in->byte(), in->byte();
      return;  // a global: type, mutability
    case 4:
      in->byte(), in->number();
      return;  // a tag
    default:
      throw std::runtime_error("an import of a kind that is not known");
  }
}

std::string renamed_imports(const std::string& section, const Names& names) {
  Reader in(section);
  const uint64_t count = in.number();
  std::string out = encoded(count);
  for (uint64_t i = 0; i < count; ++i) {
    out += encoded(in.text());
    const std::string name = in.text();
    const auto found = names.find(name);
    out += encoded(found != names.end() ? found->second : name);
    const size_t description = in.position();
    skip_description(&in);
    out += section.substr(description, in.position() - description);
  }
  if (!in.done()) throw std::runtime_error("bytes are left behind the imports");
  return out;
}

std::string with_wasm_symbols(const std::string& bytes, const Names& names) {
  constexpr size_t header = 8;
  constexpr uint8_t import_section = 2;
  std::string out = bytes.substr(0, header);
  for (Reader in(bytes, header); !in.done();) {
    const uint8_t id = in.byte();
    const std::string section = in.text();
    out += static_cast<char>(id) + encoded(id == import_section ? renamed_imports(section, names) : section);
  }
  return out;
}

// A 32-bit number, as x86-64 and ARM store it.
uint32_t word(const std::string& bytes, size_t at) {
  if (at + 4 > bytes.size()) throw std::runtime_error("the file ends too early");
  uint32_t value = 0;
  for (size_t i = 4; i-- > 0;) value = value << 8 | static_cast<uint8_t>(bytes[at + i]);
  return value;
}

void set_word(std::string* bytes, size_t at, size_t value) {
  for (size_t i = 0; i < 4; ++i) (*bytes)[at + i] = static_cast<char>(value >> (8 * i));
}

// Every symbol of C has a '_' before it.
std::string with_macho_symbols(std::string bytes, const std::string& keep, const Names& names) {
  constexpr size_t header = 32, symbol = 16;
  constexpr uint32_t symbol_table = 2;
  constexpr unsigned debugging = 0xe0, outside = 0x01, private_outside = 0x10, kind = 0x0e;
  size_t command = header;
  for (uint32_t left = word(bytes, 16); word(bytes, command) != symbol_table; command += word(bytes, command + 4)) {
    if (--left == 0) throw std::runtime_error("no symbol table");
  }
  const size_t symbols = word(bytes, command + 8), count = word(bytes, command + 12);
  const size_t strings = word(bytes, command + 16), strings_end = strings + word(bytes, command + 20);
  if (strings_end != bytes.size()) throw std::runtime_error("the names are not the last thing in the file");
  for (size_t i = 0; i < count; ++i) {
    const size_t at = symbols + i * symbol, text = strings + word(bytes, at);
    if (text >= strings_end) throw std::runtime_error("a name lies outside the table of names");
    const std::string name = bytes.c_str() + text;
    const auto type = static_cast<uint8_t>(bytes.at(at + 4));
    if ((type & debugging) != 0 || (type & outside) == 0) continue;
    if ((type & kind) != 0) {
      if (name != "_" + keep) bytes[at + 4] = static_cast<char>(type | private_outside);
    } else if (const auto found = names.find(name.substr(1)); found != names.end()) {
      set_word(&bytes, at, bytes.size() - strings);
      bytes += "_" + found->second + '\0';
    }
  }
  set_word(&bytes, command + 20, bytes.size() - strings);
  return bytes;
}

std::string with_symbols(const std::string& bytes, const std::string& keep, const Names& names) {
  if (bytes.compare(0, 8, std::string("\0asm\1\0\0\0", 8)) == 0) return with_wasm_symbols(bytes, names);
  if (bytes.compare(0, 4, "\xcf\xfa\xed\xfe") == 0) return with_macho_symbols(bytes, keep, names);
  throw std::runtime_error("neither a WebAssembly nor a 64-bit Mach-O object");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::cerr << "usage: sepconv_symbols INPUT OUTPUT KEEP OLD=NEW...\n";
    return 2;
  }
  try {
    Names names;
    for (int i = 4; i < argc; ++i) {
      const std::string word = argv[i];
      const size_t equals = word.find('=');
      if (equals == std::string::npos) throw std::runtime_error("\"" + word + "\" is not OLD=NEW");
      names[word.substr(0, equals)] = word.substr(equals + 1);
    }
    std::ifstream input(argv[1], std::ios::binary);
    if (!input) throw std::runtime_error("cannot read it");
    const std::string bytes{std::istreambuf_iterator<char>(input), {}};
    const std::string result = with_symbols(bytes, argv[3], names);
    sepconv::support::write_file(argv[2], result);
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "sepconv_symbols: " << argv[1] << ": " << error.what() << "\n";
    return 1;
  }
}
