#include <csignal>
#include <initializer_list>

#include "core/signals.h"

namespace alx {

struct NoSignals::Mask {
  sigset_t set;
};

NoSignals::NoSignals() : before_(std::make_unique<Mask>()) {
  sigset_t all;
  sigfillset(&all);
  for (const int own : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS, SIGPROF})
    sigdelset(&all, own);
  pthread_sigmask(SIG_SETMASK, &all, &before_->set);
}

NoSignals::~NoSignals() { pthread_sigmask(SIG_SETMASK, &before_->set, nullptr); }

}  // namespace alx
