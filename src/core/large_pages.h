// Fewer, larger pages for memory that is read from end to end.
#pragma once
#include <cstddef>

namespace alx {

// Asks the system for large pages behind this memory, before it is touched; where it has none,
// nothing happens. Weights of a fully connected layer are read once an image: with 4 kB pages much
// of that time goes into looking pages up.
void ask_for_large_pages(void* memory, size_t bytes) noexcept;

}  // namespace alx
