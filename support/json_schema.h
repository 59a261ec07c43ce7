// JSON Schema, as much of it as this project's schemas use.
#ifndef SEPCONV_SUPPORT_JSON_SCHEMA_H
#define SEPCONV_SUPPORT_JSON_SCHEMA_H

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <regex>
#include <string>

namespace sepconv::support {

// The first rule that a value breaks.
struct Violation {
  std::string
      where;  // "padding.before[1]": the value, or the key that is missing or not known; "" for the value itself
  std::string reason;  // goes on from there: "is 0; it must be an integer of at least 1"
};

// The value as a sentence has it: in JSON, in printable ASCII, with the middle of what is long left out.
std::string shown(const nlohmann::json& value);

class JsonSchema {
 public:
  // Throws std::logic_error for a keyword that is not implemented: a rule that nobody reads is one that nobody keeps.
  explicit JsonSchema(nlohmann::json schema);

  // Checks against the whole schema, or against one of its definitions ("layer").
  std::optional<Violation> check(const nlohmann::json& value) const;
  std::optional<Violation> check(const nlohmann::json& value, const std::string& definition) const;

  // What a keyword of the document says.
  const nlohmann::json& operator[](const char* keyword) const { return schema_.at(keyword); }

  // The object with the defaults of the definition's properties where it is silent.
  nlohmann::json with_defaults(nlohmann::json object, const std::string& definition) const;

 private:
  nlohmann::json schema_;
  std::map<std::string, std::regex> patterns_;  // compiled: of every "pattern"
};

}  // namespace sepconv::support

#endif  // SEPCONV_SUPPORT_JSON_SCHEMA_H
