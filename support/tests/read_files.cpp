// What the reader says of each file that the command line names, one line a file: "ok" or its complaint.
#include <cstdio>
#include <exception>

#include "layer_file.h"

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    try {
      sepconv::support::read_layers(argv[i]);
      std::puts("ok");
    } catch (const std::exception& error) {
      std::puts(error.what());
    }
  }
}
