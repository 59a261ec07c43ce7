/* Calls with any number where the interface has an enumeration: a C program may pass one, C++ may not. */
#ifndef SEPCONV_TESTS_SUPPORT_ANY_NUMBER_H
#define SEPCONV_TESTS_SUPPORT_ANY_NUMBER_H

#include "sepconv/sepconv.h"

#ifdef __cplusplus
extern "C" {
#endif

sepconv_status release_any_device(int device, void* context);
sepconv_status fold_at_any_position(const sepconv_problem* problem, int position, const sepconv_batch_norm* norm,
                                    void* kernel, void* bias);
/* Of all the functions that name an enumerator, the one of this index; whether there is one. */
int any_name(int function, int number, const char** name);

#ifdef __cplusplus
}
#endif

#endif
