// What torch's functions that rebuild tensors are given, and what of it a reader must not pass
// over.
#include <gmock/gmock.h>

#include <bit>
#include <cmath>

#include "torch_files.h"
#include "weights_files.h"

namespace alx {
namespace {

using ::testing::ElementsAre;
using torch::no, torch::none, torch::yes;

std::string bytes_of(const std::vector<float>& values, DataType type = DataType::f32) {
  std::string bytes(values.size() * size_of(type), '\0');
  from_float(type, values.data(), reinterpret_cast<std::byte*>(bytes.data()), values.size());
  return bytes;
}

WeightFile opened(const TempDir& dir, const std::string& object, const torch::Entries& storages,
                  const Limits& limits = {}) {
  save(dir.file("a.pth"), torch::file(object, storages));
  return WeightFile::open(dir.file("a.pth"), limits);
}

// The state_dict of one tensor "w", rebuilt from four floats.
std::string one(const std::string& tensor) { return torch::dict(torch::text("w") + tensor); }
const std::string window = torch::row(torch::storage("0", 4), 4);
const torch::Entries four = {{"0", bytes_of({1, -2, 0, 0.5f})}};

std::string v2(const std::string& more) {
  return one(torch::rebuilt("_rebuild_tensor_v2", window + more));
}
std::string marked(const std::string& key, const std::string& value) {
  return v2(no + "}" + torch::dict(torch::text(key) + value));
}

TEST(TorchTensors, EveryFormGivesTheStoredValues) {
  const TempDir dir;
  const std::string plain = torch::rebuilt("_rebuild_tensor_v2", window + no + "}");
  for (const std::string& object :
       {one(torch::rebuilt("_rebuild_tensor", window)), v2(no + "}"), v2(yes + none),
        v2(no + "}" + none), v2(no + "}}"), v2(no + "ccollections\nOrderedDict\n)R"),
        one(torch::rebuilt("_rebuild_parameter", plain + yes + "}"))})
    EXPECT_THAT(values_of(opened(dir, object, four), "w"), ElementsAre(1, -2, 0, 0.5f));
}

TEST(TorchTensors, NegatedOnesHaveTheOtherSign) {
  const TempDir dir;
  const std::string tensor = torch::rebuilt(
      "_rebuild_tensor_v2", window + no + "}" + torch::dict(torch::text("neg") + yes));
  for (const std::string& object :
       {one(tensor), one(torch::rebuilt("_rebuild_parameter", tensor + yes + "}"))}) {
    const WeightFile file = opened(dir, object, four);
    EXPECT_THAT(values_of(file, "w"), ElementsAre(-1, 2, 0, -0.5f));
    EXPECT_TRUE(std::signbit(values_of(file, "w")[2]));  // as torch negates a zero
    EXPECT_THAT(file.faults(), ElementsAre());
    write_safetensors(dir.file("same"), {make_tensor("w", {4}, {-1, 2, -0.0f, -0.5f})}, {});
    EXPECT_EQ(file.checksum(), WeightFile::open(dir.file("same")).checksum());
  }
}

TEST(TorchTensors, NegatedOnesOfEveryTypeAndStride) {
  const TempDir dir;
  const std::string marks = no + "}" + torch::dict(torch::text("neg") + yes);
  for (const auto& [name, type] :
       {std::pair("Float", DataType::f32), std::pair("Half", DataType::f16),
        std::pair("BFloat16", DataType::bf16)}) {
    const std::string shape = torch::tuple(torch::number(2) + torch::number(1) + torch::number(2));
    const std::string across = torch::tuple(torch::number(1) + torch::number(9) + torch::number(2));
    const std::string tensor =
        torch::storage("0", 5, name) + torch::number(1) + shape + across + marks;
    const WeightFile file = opened(dir, one(torch::rebuilt("_rebuild_tensor_v2", tensor)),
                                   {{"0", bytes_of({9, 1, 2, 3, -4}, type)}});
    EXPECT_THAT(values_of(file, "w"), ElementsAre(-1, -3, -2, 4)) << name;
  }
}

TEST(TorchTensors, WhatIsNotUnderstoodIsRefusedByTheTensorsName) {
  const TempDir dir;
  const auto refused = [&](const std::string& object, Code code, const char* why) {
    expect_error(code, {"tensor \"w\"", why}, [&] { opened(dir, object, four); });
  };
  refused(marked("conj", yes), Code::unsupported, "\"conj\"");
  refused(marked("neg", no), Code::unsupported, "\"neg\"");  // torch negates here
  refused(marked("neg", torch::number(1)), Code::unsupported, "\"neg\"");
  refused(v2(no + "}" + torch::dict(torch::text("neg") + yes + torch::text("scale") + yes)),
          Code::unsupported, "\"scale\"");
  refused(v2(no + "}" + torch::dict(torch::number(1) + yes)), Code::unsupported, "no text");
  refused(v2(no + "}" + yes), Code::bad_file, "no dictionary");
  refused(v2(no + torch::dict(torch::number(1) + none)), Code::bad_file, "no hooks");
  refused(v2(none + "}"), Code::bad_file, "requires_grad");
  refused(v2(no), Code::bad_file, "requires_grad");
  refused(v2(""), Code::bad_file, "requires_grad");
  refused(v2(no + "}}" + none), Code::bad_file, "metadata");
  refused(one(torch::rebuilt("_rebuild_tensor", window + no)), Code::bad_file, "other arguments");
  refused(one(torch::rebuilt("_rebuild_tensor", "")), Code::bad_file, "other arguments");
  const std::string plain = torch::rebuilt("_rebuild_tensor", window);
  const auto parameter = [](const std::string& items) {
    return one(torch::rebuilt("_rebuild_parameter", items));
  };
  refused(parameter(""), Code::bad_file, "a parameter");
  refused(parameter(plain), Code::bad_file, "a parameter");
  refused(parameter(none + yes + "}"), Code::bad_file, "a parameter");
  refused(parameter(plain + yes + torch::dict(torch::number(1) + none)), Code::bad_file,
          "a parameter");
  refused(parameter(plain + yes + "}" + torch::dict(torch::text("neg") + yes)), Code::bad_file,
          "a parameter");
}

TEST(TorchTensors, ShareTheirStorages) {
  const TempDir dir;
  const std::vector<float> values(1000, 1);
  const auto names = [](size_t count) {
    const std::string tensor =
        torch::rebuilt("_rebuild_tensor", torch::row(torch::storage("0", 1000), 1000));
    std::string items = torch::text("t") + tensor + torch::put(1);
    for (size_t i = 1; i < count; ++i) items += torch::text(cat(i)) + torch::get(1);
    return torch::dict(items);
  };
  EXPECT_EQ(values_of(opened(dir, names(8), {{"0", bytes_of(values)}}), "7"), values);
  expect_error(Code::unsupported, {"tensor", "8 times the file's bytes"}, [&] {
    opened(dir, names(100), {{"0", bytes_of(values)}});
  });
}

}  // namespace
}  // namespace alx
