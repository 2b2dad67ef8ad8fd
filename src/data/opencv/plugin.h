// Between the library and its plug-in of OpenCV. C alone: they may be of different compilers.
#pragma once
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef void alexnet_opencv_say(void* user, const char* text);

// The first picture of an encoded file as RGB, three bytes a pixel, rows without gaps, alpha laid
// over white. `rgb` has room for width x height, which the picture must have. What was wrong, and
// what OpenCV warns of, goes to `say`. 0: done; 1: it cannot be decoded; 2: too little memory.
// Its name grows with what changes here, so that another version's plug-in is not taken.
#define ALEXNET_OPENCV_DECODE "alexnet_opencv_decode_1"
typedef int alexnet_opencv_decode(const uint8_t* bytes, size_t size, int64_t width, int64_t height,
                                  uint8_t* rgb, alexnet_opencv_say* say, void* user);

#ifdef __cplusplus
}
#endif
