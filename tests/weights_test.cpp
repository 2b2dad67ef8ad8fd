#include <gmock/gmock.h>

#include <cmath>
#include <limits>
#include <map>

#include "core/log.h"
#include "weights/model_weights.h"
#include "weights_files.h"

namespace alx {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<float> ramp(size_t n) {
  std::vector<float> values(n);
  for (size_t i = 0; i < n; ++i) values[i] = static_cast<float>(i) * 0.25f - 1;
  return values;
}

TensorToWrite bytes_tensor(const std::string& name, Shape shape, std::vector<int8_t> values) {
  return {name, DataType::i8, std::move(shape), [values](std::span<std::byte> out) {
            for (size_t i = 0; i < values.size(); ++i) out[i] = static_cast<std::byte>(values[i]);
          }};
}

std::vector<TensorToWrite> some_tensors() {
  std::vector<TensorToWrite> tensors;
  // first here, last in the file: narrow elements
  tensors.push_back(bytes_tensor("row", {2, 2}, {-128, 127, 1, -2}));
  tensors.push_back(bytes_tensor("one", {3}, {1, 2, 3}));
  tensors.push_back(make_tensor("conv.weight", {2, 3}, ramp(6)));
  tensors.push_back(make_tensor("half", {5}, ramp(5), DataType::f16));
  tensors.push_back(make_tensor("bfloat", {3}, ramp(3), DataType::bf16));
  tensors.push_back(make_tensor("row.scale", {2}, {0.5f, 2}));
  tensors.push_back(make_tensor("one.scale", {}, {10}));
  tensors.push_back(make_tensor("empty", {0}, {}));
  return tensors;
}

const std::map<std::string, std::string> some_metadata = {{"alexnet.model", "alexnet/1"},
                                                          {"note", "caf\xc3\xa9 \"x\"\n"}};

void expect_some(const WeightFile& file) {
  EXPECT_EQ(values_of(file, "conv.weight"), ramp(6));
  EXPECT_EQ(values_of(file, "half"), ramp(5));
  EXPECT_EQ(values_of(file, "bfloat"), ramp(3));
  EXPECT_THAT(values_of(file, "row"), ElementsAre(-64, 63.5, 2, -4));
  EXPECT_THAT(values_of(file, "one"), ElementsAre(10, 20, 30));
  EXPECT_TRUE(values_of(file, "empty").empty());
  EXPECT_EQ(file.tensors().size(), 8u);
  EXPECT_EQ(file.metadata("note"), some_metadata.at("note"));
}

TEST(Safetensors, RoundTripOfEveryType) {
  const TempDir dir;
  const std::string path = dir.file("a.safetensors");
  write_safetensors(path, some_tensors(), some_metadata);
  const WeightFile file = WeightFile::open(path);
  expect_some(file);
  EXPECT_THAT(file.faults(), ElementsAre());
  EXPECT_EQ(file.metadata("alexnet.format"), "1");
  EXPECT_EQ(file.metadata("alexnet.min_reader"), "1");
  EXPECT_THAT(file.metadata("alexnet.producer"), HasSubstr("libalexnet "));
  EXPECT_EQ(file.find("conv.weight")->shape, (Shape{2, 3}));
  EXPECT_EQ(file.find("nothing"), nullptr);
  const WeightFile copy = file;  // may outlive the first
  expect_some(copy);
  const auto header =
      static_cast<unsigned char>(load(path)[0]) + 256 * static_cast<unsigned char>(load(path)[1]);
  EXPECT_EQ((8 + header) % 64, 0);
  EXPECT_EQ(dir.files(), 1u);
  std::vector<float> wrong(5);
  expect_error(Code::invalid_argument, {"conv.weight", "6", "5"},
               [&] { file.read(file.tensors().front(), wrong); });
}

TEST(Safetensors, ReadInParts) {
  const TempDir dir;
  write_safetensors(dir.file("a"), some_tensors(), {});
  const WeightFile file = WeightFile::open(dir.file("a"));
  for (size_t part : {1, 3, 100}) {
    std::vector<float> values;  // of I8 with a scale for each row
    file.read_parts(*file.find("row"), part, [&](size_t first, std::span<const float> elements) {
      EXPECT_EQ(first, values.size());
      values.insert(values.end(), elements.begin(), elements.end());
    });
    EXPECT_THAT(values, ElementsAre(-64, 63.5, 2, -4));
  }
  expect_error(Code::invalid_argument, {"no elements"},
               [&] { file.read_parts(*file.find("row"), 0, [](auto...) {}); });
}

TEST(Safetensors, PlainHasNoMetadata) {
  const TempDir dir;
  write_safetensors(dir.file("a"), some_tensors(), some_metadata, true);
  const WeightFile file = WeightFile::open(dir.file("a"));
  EXPECT_TRUE(file.metadata().empty());
  EXPECT_EQ(values_of(file, "conv.weight"), ramp(6));
  EXPECT_EQ(load(dir.file("a")).find("__metadata__"), std::string::npos);
}

TEST(Safetensors, DamageIsRefusedOrHarmless) {
  const TempDir dir;
  const std::string path = dir.file("a");
  write_safetensors(path, some_tensors(), some_metadata);
  const std::string good = load(path);
  size_t refused = 0, tried = 0;
  for (size_t at = 0; at < good.size(); ++at) {
    for (int bit = 0; bit < 9; ++bit) {
      std::string bytes = good;
      bytes[at] = static_cast<char>(bytes[at] ^ (bit < 8 ? 1 << bit : 0xff));
      save(path, bytes);
      ++tried;
      try {
        expect_some(WeightFile::open(path));
      } catch (const Error& error) {
        ++refused;
        EXPECT_TRUE(error.code() == Code::bad_file || error.code() == Code::unsupported)
            << error.what();
      }
      if (HasFailure()) FAIL() << "byte " << at << " bit " << bit;
    }
  }
  EXPECT_EQ(refused, tried);
}

TEST(Safetensors, TruncationAtEveryLength) {
  const TempDir dir;
  const std::string path = dir.file("a");
  write_safetensors(path, some_tensors(), some_metadata);
  const std::string good = load(path);
  for (size_t length = 0; length < good.size(); ++length) {
    save(path, good.substr(0, length));
    expect_error(Code::bad_file, {path.c_str()}, [&] { WeightFile::open(path); });
  }
  save(path, good + "x");
  expect_error(Code::bad_file, {"follow the last tensor"}, [&] { WeightFile::open(path); });
}

TEST(Safetensors, HeadersThatLie) {
  const TempDir dir;
  const auto refused = [&](const std::string& bytes, const char* why, Code code = Code::bad_file) {
    save(dir.file("a"), bytes);
    expect_error(code, {why}, [&] { WeightFile::open(dir.file("a")); });
  };
  const auto tensor = [](const std::string& shape, const std::string& offsets,
                         const std::string& type = "F32") {
    return R"({"dtype":")" + type + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}";
  };
  const std::string a = tensor("[1]", "[0,4]"), b = tensor("[1]", "[4,8]"), data(8, '\0');
  save(dir.file("a"), raw_safetensors("{\"a\":" + a + ",\"b\":" + b + "}", data));
  // the form that the cases below break
  EXPECT_EQ(WeightFile::open(dir.file("a")).tensors().size(), 2u);
  refused(raw_safetensors("{\"a\":" + a + ",\"b\":" + tensor("[1]", "[2,6]") + "}", data),
          "overlap");
  refused(raw_safetensors("{\"a\":" + a + ",\"b\":" + tensor("[1]", "[5,9]") + "}", data + "x"),
          "gap");
  refused(raw_safetensors("{\"a\":" + a + ",\"a\":" + b + "}", data), "twice");
  refused(raw_safetensors(R"({"__metadata__":{"k":"1","k":"2"}})"), "twice");
  refused(raw_safetensors(R"({"__metadata__":{},"__metadata__":{}})"), "twice");
  refused(raw_safetensors(R"({"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}})",
                          "1234"),
          "twice");
  refused(raw_safetensors(R"({"a":{"dtype":"F32","shape":[1]}})", "1234"), "missing");
  refused(raw_safetensors(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"extra":1}})",
                          "1234"),
          "extra");
  refused(raw_safetensors("{\"a\":" + tensor("[2]", "[0,4]") + "}", "1234"), "does not take");
  refused(raw_safetensors("{\"a\":" + tensor("[4294967296,4294967296]", "[0,4]") + "}", "1234"),
          "does not take");
  refused(raw_safetensors(
              "{\"a\":" + tensor("[9223372036854775807,9223372036854775807,0]", "[0,0]") + "}"),
          "does not take");
  refused(raw_safetensors("{\"a\":" + tensor("[-1]", "[0,4]") + "}", "1234"), "negative");
  refused(raw_safetensors("{\"a\":" + tensor("[1.5]", "[0,4]") + "}", "1234"), "fraction");
  refused(raw_safetensors("{\"a\":" + tensor("[1]", "[0,18446744073709551616]") + "}", "1234"),
          "64 bits");
  refused(raw_safetensors("{\"a\":" + tensor("[1]", "[4,0]") + "}", "1234"), "4 to 0");
  refused(raw_safetensors("{\"a\":" + tensor("[1]", "[0,4,8]") + "}", "1234"), "number");
  refused(raw_safetensors("{\"a\":" + tensor("[1]", "[0]") + "}", "1234"), "two numbers");
  refused(raw_safetensors("{\"a\":" + tensor("[1]", "[0,8]", "F64") + "}", data), "F64",
          Code::unsupported);
  refused(raw_safetensors(R"({"__metadata__":{"k":1}})"), "a number");
  refused(raw_safetensors(R"({"a":[]})"), "an array");
  refused(raw_safetensors(R"({"a":{}} x)"), "missing");
  refused(raw_safetensors("{} x"), "JSON");
  refused(raw_safetensors(std::string("{}\0x", 4)), "zero byte");  // where many a parser ends
  refused(raw_safetensors(std::string(100000, '{')), "JSON");
  refused(raw_safetensors("{\"a\":" + std::string(100000, '[')), "an array");
  refused(std::string("\x00\xe1\xf5\x05\x01\x00\x00\x00{", 9), "100000000");  // over the limit
  refused(std::string("\xff\xff\xff\xff\xff\xff\xff\xff{", 9), "100000000");
  // within it, but not in the file
  refused(std::string("\x00\xe1\xf5\x05\x00\x00\x00\x00{", 9), "only 1 follow");
  refused("<html>not found</html>", "<html>not");
  refused("", "0 bytes");
}

TEST(Safetensors, UnalignedDataAndUnknownMetadata) {
  const TempDir dir;
  save(
      dir.file("a"),
      raw_safetensors(
          R"({"__metadata__":{"who":"knows"},"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]}} )",
          std::string("\0\0\xc0\x3f", 4)));
  ASSERT_NE(load(dir.file("a")).size() % 4, 0u);
  EXPECT_THAT(values_of(WeightFile::open(dir.file("a")), "a"), ElementsAre(1.5f));
}

TEST(Safetensors, RulesOfOurMetadata) {
  const TempDir dir;
  const auto refused = [&](const std::string& metadata, std::initializer_list<const char*> why,
                           Code code) {
    save(dir.file("a"), raw_safetensors("{\"__metadata__\":{" + metadata + "}}"));
    expect_error(code, why, [&] { WeightFile::open(dir.file("a")); });
  };
  refused(R"("alexnet.min_reader":"7")", {"format 7", "up to 1"}, Code::unsupported);
  refused(R"("alexnet.min_reader":"x")", {"whole number"}, Code::bad_file);
  refused(R"("alexnet.min_reader":"99999999999999999999")", {"whole number"}, Code::bad_file);
  refused(R"("alexnet.format":"1")", {"no alexnet.min_reader"}, Code::bad_file);
  refused(R"("alexnet.format":"1","alexnet.min_reader":"1","alexnet.checksums":"{}")",
          {"no alexnet.metadata_checksum"}, Code::bad_file);
  refused(
      R"("alexnet.format":"1","alexnet.min_reader":"1","alexnet.checksums":"{}","alexnet.metadata_checksum":"0")",
      {"metadata is damaged"}, Code::bad_file);
}

TEST(Safetensors, FaultsNamesDamageAndNonFinite) {
  const TempDir dir;
  std::vector<TensorToWrite> tensors;
  const float nan = std::numeric_limits<float>::quiet_NaN(),
              infinity = std::numeric_limits<float>::infinity();
  tensors.push_back(make_tensor("bad", {4}, {1, nan, -infinity, 2}));
  tensors.push_back(bytes_tensor("alone", {1}, {1}));
  write_safetensors(dir.file("a"), std::move(tensors),
                    {{"alexnet.input", "{"}, {"alexnet.model", "x/y"}});
  std::string bytes = load(dir.file("a"));
  EXPECT_THAT(WeightFile::open(dir.file("a")).faults(),
              ElementsAre(HasSubstr("2 values that are NaN"), HasSubstr("I8 without"),
                          HasSubstr("x/y"), HasSubstr("JSON")));
  bytes.back() = 2;
  save(dir.file("a"), bytes);
  const WeightFile file = WeightFile::open(dir.file("a"));
  EXPECT_THAT(file.faults(), testing::Contains(HasSubstr("\"alone\" is damaged")));
  expect_error(Code::bad_file, {"alone.scale"}, [&] { values_of(file, "alone"); });
  const std::vector<float> values = values_of(file, "bad");
  expect_error(Code::bad_file, {"\"bad\"", "element 1", "nan"},
               [&] { refuse_non_finite(values, "bad", "f"); });
  refuse_non_finite(ramp(3), "good", "f");
}

TEST(Saving, TargetStaysWholeOnEveryError) {
  const TempDir dir;
  const std::string path = dir.file("a");
  save(path, "old");
  std::vector<TensorToWrite> tensors = some_tensors();
  tensors.push_back(
      {"late", DataType::i8, {1}, [](std::span<std::byte>) { fail(Code::cancelled, "stopped"); }});
  expect_error(Code::cancelled, {"stopped"},
               [&] { write_safetensors(path, std::move(tensors), {}); });
  const auto invalid = [&](std::vector<TensorToWrite> bad,
                           std::map<std::string, std::string> metadata, const char* why) {
    expect_error(Code::invalid_argument, {why},
                 [&] { write_safetensors(path, std::move(bad), std::move(metadata)); });
  };
  tensors = some_tensors();
  tensors.push_back(make_tensor("half", {1}, {0}));
  invalid(std::move(tensors), {}, "twice");
  invalid({{"__metadata__", DataType::i8, {0}, [](auto) {}}}, {}, "may not be named");
  invalid({{"a", DataType::i32, {0}, [](auto) {}}}, {}, "I32");
  invalid({{"a", DataType::f32, {int64_t{1} << 62}, [](auto) {}}}, {}, "too large");
  invalid({}, {{"key", "\xff"}}, "UTF-8");
  EXPECT_EQ(load(path), "old");
  EXPECT_EQ(dir.files(), 1u);
}

TEST(Saving, TakesABareFileName) {
  std::vector<std::string> warnings;
  set_log_sink([&](LogLevel, const std::string& line) { warnings.push_back(line); });
  write_safetensors("bare.safetensors", {make_tensor("a", {1}, {1})}, {});
  set_log_sink({});
  EXPECT_EQ(WeightFile::open("bare.safetensors").tensors().size(), 1u);
  std::filesystem::remove("bare.safetensors");
  EXPECT_THAT(warnings, testing::IsEmpty());
}

TEST(Checking, SaysWhatDoesNotFit) {
  const TempDir dir;
  write_safetensors(
      dir.file("a"),
      {make_tensor("a.weight", {2, 3}, ramp(6)), make_tensor("extra", {1}, {1}),
       make_tensor("optimizer.a.weight", {1}, {1}), make_tensor("selftest.input", {1}, {1}),
       make_tensor("average", {1}, {1}), bytes_tensor("q", {1}, {1}),
       make_tensor("q.scale", {}, {1})},
      {{"alexnet.input",
        R"({"height":2,"width":2,"scale":1,"mean_image":"average","resize":{"mode":"none"}})"}});
  const WeightFile file = WeightFile::open(dir.file("a"));
  const ParamSpec a{"a.weight", "a", {2, 3}, {}}, q{"q", "q", {1}, {}};
  expect_error(Code::bad_file, {"the network n", "1 unexpected (\"extra\")"}, [&] {
    check_against(file, {a, q}, "n");
  });
  expect_error(
      Code::bad_file,
      {"1 missing (b.bias)", "a.weight: 3 x 2 expected, 2 x 3 found", "1 unexpected"}, [&] {
        check_against(file, {{"a.weight", "a", {3, 2}, {}}, {"b.bias", "b", {1}, {}}, q}, "n");
      });
  check_against(file, {a, q, {"extra", "e", {1}, {}}}, "n");
}

}  // namespace
}  // namespace alx
