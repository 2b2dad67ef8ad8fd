// cairo and pango, which are loaded when the first figure is drawn: they draw in twenty libraries,
// and most runs of a program draw nothing.
#pragma once
#include <cairo-svg.h>
#include <cairo.h>
#include <pango/pangocairo.h>

namespace alx {

// Under their own names, which hide those of the headers in this namespace; nothing is linked.
#define ALX_FUNCTION(library, name) extern decltype(&::name) name;
#include "plot/cairo_functions.inc"
#undef ALX_FUNCTION

// Before the first of them is called. Throws unsupported, with what to install.
void load_cairo();

}  // namespace alx
