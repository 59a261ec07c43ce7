// A layer as the words of a command line, which survive every shell between here and a board.
#ifndef SEPCONV_TOOLS_RUNNER_PROBLEM_WORDS_H
#define SEPCONV_TOOLS_RUNNER_PROBLEM_WORDS_H

#include <string>
#include <vector>

#include "sepconv/sepconv.h"

namespace sepconv::runner {

// KEY=VALUE with the keys of a layer file and lists joined by commas: spatial=56,56 cin=128 cout=128 kernel=3,3
// strides=1,1 dilation=1,1 mult=1 n=1 data_format=channels_last padding=same (or before=0,0 after=1,1) mid_bias=1
// out_bias=1 {input,mid,out}_activation=relu6 (a name, or lo:hi); dtype=float64; stages=depthwise, which has no cout.
// Throws std::runtime_error that quotes the word.
sepconv_problem problem_of(const std::vector<std::string>& words);

}  // namespace sepconv::runner

#endif  // SEPCONV_TOOLS_RUNNER_PROBLEM_WORDS_H
