// Memory of the simulated machine: two views of the same pages, one for addresses that the host may
// not follow, one for the machine itself; and for each byte, who used it last.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cudasim/clock.h"
#include "cudasim/machine.h"

namespace alx::cudasim {

constexpr int pinned = -1;  // in place of a device

struct Use {
  size_t who = 0;
  uint64_t time = 0;
  std::string call;
};

class Allocation {
 public:
  Allocation(size_t bytes, int device);
  ~Allocation();
  Allocation(const Allocation&) = delete;
  Allocation& operator=(const Allocation&) = delete;

  int device() const { return device_; }
  size_t bytes() const { return bytes_; }
  char* address() const { return outside_ + page; }  // what the program under test holds
  char* content() const { return inside_ + page; }   // the same bytes, for the machine
  bool holds(const void* pointer) const;             // fences included
  bool fences_intact() const;

  // Notes the access and returns what is wrong with it, "" for nothing: a conflicting use that
  // `clock` does not know.
  std::string access(size_t first, size_t last, Access access, const Use& use, const Clock& clock);
  std::string last_unknown(const Clock& clock) const;  // a use that `clock` does not know, or ""

  // Of pinned memory: takes the bytes from the host until it knows of `use`; gives back what it
  // knows of.
  void lend(size_t first, size_t last, Access access, const Use& use);
  void give_back(const Clock& host);
  // the host touched what is lent: whom it disturbed; opens the memory again
  std::string trespass();

 private:
  static constexpr size_t page = 4096;
  struct Segment {
    size_t end;
    Use writer;  // time 0: none
    std::vector<Use> readers;
  };
  struct Loan {
    size_t first, last;
    Access access;
    Use use;
  };
  void split(size_t at);
  void protect() const;

  size_t bytes_, mapped_;
  int device_;
  char *outside_ = nullptr, *inside_ = nullptr;
  std::map<size_t, Segment> segments_;  // by their start; together they cover all bytes
  std::vector<Loan> loans_;
};

}  // namespace alx::cudasim
