#define LANES 16
#define TILES tiles_avx512
#include "backends/onednn/winograd_tiles.inc"
