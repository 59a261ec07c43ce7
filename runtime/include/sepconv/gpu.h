/// @file
/// What sepconv::gpu adds to the runtime, for the tables of GPU variants; programs only need to link it. Nothing of
/// CUDA or OpenCL is linked: their libraries are opened when a plan for them is asked for, and a program that has GPU
/// variants starts without.
#ifndef SEPCONV_GPU_H
#define SEPCONV_GPU_H

#include "sepconv/sepconv.h"
#include "sepconv/variant_table.h"

#ifdef __cplusplus
extern "C" {
#endif

extern const sepconv_driver sepconv_cuda_driver;
extern const sepconv_driver sepconv_opencl_driver;

#ifdef __cplusplus
}  // extern "C"
#endif

#endif  // SEPCONV_GPU_H
