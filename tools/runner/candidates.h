// What the tuner's generated source defines: the tables of the candidates, one variant each, and a null pointer at the
// end.
#ifndef SEPCONV_TOOLS_RUNNER_CANDIDATES_H
#define SEPCONV_TOOLS_RUNNER_CANDIDATES_H

#include "sepconv/variant_table.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef const sepconv_variant_table* (*sepconv_candidate)(void);

extern const sepconv_candidate sepconv_candidates[];

#ifdef __cplusplus
}
#endif

#endif  // SEPCONV_TOOLS_RUNNER_CANDIDATES_H
