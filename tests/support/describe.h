// A problem as one line of text, for the messages of failing tests.
#ifndef SEPCONV_TESTS_SUPPORT_DESCRIBE_H
#define SEPCONV_TESTS_SUPPORT_DESCRIBE_H

#include <string>

#include "sepconv/sepconv.h"

namespace sepconv::test {

std::string describe(const sepconv_problem& problem);

}  // namespace sepconv::test

#endif  // SEPCONV_TESTS_SUPPORT_DESCRIBE_H
