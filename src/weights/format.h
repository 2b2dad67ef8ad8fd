// The constants of our safetensors metadata; docs/weight-format.md explains them. Internal to src/weights.
#pragma once
#include <cstdint>

namespace alx {

constexpr const char* key_format = "alexnet.format";
constexpr const char* key_min_reader = "alexnet.min_reader";
constexpr const char* key_checksums = "alexnet.checksums";
constexpr const char* key_metadata_checksum = "alexnet.metadata_checksum";
constexpr const char* key_producer = "alexnet.producer";
constexpr const char* key_model = "alexnet.model";
constexpr const char* key_input = "alexnet.input";
constexpr const char* key_labels = "alexnet.labels";

constexpr uint64_t format_version = 1;              // what we write, and the newest that we read
constexpr uint64_t max_header_bytes = 100'000'000;  // the limit of the safetensors library too
constexpr uint64_t header_alignment = 64;           // of 8 length bytes + JSON together, so of the first tensor
constexpr size_t checksum_digits = 32;
constexpr size_t max_dimensions = 64;
constexpr int64_t max_metadata_keys = 1 << 16;

}  // namespace alx
