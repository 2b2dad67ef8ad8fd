// Counter-based random numbers: a draw is a pure function of its key and index, so results do not
// depend on the order of threads, on placement, or on where a run was resumed. Philox4x32-10 of
// Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3".
#pragma once
#include <array>
#include <cmath>
#include <cstdint>
#include <string_view>

namespace alx {

// FNV-1a, 64 bits: turns a node's name into a stream number that is the same everywhere.
constexpr uint64_t hash_name(std::string_view name) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return hash;
}

class Random {
 public:
  // `stream` separates users of one seed (a node, a purpose); `step` separates times.
  constexpr Random(uint64_t seed, uint64_t stream, uint64_t step)
      : key_{low(seed) ^ low(stream), high(seed) ^ high(stream)}, step_(mix(step ^ mix(stream))) {}

  // What words() is made of, for those that compute many at once.
  struct Key {
    std::array<uint32_t, 2> key, counter;  // counter: its upper half
  };
  static constexpr uint32_t multipliers[] = {0xD2511F53u, 0xCD9E8D57u};
  static constexpr uint32_t weyl[] = {0x9E3779B9u, 0xBB67AE85u};
  static constexpr int rounds = 10;
  constexpr Key key() const { return {key_, {low(step_), high(step_)}}; }

  // Four independent 32-bit words for this index.
  constexpr std::array<uint32_t, 4> words(uint64_t index) const {
    std::array<uint32_t, 4> c{low(index), high(index), low(step_), high(step_)};
    uint32_t k0 = key_[0], k1 = key_[1];
    for (int round = 0; round < rounds; ++round) {
      const uint64_t p0 = uint64_t{multipliers[0]} * c[0], p1 = uint64_t{multipliers[1]} * c[2];
      c = {high(p1) ^ c[1] ^ k0, low(p1), high(p0) ^ c[3] ^ k1, low(p0)};
      k0 += weyl[0];
      k1 += weyl[1];
    }
    return c;
  }

  // Uniform in [0, 1), 24 bits.
  constexpr float uniform(uint64_t index) const { return to_unit(words(index)[0]); }

  // Uniform integer in [0, n); n > 0. The bias is below n / 2^64.
  uint64_t below(uint64_t index, uint64_t n) const {
    const auto w = words(index);
    const uint64_t x = (uint64_t{w[1]} << 32) | w[0];
    const uint64_t n_high = n >> 32, n_low = low(n), x_high = x >> 32, x_low = low(x);
    const uint64_t middle = x_high * n_low + ((x_low * n_low) >> 32);
    return x_high * n_high + (middle >> 32) + ((low(middle) + x_low * n_high) >> 32);
  }

  // Standard normal, by Box and Muller.
  float normal(uint64_t index) const {
    const auto w = words(index);
    const double u = (w[0] + 0.5) * 0x1p-32, v = w[1] * 0x1p-32;
    return static_cast<float>(std::sqrt(-2.0 * std::log(u)) * std::cos(6.283185307179586 * v));
  }

  static constexpr float to_unit(uint32_t word) { return static_cast<float>(word >> 8) * 0x1p-24f; }

 private:
  static constexpr uint32_t low(uint64_t x) { return static_cast<uint32_t>(x); }
  static constexpr uint32_t high(uint64_t x) { return static_cast<uint32_t>(x >> 32); }
  static constexpr uint64_t mix(uint64_t x) {  // the finaliser of SplitMix64
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
  }
  std::array<uint32_t, 2> key_;
  uint64_t step_;
};

}  // namespace alx
