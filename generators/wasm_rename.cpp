// sepconv_wasm_rename: renames symbols that a WebAssembly object imports. What objcopy --redefine-sym does for other formats.
//
//   sepconv_wasm_rename INPUT OUTPUT OLD=NEW...
//
// An object is a header of 8 bytes and sections: an id, a size, contents. The import section (2) lists what comes from
// outside: a module, a name, a kind and its description. Relocations and symbols refer to imports by number, so only that
// section changes.
#include <cstdint>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <stdexcept>
#include <string>

namespace {

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
    case 0: in->number(); return;                      // a function: its type
    case 1: in->byte(), skip_limits(in); return;       // a table
    case 2: skip_limits(in); return;                   // a memory
    case 3: in->byte(), in->byte(); return;            // a global: type, mutability
    case 4: in->byte(), in->number(); return;          // a tag
    default: throw std::runtime_error("an import of a kind that is not known");
  }
}

std::string renamed_imports(const std::string& section, const std::map<std::string, std::string>& names) {
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

std::string renamed(const std::string& bytes, const std::map<std::string, std::string>& names) {
  constexpr size_t header = 8;
  constexpr uint8_t import_section = 2;
  if (bytes.compare(0, header, std::string("\0asm\1\0\0\0", header)) != 0)
    throw std::runtime_error("not a WebAssembly object");
  std::string out = bytes.substr(0, header);
  for (Reader in(bytes, header); !in.done();) {
    const uint8_t id = in.byte();
    const std::string section = in.text();
    out += static_cast<char>(id) + encoded(id == import_section ? renamed_imports(section, names) : section);
  }
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::cerr << "usage: sepconv_wasm_rename INPUT OUTPUT OLD=NEW...\n";
    return 2;
  }
  try {
    std::map<std::string, std::string> names;
    for (int i = 3; i < argc; ++i) {
      const std::string word = argv[i];
      const size_t equals = word.find('=');
      if (equals == std::string::npos) throw std::runtime_error("\"" + word + "\" is not OLD=NEW");
      names[word.substr(0, equals)] = word.substr(equals + 1);
    }
    std::ifstream input(argv[1], std::ios::binary);
    if (!input) throw std::runtime_error("cannot read it");
    const std::string bytes{std::istreambuf_iterator<char>(input), {}};
    const std::string result = renamed(bytes, names);
    std::ofstream output(argv[2], std::ios::binary);
    if (!output.write(result.data(), static_cast<std::streamsize>(result.size()))) throw std::runtime_error("cannot write");
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "sepconv_wasm_rename: " << argv[1] << ": " << error.what() << "\n";
    return 1;
  }
}
