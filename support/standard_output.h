// What a program prints has arrived, or it fails.
#ifndef SEPCONV_SUPPORT_STANDARD_OUTPUT_H
#define SEPCONV_SUPPORT_STANDARD_OUTPUT_H

namespace sepconv::support {

// To be called first in main: when the program ends, by whatever way, and standard output could not be written (a disk
// is full), it says so in a sentence and exits with 1.
void check_standard_output_at_exit(const char* program);

}  // namespace sepconv::support

#endif  // SEPCONV_SUPPORT_STANDARD_OUTPUT_H
