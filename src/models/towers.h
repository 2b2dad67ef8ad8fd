// What the two-tower networks share. Suffix a is slot 0, suffix b slot 1; tower a's channels come
// before tower b's. The original's tower b reads some of its inputs the other way round, so weights
// of that code need their input blocks swapped.
#pragma once
#include <string>

#include "models/builder.h"

namespace alx::models {

// Moves to a tower's slot.
inline void enter_tower(NetBuilder& net, const std::string& tower) {
  net.slot(tower == "a" ? 0 : 1);
}

// `name`: both towers' `what`, on the slot of the tower that reads it.
inline void join(NetBuilder& net, const std::string& name, const std::string& what) {
  net.add(name, Concat{}, {what + "a", what + "b"});
}

// fc6 to prob over the nodes `features`a and `features`b: 2048 units a tower, fc8 on slot 0.
NetSpec finish_dense_towers(NetBuilder& net, const std::string& features);

// Input and recipe of the paper's section 5; the schedule is the one the released code's 2012 run
// took.
InputSpec paper_input(int64_t side);
Recipe paper_recipe();

}  // namespace alx::models
