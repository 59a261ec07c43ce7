// A sound as a picture: time to the right, frequency upwards.
#ifndef SEPCONV_EXAMPLES_STREAM_FILTER_SPECTROGRAM_H
#define SEPCONV_EXAMPLES_STREAM_FILTER_SPECTROGRAM_H

#include "picture.h"
#include "wav.h"

namespace sepconv::examples {

// The magnitudes of both channels' sum, in decibels from -80 (dark) to 0, from 0 Hz to a quarter of the rate.
Picture draw_spectrogram(const Sound& sound, int width, int height);

}  // namespace sepconv::examples

#endif  // SEPCONV_EXAMPLES_STREAM_FILTER_SPECTROGRAM_H
