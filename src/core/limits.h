// What a file from a stranger may cost its reader, beyond what the file's own size explains.
#pragma once
#include <cstdint>

namespace alx {

// Each reader checks its own before it allocates or works, and names the limit where it refuses.
struct Limits {
  int64_t pixels = int64_t{1} << 27;  // of one picture
  // pixels of a JPEG times the scans that each walk over them
  int64_t scan_pixels = int64_t{1} << 31;
  // read into memory at once: a picture's file, a set's file after unpacking
  int64_t bytes = int64_t{1} << 30;
  // values of a pickle; entries of a list or object in JSON; tensors
  int64_t items = int64_t{1} << 20;
  int64_t depth = 64;  // lists, dictionaries and objects inside each other
};

}  // namespace alx
