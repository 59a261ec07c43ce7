#include "json_schema.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <stdexcept>
#include <utility>

namespace sepconv::support {
namespace {

using nlohmann::json;
using Pointer = json::json_pointer;
using Patterns = std::map<std::string, std::regex>;

// The keywords that Rules implements, and those that are no rules.
const std::set<std::string> kKeywords = {"$ref",     "additionalProperties",
                                         "const",    "enum",
                                         "if",       "items",
                                         "maxItems", "maxLength",
                                         "maximum",  "minItems",
                                         "minimum",  "minLength",
                                         "not",      "oneOf",
                                         "pattern",  "properties",
                                         "required", "then",
                                         "type",     "$defs",
                                         "$id",      "$schema",
                                         "default",  "description",
                                         "title",    "x-maxBytes"};

// Checks that every keyword is one that Rules implements, and compiles the patterns.
void read_keywords(const json& schema, Patterns* patterns) {
  for (const auto& [keyword, rule] : schema.items()) {
    if (kKeywords.count(keyword) == 0) throw std::logic_error("json_schema.cpp does not implement \"" + keyword + "\"");
    if (keyword == "additionalProperties" && rule != false)
      throw std::logic_error("json_schema.cpp implements \"additionalProperties\" where it is false");
    if (keyword == "properties" || keyword == "$defs") {
      for (const json& one : rule) read_keywords(one, patterns);
    } else if (keyword == "oneOf") {
      for (const json& one : rule) read_keywords(one, patterns);
    } else if (keyword == "items" || keyword == "if" || keyword == "then" || keyword == "not") {
      read_keywords(rule, patterns);
    } else if (keyword == "pattern") {
      patterns->try_emplace(rule.get<std::string>(), rule.get<std::string>());
    }
  }
}

bool is_integer(const json& value) {
  return value.is_number_integer() || (value.is_number_float() && std::trunc(value.get<double>()) == value);
}

// In characters: in UTF-8, the bytes that begin one.
json length(const std::string& text) {
  return std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; });
}

bool has_type(const json& value, const std::string& type) {
  return type == "integer" ? is_integer(value) : type == "number" ? value.is_number() : type == value.type_name();
}

// One schema of the document, and what it says of values.
class Rules {
 public:
  Rules(const json& document, const Patterns& patterns, const json& schema)
      : document_(document), patterns_(patterns), schema_(schema) {}

  std::optional<Violation> check(const json& value, const std::string& where) const {
    if (schema_.contains("$ref")) {
      if (auto found = referred().check(value, where)) return found;
    }
    if (schema_.contains("oneOf")) {
      if (auto found = check_alternatives(value, where)) return found;
    }
    if (!is_allowed(value)) return Violation{where, "is " + shown(value) + "; it must be " + wanted()};
    if (value.is_object()) return check_object(value, where);
    if (value.is_array() && schema_.contains("items")) {
      for (size_t i = 0; i < value.size(); ++i) {
        if (auto found = rules("items").check(value[i], where + "[" + std::to_string(i) + "]")) return found;
      }
    }
    return std::nullopt;
  }

  // "default", its own or of what it refers to.
  const json* default_value() const {
    if (schema_.contains("default")) return &schema_["default"];
    return schema_.contains("$ref") ? referred().default_value() : nullptr;
  }

 private:
  Rules of(const json& schema) const { return {document_, patterns_, schema}; }

  Rules rules(const char* keyword) const { return of(schema_[keyword]); }

  Rules referred() const { return of(document_.at(Pointer(schema_["$ref"].get_ref<const std::string&>().substr(1)))); }

  // The rules that look at the value alone, and not into it.
  bool is_allowed(const json& value) const {
    if (schema_.contains("const") && value != schema_["const"]) return false;
    if (schema_.contains("enum") && !holds(schema_["enum"], value)) return false;
    if (schema_.contains("type") && !is_typed(value)) return false;
    if (schema_.contains("not") && rules("not").is_allowed(value)) return false;
    if (value.is_number()) return at_least("minimum", value) && at_most("maximum", value);
    if (value.is_array()) return at_least("minItems", json(value.size())) && at_most("maxItems", json(value.size()));
    return !value.is_string() || is_allowed_text(value.get_ref<const std::string&>());
  }

  // The length first: a match may recurse once a character.
  bool is_allowed_text(const std::string& text) const {
    return at_least("minLength", length(text)) && at_most("maxLength", length(text)) &&
           (!schema_.contains("pattern") ||
            std::regex_search(text, patterns_.at(schema_["pattern"].get_ref<const std::string&>())));
  }

  bool at_least(const char* keyword, const json& number) const {
    return !schema_.contains(keyword) || number >= schema_[keyword];
  }

  bool at_most(const char* keyword, const json& number) const {
    return !schema_.contains(keyword) || number <= schema_[keyword];
  }

  static std::string inside(const std::string& where, const std::string& key) {
    const std::string quoted = shown(key);
    return (where.empty() ? "" : where + ".") + quoted.substr(1, quoted.size() - 2);
  }

  static bool holds(const json& list, const json& value) {
    return std::find(list.begin(), list.end(), value) != list.end();
  }

  bool is_typed(const json& value) const {
    const json& type = schema_["type"];
    if (type.is_string()) return has_type(value, type);
    return std::any_of(type.begin(), type.end(), [&](const json& one) { return has_type(value, one); });
  }

  std::optional<Violation> check_object(const json& value, const std::string& where) const {
    static const json none = json::object();
    const json& known = schema_.contains("properties") ? schema_["properties"] : none;
    for (const auto& [key, rule] : known.items()) {  // "version": of another one the rest need not be understood
      if (rule.contains("const") && value.contains(key) && value[key] != rule["const"])
        return of(rule).check(value[key], inside(where, key));
    }
    for (const auto& [key, part] : value.items()) {
      if (!known.contains(key)) {
        if (schema_.contains("additionalProperties")) return Violation{inside(where, key), "is not a known key"};
      } else if (auto found = of(known[key]).check(part, inside(where, key))) {
        return found;
      }
    }
    static const json nothing = json::array();
    const json& required = schema_.contains("required") ? schema_["required"] : nothing;
    for (const json& key : required) {
      if (!value.contains(key)) return Violation{inside(where, key), "is missing"};
    }
    if (!schema_.contains("if") || rules("if").check(value, where)) return std::nullopt;
    auto found = rules("then").check(value, where);
    const json conditions = schema_["if"].value("properties", none);
    for (const auto& [key, condition] : conditions.items()) {
      if (found) found->reason += ", where \"" + key + "\" is " + condition.value("const", json()).dump();
    }
    return found;
  }

  // Of no alternative: an object breaks a rule of the one that is an object, other values are not of the list.
  std::optional<Violation> check_alternatives(const json& value, const std::string& where) const {
    int fitting = 0;
    std::optional<Violation> of_object;
    for (const json& one : schema_["oneOf"]) {
      auto found = of(one).check(value, where);
      fitting += found ? 0 : 1;
      if (found && value.is_object() && of(one).has_objects()) of_object = std::move(found);
    }
    if (fitting == 1) return std::nullopt;
    if (of_object) return of_object;
    return Violation{where, "is " + shown(value) + "; it must be " + wanted()};
  }

  // Whether an object may keep the rules.
  bool has_objects() const {
    if (schema_.contains("$ref")) return referred().has_objects();
    const json alternatives = schema_.value("oneOf", json::array());
    return schema_.value("type", json()) == "object" ||
           std::any_of(alternatives.begin(), alternatives.end(),
                       [&](const json& one) { return of(one).has_objects(); });
  }

  // What a value must be, for people.
  std::string wanted() const {
    if (schema_.contains("title")) return schema_["title"].get<std::string>();
    if (schema_.contains("const")) return schema_["const"].dump();
    if (schema_.contains("enum")) return joined(schema_["enum"], [](const json& word) { return word.dump(); });
    if (schema_.contains("oneOf")) {
      return joined(schema_["oneOf"], [&](const json& one) { return of(one).wanted(); });
    }
    if (!schema_.contains("type")) return schema_.contains("$ref") ? referred().wanted() : "something else";
    const json& type = schema_["type"];
    if (type == "array") return wanted_list();
    if (type == "object") {
      const std::string keys =
          joined(schema_.value("required", json::array()), [](const json& key) { return key.dump(); }, " and ");
      return keys.empty() ? "an object" : "an object with " + keys;
    }
    if (type == "boolean") return "true or false";
    if (type == "string") return "a string";
    if (type.is_array()) return joined(type, [](const json& one) { return one.get<std::string>(); });
    const std::string article = type == "integer" ? "an " : "a ";
    const json least = schema_.value("minimum", json()), most = schema_.value("maximum", json());
    const std::string bounds = least.is_null()  ? most.is_null() ? "" : " of at most " + most.dump()
                                : most.is_null() ? " of at least " + least.dump()
                                                : " from " + least.dump() + " to " + most.dump();
    return article + type.get<std::string>() + bounds;
  }

  std::string wanted_list() const {
    const json least = schema_.value("minItems", json(0)), most = schema_.value("maxItems", json());
    std::string text = "a list of ";
    if (most.is_null()) {
      text += "at least " + least.dump();
    } else {
      text += least == most ? least.dump() : least.dump() + " to " + most.dump();
    }
    const std::string each = schema_.contains("items") ? rules("items").wanted() : "";
    return text + (each.empty() || each == "something else" ? "" : ", each " + each);
  }

  template <typename Text>
  static std::string joined(const json& list, const Text& text, const char* last = " or ") {
    std::string result;
    for (size_t i = 0; i < list.size(); ++i)
      result += (i == 0 ? "" : i + 1 < list.size() ? ", " : last) + text(list[i]);
    return result;
  }

  const json& document_;
  const Patterns& patterns_;
  const json& schema_;
};

Pointer place_of(const std::string& definition) { return Pointer("/$defs") / definition; }

}  // namespace

std::string shown(const json& value) {
  constexpr size_t kMost = 100;
  std::string text = value.dump(-1, ' ', true, json::error_handler_t::replace);
  if (text.size() <= kMost) return text;
  return text.substr(0, kMost - 4) + "..." + text.back();
}

JsonSchema::JsonSchema(json schema) : schema_(std::move(schema)) { read_keywords(schema_, &patterns_); }

std::optional<Violation> JsonSchema::check(const json& value) const {
  return Rules(schema_, patterns_, schema_).check(value, "");
}

std::optional<Violation> JsonSchema::check(const json& value, const std::string& definition) const {
  return Rules(schema_, patterns_, schema_.at(place_of(definition))).check(value, "");
}

json JsonSchema::with_defaults(json object, const std::string& definition) const {
  for (const auto& [key, property] : schema_.at(place_of(definition))["properties"].items()) {
    const json* otherwise = Rules(schema_, patterns_, property).default_value();
    if (otherwise != nullptr && !object.contains(key)) object[key] = *otherwise;
  }
  return object;
}

}  // namespace sepconv::support
