// Values in weight files: element types, the JSON of the input and labels, names of models, and
// files of other tools.
#include <gmock/gmock.h>

#include <bit>
#include <cmath>
#include <limits>

#include "core/log.h"
#include "golden_folder.h"
#include "models/zoo.h"
#include "network/detect.h"
#include "weights/model_id.h"
#include "weights_files.h"

namespace alx {
namespace {

using ::testing::ElementsAre;

std::string golden(const std::string& name) {
  return (golden_folder() / "weights" / name).string();
}

// 0.25 i - 1, as golden/make_weights.py fills its tensors.
std::vector<float> ramp(std::initializer_list<int> indices) {
  std::vector<float> values;
  for (int i : indices) values.push_back(static_cast<float>(i) * 0.25f - 1);
  return values;
}

std::vector<float> ramp(int n) {
  std::vector<float> values;
  for (int i = 0; i < n; ++i) values.push_back(static_cast<float>(i) * 0.25f - 1);
  return values;
}

uint16_t stored16(DataType type, float value) {
  std::byte bytes[2];
  from_float(type, &value, bytes, 1);
  return static_cast<uint16_t>(static_cast<unsigned>(bytes[0]) | static_cast<unsigned>(bytes[1])
                                                                     << 8);
}

float loaded16(DataType type, uint16_t word) {
  const std::byte bytes[2] = {static_cast<std::byte>(word & 0xff),
                              static_cast<std::byte>(word >> 8)};
  float value = 0;
  to_float(type, bytes, &value, 1);
  return value;
}

TEST(Convert, EverySixteenBitValueComesBack) {
  for (DataType type : {DataType::f16, DataType::bf16}) {
    for (uint32_t word = 0; word <= 0xffff; ++word) {
      const float value = loaded16(type, static_cast<uint16_t>(word));
      const uint16_t back = stored16(type, value);
      if (std::isnan(value)) {
        ASSERT_TRUE(std::isnan(loaded16(type, back))) << word;
      } else {
        ASSERT_EQ(back, word) << name_of(type);
      }
    }
  }
}

// Between two neighbours: nearer one wins, the middle goes to the even one.
TEST(Convert, RoundsToNearestEven) {
  for (DataType type : {DataType::f16, DataType::bf16}) {
    const uint16_t infinity = type == DataType::f16 ? 0x7c00 : 0x7f80;
    for (uint16_t word = 0; word + 1 < infinity; ++word) {
      const float low = loaded16(type, word),
                  high = loaded16(type, static_cast<uint16_t>(word + 1));
      const float middle = static_cast<float>((double{low} + double{high}) / 2);
      if (middle == low || middle == high) continue;  // nothing lies between these two in f32
      const auto even = static_cast<uint16_t>(word + (word & 1));
      ASSERT_EQ(stored16(type, middle), even) << word;
      ASSERT_EQ(stored16(type, std::nextafter(middle, low)), word);
      ASSERT_EQ(stored16(type, std::nextafter(middle, high)), word + 1);
      ASSERT_EQ(stored16(type, -middle), 0x8000 | even);
    }
  }
}

TEST(Convert, Extremes) {
  const float infinity = std::numeric_limits<float>::infinity(),
              nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(stored16(DataType::f16, 65504), 0x7bff);
  EXPECT_EQ(stored16(DataType::f16, 65519.99f), 0x7bff);
  EXPECT_EQ(stored16(DataType::f16, 65520), 0x7c00);
  EXPECT_EQ(stored16(DataType::f16, -infinity), 0xfc00);
  EXPECT_EQ(stored16(DataType::f16, 1e-30f), 0);
  EXPECT_EQ(stored16(DataType::f16, -0.0f), 0x8000);
  EXPECT_EQ(stored16(DataType::bf16, std::numeric_limits<float>::max()), 0x7f80);
  EXPECT_EQ(stored16(DataType::bf16, infinity), 0x7f80);
  for (DataType type : {DataType::f16, DataType::bf16}) {
    EXPECT_TRUE(std::isnan(loaded16(type, stored16(type, nan))));
    // A payload in the low bits alone must not round to infinity.
    EXPECT_TRUE(std::isnan(loaded16(type, stored16(type, std::bit_cast<float>(0x7f800001u)))));
  }
  const std::byte bytes[2] = {std::byte{0x80}, std::byte{0x7f}};
  float values[2];
  to_float(DataType::i8, bytes, values, 2, 0.5f);
  EXPECT_THAT(values, ElementsAre(-64, 63.5));
  expect_error(Code::invalid_argument, {"I8"},
               [&] { from_float(DataType::i8, values, nullptr, 0); });
  expect_error(Code::invalid_argument, {"I32"}, [&] { to_float(DataType::i32, bytes, values, 0); });
}

TEST(InputJson, ReadsTheExampleAndComesBack) {
  const char* text =
      R"({"height":227, "width":227, "channel_order":"BGR", "scale":255, "mean":[104,117,123],
    "std":[1,1,1], "resize":{"mode":"short_side", "size":256, "interpolation":"bilinear", "antialias":true}, "crop":"center"})";
  const InputSpec input = input_from_json(text);
  EXPECT_EQ(input.height, 227);
  EXPECT_EQ(input.channel_order, "BGR");
  EXPECT_EQ(input.scale, 255);
  EXPECT_THAT(input.mean, ElementsAre(104, 117, 123));
  EXPECT_EQ(input.resize, InputSpec::Resize::short_side);
  EXPECT_EQ(input.resize_size, 256);
  EXPECT_EQ(to_json(input_from_json(to_json(input))), to_json(input));
  InputSpec other;
  other.mean = {0.485f, 0.456f, 0.406f};
  other.std = {0.229f, 0.224f, 0.225f};
  other.resize = InputSpec::Resize::none;
  EXPECT_NE(to_json(other).find("[0.485,0.456,0.406]"), std::string::npos) << to_json(other);
  EXPECT_EQ(input_from_json(to_json(other)).mean, other.mean);
  EXPECT_EQ(input_from_json(to_json(other)).resize, InputSpec::Resize::none);
  other.mean_image = "average";
  EXPECT_EQ(input_from_json(to_json(other)).mean_image, "average");
}

TEST(InputJson, NamesTheKeyThatIsWrong) {
  const std::string good =
      R"({"height":227,"width":227,"scale":1,"mean":[0,0,0],"resize":{"mode":"squash","size":256},"crop":"center"})";
  EXPECT_EQ(input_from_json(good).channel_order, "RGB");
  const auto refused = [&](const std::string& from, const std::string& to, const char* key) {
    std::string text = good;
    text.replace(text.find(from), from.size(), to);
    expect_error(Code::bad_file, {"alexnet.input", key}, [&] { input_from_json(text); });
  };
  refused("\"height\":227", "\"height\":0", "\"height\"");
  refused("\"height\":227", "\"height\":1.5", "\"height\"");
  refused("\"height\":227", "\"height\":-3", "\"height\"");
  refused("\"height\":227,", "", "\"height\" is missing");
  refused("\"width\":227", "\"width\":1000000000000", "\"width\"");
  refused("\"scale\":1", "\"scale\":0", "\"scale\"");
  refused("\"scale\":1", "\"scale\":1e300", "\"scale\"");
  refused("[0,0,0]", "[0,0]", "\"mean\"");
  refused("[0,0,0]", "[0,0,\"x\"]", "\"mean\"");
  refused("\"crop\"", "\"std\":[1,0,1],\"crop\"", "\"std\"");
  refused("\"crop\"", "\"channel_order\":\"GBR\",\"crop\"", "\"channel_order\"");
  refused("squash", "stretch", "\"resize.mode\" should be short_side or squash or none");
  refused("\"size\":256", "\"size\":0", "\"resize.size\"");
  refused("\"size\":256", "\"size\":256,\"interpolation\":\"cubic\"", "\"resize.interpolation\"");
  refused("\"size\":256", "\"size\":256,\"antialias\":1", "\"resize.antialias\"");
  refused("{\"mode\":\"squash\",\"size\":256}", "5", "resize");
  refused("center", "corner", "\"crop\"");
  refused("\"crop\"", "\"gamma\":2,\"crop\"", "\"gamma\" is not known");
  refused("\"crop\":\"center\"", "\"crop\":" + std::string(60, '[') + std::string(60, ']'),
          "\"crop\"");
  expect_error(Code::bad_file, {"alexnet.input"}, [] { input_from_json("[]"); });
  expect_error(Code::bad_file, {"not valid JSON"}, [] { input_from_json("{\"a\""); });
}

TEST(InputJson, PicturesOfAsManyPixelsAsTheLimit) {
  const auto json = [](int height, int size) {
    return cat(R"({"height":)", height,
               R"(,"width":100,"scale":1,"mean":[0,0,0],"resize":{"mode":"squash","size":)", size,
               "}}");
  };
  Limits limits;
  limits.pixels = 1000000;
  EXPECT_EQ(input_from_json(json(10000, 1000), limits).resize_size, 1000);
  expect_error(Code::unsupported, {"100 x 10001", "1000000"},
               [&] { input_from_json(json(10001, 1000), limits); });
  expect_error(Code::unsupported, {"1001 x 1001", "1000000"},
               [&] { input_from_json(json(10000, 1001), limits); });
  expect_error(Code::unsupported, {"65536 x 65536"}, [&] { input_from_json(json(100, 65536)); });
}

TEST(LabelsJson, RoundTripAndRefusals) {
  const std::vector<std::string> labels = {"tench, Tinca tinca", "caf\xc3\xa9", "\"q\"", ""};
  EXPECT_EQ(labels_from_json(labels_to_json(labels)), labels);
  expect_error(Code::bad_file, {"alexnet.labels"}, [] { labels_from_json("{}"); });
  expect_error(Code::bad_file, {"entry 1"}, [] { labels_from_json("[\"a\",3]"); });
  expect_error(Code::invalid_argument, {"UTF-8"}, [] { labels_to_json({"\xff"}); });
  expect_error(Code::bad_file, {"entry 1", "4096"},
               [] { labels_from_json("[\"a\",\"" + std::string(4097, 'a') + "\"]"); });
}

TEST(ModelName, ParsesAndRefuses) {
  EXPECT_EQ(parse_model_id("alexnet-2012/3").name, "alexnet-2012");
  EXPECT_EQ(parse_model_id("alexnet-2012/3").revision, 3);
  EXPECT_EQ(parse_model_id("alexnet").revision, 1);
  EXPECT_EQ(to_string(ModelId{"alexnet", 2}), "alexnet/2");
  for (const char* bad : {"", "/1", "a/", "a/0", "a/-1", "a/x", "a/1x", "a/99999999999"})
    expect_error(Code::bad_file, {"NAME/REVISION"}, [&] { parse_model_id(bad); });
}

// A file of this network's parameters that takes no room on the disk: the header, then a hole.
void save_sparse(const std::string& path, const std::vector<ParamSpec>& params) {
  std::string json;
  int64_t offset = 0;
  for (const ParamSpec& param : params) {
    std::string shape;
    for (int64_t d : param.shape) shape += cat(shape.empty() ? "" : ",", d);
    const int64_t end = offset + element_count(param.shape) * 4;
    json += cat(json.empty() ? "{" : ",", "\"", param.name, "\":{\"dtype\":\"F32\",\"shape\":[",
                shape, "],\"data_offsets\":[", offset, ",", end, "]}");
    offset = end;
  }
  save(path, raw_safetensors(json + "}", ""));
  std::filesystem::resize_file(path,
                               std::filesystem::file_size(path) + static_cast<uintmax_t>(offset));
}

TEST(ModelName, GuessedByNamesAndShapes) {
  const TempDir dir;
  std::vector<std::string> warnings;
  set_log_sink([&](LogLevel, const std::string& line) { warnings.push_back(line); });
  const auto guess = [&](const std::vector<ParamSpec>& params) {
    save_sparse(dir.file("a"), params);
    return guess_model(WeightFile::open(dir.file("a")));
  };
  EXPECT_EQ(guess(params_of(make_model("alexnet"))), "alexnet");
  EXPECT_EQ(guess(params_of(make_model("alexnet", {.classes = 7}))), "alexnet");
  EXPECT_EQ(guess(params_of(make_model("alexnet-2012-6conv"))), "alexnet-2012-6conv");
  EXPECT_EQ(guess(params_of(make_model("alexnet-cifar10"))), "alexnet-cifar10");
  EXPECT_TRUE(warnings.empty());
  // caffenet's are the same
  EXPECT_EQ(guess(params_of(make_model("alexnet-caffe"))), "alexnet-caffe");
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_NE(warnings[0].find("alexnet-caffe, caffenet"), std::string::npos) << warnings[0];
  set_log_sink({});
  std::vector<ParamSpec> params = params_of(make_model("alexnet"));
  params.front().shape[0] += 1;
  expect_error(Code::bad_file, {"fit none"}, [&] { guess(params); });
  write_safetensors(dir.file("b"), {}, {{"alexnet.model", "mine/4"}});
  EXPECT_EQ(guess_model(WeightFile::open(dir.file("b"))), "mine");
}

TEST(OtherTools, SafetensorsOfPython) {
  const WeightFile file = WeightFile::open(golden("plain.safetensors"));
  EXPECT_EQ(file.metadata("format"), "pt");
  EXPECT_EQ(values_of(file, "single"), ramp(6));
  EXPECT_EQ(values_of(file, "half"), ramp(5));
  EXPECT_EQ(values_of(file, "bfloat"), ramp(3));
  EXPECT_THAT(values_of(file, "scalar"), ElementsAre(2.5));
  EXPECT_THAT(values_of(file, "bytes"), ElementsAre(-64, 63.5, 2, -4));
  EXPECT_TRUE(file.faults().empty());
  expect_error(Code::unsupported, {"\"double\"", "F64"},
               [] { WeightFile::open(golden("double.safetensors")); });
}

class Torch : public ::testing::TestWithParam<const char*> {};

TEST_P(Torch, ReadsEveryTensor) {
  const WeightFile file = WeightFile::open(golden(GetParam()));
  EXPECT_EQ(file.tensors().size(), 11u);
  EXPECT_EQ(file.find("conv.weight")->shape, (Shape{2, 3, 2, 2}));
  EXPECT_EQ(values_of(file, "conv.weight"), ramp(24));
  EXPECT_EQ(values_of(file, "conv.bias"), ramp(2));
  EXPECT_EQ(file.find("half")->type, DataType::f16);
  EXPECT_EQ(values_of(file, "half"), ramp(5));
  EXPECT_EQ(file.find("bfloat")->type, DataType::bf16);
  EXPECT_EQ(values_of(file, "bfloat"), ramp(4));
  EXPECT_THAT(values_of(file, "scalar"), ElementsAre(2.5));
  EXPECT_TRUE(values_of(file, "empty").empty());
  EXPECT_EQ(values_of(file, "whole"), ramp(12));
  EXPECT_EQ(values_of(file, "rows"), ramp({3, 4, 5, 6, 7, 8}));
  EXPECT_EQ(values_of(file, "column"), ramp({1, 4, 7, 10}));
  EXPECT_EQ(values_of(file, "transposed"), ramp({0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11}));
  EXPECT_EQ(values_of(file, "channels_last"), ramp(12));
  EXPECT_TRUE(file.faults().empty());
}

INSTANTIATE_TEST_SUITE_P(Files, Torch,
                         ::testing::Values("zip.pth", "legacy.pth", "checkpoint.pth"));

TEST(OtherTools, TorchOfPython2AndModuleMetadata) {
  EXPECT_EQ(values_of(WeightFile::open(golden("python2.pth")), "weight"), ramp(6));
  const WeightFile linear = WeightFile::open(golden("linear.pth"));
  EXPECT_EQ(linear.find("weight")->shape, (Shape{3, 2}));
  EXPECT_EQ(linear.find("bias")->shape, (Shape{3}));
}

TEST(OtherTools, TorchTensorsThatAreNegatedWhenRead) {
  const WeightFile file = WeightFile::open(golden("negated.pth"));
  EXPECT_THAT(values_of(file, "negated"), ElementsAre(1, 0.75, 0.5, 0.25, 0, -0.25));
  EXPECT_THAT(values_of(file, "column"), ElementsAre(0.75, 0, -0.75, -1.5));
  EXPECT_THAT(values_of(file, "parameter"), ElementsAre(1, 0.75, 0.5));
}

TEST(OtherTools, TorchFilesThatAreRefused) {
  const auto refused = [](const char* name, std::initializer_list<const char*> why) {
    expect_error(Code::unsupported, why, [&] { WeightFile::open(golden(name)); });
  };
  refused("attack.pth", {"\"posix.system\"", "refused", "nothing is executed"});
  refused("module.pth", {"torch.nn.modules.linear.Linear"});
  refused("long.pth", {"torch.LongStorage"});
  refused("expanded.pth", {"\"expanded\"", "repeats"});
  refused("protocol4.pth", {"protocol 4"});
  refused("compressed.pth", {"is compressed"});
  expect_error(Code::bad_file, {"no dictionary"}, [] { WeightFile::open(golden("list.pth")); });
}

// Damage may change values (a .pth has no checksums that torch itself verifies), but nothing else
// may happen.
void damage_everywhere(const std::string& name) {
  const TempDir dir;
  const std::string path = dir.file("a"), good = load(golden(name));
  const auto open = [&](const std::string& bytes) {
    save(path, bytes);
    try {
      const WeightFile file = WeightFile::open(path);
      for (const TensorView& tensor : file.tensors()) values_of(file, tensor.name);
      return true;
    } catch (const Error& error) {
      EXPECT_TRUE(error.code() == Code::bad_file || error.code() == Code::unsupported)
          << error.what();
      return false;
    }
  };
  ASSERT_TRUE(open(good));
  for (size_t length = 0; length < good.size(); ++length)
    ASSERT_FALSE(open(good.substr(0, length))) << length;
  for (size_t at = 0; at < good.size(); ++at) {
    std::string bytes = good;
    for (int change : {0x01, 0xff}) {
      bytes[at] = static_cast<char>(good[at] ^ change);
      open(bytes);
    }
    ASSERT_FALSE(::testing::Test::HasFailure()) << at;
  }
}

TEST(OtherTools, DamagedTorchZip) { damage_everywhere("zip.pth"); }
TEST(OtherTools, DamagedTorchLegacy) { damage_everywhere("legacy.pth"); }

}  // namespace
}  // namespace alx
