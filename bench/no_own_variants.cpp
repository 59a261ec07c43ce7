#include "own_variants.h"

const sepconv_variant_table* sepconv::bench::own_variants() { return nullptr; }

const char* sepconv::bench::own_layers() { return ""; }
