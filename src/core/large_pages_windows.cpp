#include "core/large_pages.h"

namespace alx {

void ask_for_large_pages(void*, size_t) noexcept {}  // Windows wants a privilege for them

}  // namespace alx
