#include "backends/onednn/runtime.h"

#include <omp.h>

#include "core/text.h"

namespace alx::onednn {

std::string Runtime::vectors_name() const { return cat("vectors:", vectors::name_of(target)); }

OneThread::OneThread() : before_(omp_get_max_threads()) {
  if (before_ != 1) omp_set_num_threads(1);
}

OneThread::~OneThread() {
  if (before_ != 1) omp_set_num_threads(before_);
}

}  // namespace alx::onednn
