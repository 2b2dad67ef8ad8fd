// Products of matrices of f32. Each element of the result is one chain of multiply-adds in the
// order of the depth, so its bits depend on nothing else: not on how many rows or columns are
// computed at once, nor on which thread does it.
#pragma once
#include <cstdint>

#include "backends/vectors/target.h"

namespace alx::vectors {

int64_t lanes(Target target);  // floats in a vector
// Columns of a panel, which is what the kernel reads of b at once: two vectors.
int64_t panel_width(Target target);

// c (rows x columns) = a (rows x depth) b (depth x columns), or c += a b. The depth may consist of
// several runs, of `depth` each, which a has a_run apart.
struct Product {
  int64_t rows, columns, depth;
  const float* a;
  int64_t a_row, a_depth;  // distances in floats, here and below
  // Row p of panel j lies at b + j * b_panel + p * b_row and is readable up to a whole vector.
  const float* b;
  int64_t b_panel, b_row;
  float* c;
  int64_t c_row;
  bool add = false;
  int64_t runs = 1, a_run = 0;
  const float* bias = nullptr;  // of each column; sums start with it, unless they are added
  bool relu = false;            // of what is written. Not-a-number stays
  bool past_caches = false;     // where c is larger than they are, and not read soon
};
void multiply(Target target, const Product& product);

// b as multiply() reads it fastest: panels one after the other, row after row in each, the last one
// filled up with zeros. Then b_panel is depth * panel_width() and b_row panel_width().
int64_t packed_columns(Target target, int64_t columns);
// `b` (depth x columns) has its elements `row` and `column` floats apart.
void pack(Target target, const float* b, int64_t depth, int64_t columns, int64_t row,
          int64_t column, float* packed);

}  // namespace alx::vectors
