// The names and limits of our safetensors files, in one place; docs/weight-format.md explains them.
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
constexpr const char* key_network = "alexnet.network";  // of a network that is not of the zoo
// colour components of the training set, where there was noise
constexpr const char* key_pca = "alexnet.pca";
constexpr const char* key_solver = "alexnet.solver";  // of a checkpoint: where the run stands
// of a checkpoint: a fingerprint of the data
constexpr const char* key_pictures = "alexnet.pictures";

// Tensors that are no parameters.
// of a checkpoint: optimizer.STATE.PARAMETER
constexpr const char* optimizer_prefix = "optimizer.";
constexpr const char* self_test_prefix = "selftest.";
constexpr const char* self_test_input = "selftest.input";
constexpr const char* self_test_output = "selftest.output";
constexpr const char* scale_suffix = ".scale";  // of I8 weights

constexpr uint64_t format_version = 1;              // what we write, and the newest that we read
constexpr uint64_t max_header_bytes = 100'000'000;  // the limit of the safetensors library too
// of 8 length bytes + JSON together, so of the first tensor
constexpr uint64_t header_alignment = 64;
constexpr size_t checksum_digits = 32;
constexpr size_t max_dimensions = 64;
constexpr int64_t max_metadata_keys = 1 << 16;

}  // namespace alx
