#include "plot/cairo.h"

#include <array>
#include <string>

#include "core/error.h"
#include "core/plugin.h"

namespace alx {

#define ALX_FUNCTION(library, name) decltype(&::name) name = nullptr;
#include "plot/cairo_functions.inc"
#undef ALX_FUNCTION

namespace {

enum DrawingLibrary { cairo, glib, gobject, pango, pangocairo, drawing_libraries };
// By the names of the ABI that the headers describe.
constexpr std::array<const char*, drawing_libraries> drawing_files{
    "libcairo.so.2", "libglib-2.0.so.0", "libgobject-2.0.so.0", "libpango-1.0.so.0",
    "libpangocairo-1.0.so.0"};

constexpr const char* drawing_advice =
    "; install cairo and pango (Debian: libcairo2 libpangocairo-1.0-0)";

void load_functions() {
  std::array<void*, drawing_libraries> handles{};
  for (size_t i = 0; i < handles.size(); ++i) {
    std::string reason;
    handles[i] = open_system_library(drawing_files[i], reason);
    check(handles[i] != nullptr, Code::unsupported, "cannot draw a figure: ", reason,
          drawing_advice);
  }
#define ALX_FUNCTION(library, name)                                                           \
  name = reinterpret_cast<decltype(&::name)>(function_of(handles[library], #name));           \
  check(name != nullptr, Code::unsupported, "cannot draw a figure: ", drawing_files[library], \
        " has no " #name, drawing_advice);
#include "plot/cairo_functions.inc"
#undef ALX_FUNCTION
}

}  // namespace

void load_cairo() {
  [[maybe_unused]] static const bool loaded = (load_functions(), true);  // again where it failed
}

}  // namespace alx
