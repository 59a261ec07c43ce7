// schema/layers.schema.json has the words of sepconv/words.inc; where it has fewer, the reason stands here.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "sepconv/sepconv.hpp"

namespace sepconv::test {
namespace {

using Words = std::set<std::string>;

template <typename Enum>
Words words_of() {
  Words words;
  for (int value = 0; const char* word = name(static_cast<Enum>(value)); ++value) words.insert(word);
  return words;
}

Words in_schema(const char* pointer) {
  std::ifstream file(SEPCONV_LAYERS_SCHEMA);
  return nlohmann::json::parse(file).at(nlohmann::json::json_pointer(pointer)).get<Words>();
}

Words without(Words words, const char* word) {
  EXPECT_EQ(words.erase(word), 1u) << word;
  return words;
}

TEST(Words, LayoutsAreThoseOfTheSchema) {
  EXPECT_EQ(in_schema("/$defs/layer/properties/data_format/enum"), words_of<sepconv_layout>());
}

// Explicit padding is written as its numbers.
TEST(Words, PaddingsAreThoseOfTheSchema) {
  EXPECT_EQ(in_schema("/$defs/layer/properties/padding/oneOf/0/enum"),
            without(words_of<sepconv_padding>(), "explicit"));
}

// A clamp is written as its bounds.
TEST(Words, ActivationsAreThoseOfTheSchema) {
  Words all = in_schema("/$defs/clamp/oneOf/0/enum");
  all.merge(in_schema("/$defs/activation/oneOf/1/enum"));
  EXPECT_EQ(all, without(words_of<sepconv_activation_kind>(), "clamp"));
}

// Layers of integers need scales, which layer files do not have.
TEST(Words, DtypesOfTheSchemaAreThoseOfFloatingPoint) {
  Words floating;
#define SEPCONV_DTYPE_WORD(value, name, variant_name, code, bits) \
  if (std::string(#code).find("float") != std::string::npos) floating.insert(name);
#include "sepconv/words.inc"
  EXPECT_EQ(in_schema("/$defs/layer/properties/dtype/enum"), floating);
}

TEST(Words, NamesAndValuesAreEachOthersInverse) {
  for (int value = 0; value < SEPCONV_ACTIVATION_COUNT; ++value) {
    const auto kind = static_cast<sepconv_activation_kind>(value);
    EXPECT_EQ(from_name<sepconv_activation_kind>(name(kind)), kind);
  }
  EXPECT_EQ(from_name<sepconv_dtype>("float31"), std::nullopt);
  EXPECT_EQ(name(static_cast<sepconv_padding>(SEPCONV_PADDING_COUNT)), nullptr);
}

TEST(Words, StatusesHaveTheirOwnNames) {
  Words names;
  for (int value = 0; value < SEPCONV_STATUS_COUNT; ++value) {
    names.insert(sepconv_status_name(static_cast<sepconv_status>(value)));
  }
  EXPECT_EQ(names.size(), static_cast<size_t>(SEPCONV_STATUS_COUNT));
  EXPECT_STREQ(sepconv_status_name(SEPCONV_DEVICE_FAILED), "SEPCONV_DEVICE_FAILED");
  EXPECT_STREQ(sepconv_status_name(static_cast<sepconv_status>(SEPCONV_STATUS_COUNT)), "unknown status");
}

}  // namespace
}  // namespace sepconv::test
