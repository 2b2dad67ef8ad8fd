// By what a resumed run knows its pictures again.
#pragma once
#include <nlohmann/json.hpp>
#include <string>

#include "data/dataset.h"

namespace alx {

// Of the names of all pictures, and the sizes and bytes of 64 that the seed draws: JSON.
std::string fingerprint_of(const Dataset& data, uint64_t seed);

// Where this set differs from that of the fingerprint, in words that name a picture; empty:
// nowhere. Throws json's exceptions where the fingerprint is damaged.
std::string difference_from(const nlohmann::json& fingerprint, const Dataset& data);

}  // namespace alx
