// What weight files that were made to be expensive may cost: bytes asked of operator new, against
// the file's size.
#include <gmock/gmock.h>

#include <functional>

#include "allocations.h"
#include "models/zoo.h"
#include "network/detect.h"
#include "network/feature_index.h"
#include "network/named.h"
#include "torch_files.h"
#include "weights/hash.h"
#include "weights/json.h"
#include "weights/model_weights.h"
#include "weights_files.h"

namespace alx {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;
using torch::repeated;

size_t bytes_for(const std::function<void()>& act) {
  allocated = 0;
  act();
  return allocated;
}

std::vector<std::byte> in_memory(const std::string& bytes) {
  const auto* from = reinterpret_cast<const std::byte*>(bytes.data());
  return {from, from + bytes.size()};
}

WeightFile opened(const std::string& bytes, const Limits& limits = {}) {
  return WeightFile::open(in_memory(bytes), "f", limits);
}

// The file is refused in these words and not many, at no more than `times` its size.
void expect_refused(const std::string& bytes, Code code, const char* why, size_t times,
                    const Limits& limits = {}) {
  const size_t cost = bytes_for([&] {
    try {
      opened(bytes, limits);
      ADD_FAILURE() << "nothing was thrown";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code) << error.what();
      EXPECT_THAT(error.what(), HasSubstr(why));
      EXPECT_LT(std::string(error.what()).size(), 1000u);
    }
  });
  EXPECT_LT(cost, times * bytes.size()) << why;
}

// Work grows with the input, not with its square.
void expect_linear(const std::function<size_t(size_t)>& cost_of, size_t small) {
  const size_t once = cost_of(small), tenfold = cost_of(10 * small);
  EXPECT_LE(tenfold, 20 * once);
  EXPECT_GT(once, 0u);
}

TEST(CostOfPickles, CopiesOfAMemoisedList) {
  const size_t items = 10000, copies = 1000;
  const std::string pair = torch::tuple("NN") + torch::put(1),
                    many = repeated(torch::get(1), items);
  const std::string list = pair + "](" + many + "e" + torch::put(2),
                    all = pair + torch::tuple(many) + torch::put(2);
  const auto copied = [&](const std::string& made, const std::string& before,
                          const std::string& after) {
    expect_refused(
        torch::file("}(" + made + repeated(before + torch::get(2) + after, copies) + "u"),
        Code::bad_file, "copied over and over", 200);
  };
  copied(list, "ccollections\nOrderedDict\n", "\x85R");
  copied(all, "", "Q");
  copied(all, "ctorch._utils\n_rebuild_tensor\n", "R");
  copied(all, "ctorch._utils\n_rebuild_tensor_v2\n", "R");
  copied(all, "ctorch._utils\n_rebuild_parameter\n", "R");
}

TEST(CostOfPickles, WhatOneByteAdds) {
  Limits limits;
  limits.items = 1 << 16;
  const auto refused = [&](const std::string& pickle, size_t times) {
    expect_refused(torch::file(pickle), Code::unsupported, "over 65536 values, the limit of items",
                   times, limits);
  };
  const size_t count = 1 << 17;
  for (const std::string& item :
       {std::string("N"), std::string("]"), std::string(")"), torch::get(1)})
    refused("N" + torch::put(1) + repeated(item, count), 300);
  std::string memo = "N";
  for (size_t key = 0; key < count; ++key) memo += "r" + torch::little(key, 4);
  refused(memo, 30);
  expect_refused(torch::file(std::string(count, '(')), Code::unsupported, "64 deep", 10);
  limits.depth = 2;
  expect_error(Code::unsupported, {"over 2 deep"}, [&] { opened(torch::file("((("), limits); });
}

TEST(CostOfPickles, LongTextsThatAreUsedOften) {
  const std::string text = torch::text(std::string(100000, 'n')) + torch::put(1);
  const std::string type = "ctorch\nFloatStorage\n" + torch::put(2);
  const std::string tensor =
      torch::rebuilt("_rebuild_tensor", torch::row(torch::storage("0", 1), 1)) + torch::put(3);
  expect_refused(
      torch::file(torch::dict(text + tensor + repeated(torch::get(1) + torch::get(3), 1000)),
                  {{"0", "1234"}}),
      Code::bad_file, "occurs twice", 10);
  const std::string id =
      torch::tuple(torch::text("storage") + type + text + torch::text("cpu") + torch::number(1));
  expect_refused(
      torch::file("(" + id + torch::put(4) + "Q" + repeated(torch::get(4) + "Q", 1000) + "t"),
      Code::bad_file, "malformed", 10);
  expect_refused(
      torch::file("c" + std::string(100000, 'm') + "\n" + std::string(100000, 'n') + "\n"),
      Code::unsupported, "refused", 10);
}

// Tensors of no element: the fewest bytes that a tensor takes.
std::string many_tensors(size_t count, const std::string& shape = "[0]") {
  std::string json;
  for (size_t i = 0; i < count; ++i)
    json += cat(json.empty() ? "{" : ",", "\"", i, R"(":{"dtype":"I8","shape":)", shape,
                R"(,"data_offsets":[0,0]})");
  return raw_safetensors(json + "}");
}

TEST(CostOfHeaders, ManyTensors) {
  std::string zeros = "0";
  for (size_t i = 1; i < 64; ++i) zeros += ",0";
  for (const std::string& shape : {std::string("[0]"), "[" + zeros + "]"}) {
    const std::string bytes = many_tensors(20000, shape);
    EXPECT_LT(bytes_for([&] { EXPECT_THAT(opened(bytes).tensors(), SizeIs(20000)); }),
              25 * bytes.size());
  }
  expect_linear(
      [](size_t count) {
        const std::string bytes = many_tensors(count);
        return bytes_for([&] {
          const WeightFile file = opened(bytes);
          EXPECT_NE(file.find(cat(count - 1)), nullptr);
          EXPECT_EQ(file.find(cat(count)), nullptr);
          file.checksum();
        });
      },
      1000);
  Limits limits;
  limits.items = 99;
  EXPECT_THAT(opened(many_tensors(99), limits).tensors(), SizeIs(99));
  expect_error(Code::unsupported, {"over 99 tensors"}, [&] { opened(many_tensors(100), limits); });
}

std::string with_metadata(const std::string& key, const std::string& text) {
  return raw_safetensors(nlohmann::json{{"__metadata__", {{key, text}}}}.dump());
}

TEST(CostOfHeaders, ManyKeysOfMetadata) {
  const auto keys = [](size_t count) {
    std::string json;
    for (size_t i = 0; i < count; ++i) json += cat(json.empty() ? "{" : ",", "\"", i, R"(":"")");
    return raw_safetensors(R"({"__metadata__":)" + json + "}}");
  };
  expect_linear(
      [&](size_t count) {
        const std::string bytes = keys(count);
        return bytes_for([&] { EXPECT_THAT(opened(bytes).metadata(), SizeIs(count)); });
      },
      1000);
  Limits limits;
  limits.items = 99;
  EXPECT_THAT(opened(keys(99), limits).metadata(), SizeIs(99));
  expect_error(Code::unsupported, {"over 99 keys"}, [&] { opened(keys(100), limits); });
}

TEST(CostOfJson, NestsAndListsAreCountedFirst) {
  for (const char* part : {"[", "{\"a\":", "[{\"a\":"}) {
    const std::string text = repeated(part, 100000);
    EXPECT_LT(
        bytes_for([&] {
          expect_error(Code::unsupported, {"key", "64 deep"}, [&] { parse_json(text, "key"); });
        }),
        10000u);
  }
  Limits limits;
  limits.items = 1000;
  for (const char* part : {"[],", "1,", "\"\",", "{},"}) {
    const std::string text = "[" + repeated(part, 100000) + "1]";
    EXPECT_LT(bytes_for([&] {
                expect_error(Code::unsupported, {"key", "over 1000 entries"},
                             [&] { parse_json(text, "key", limits); });
              }),
              10000u);
    EXPECT_LT(bytes_for([&] { EXPECT_THAT(parse_json(text, "key"), SizeIs(100001)); }),
              80 * text.size());
  }
  limits.items = 4;
  EXPECT_EQ(parse_json(R"([",,[[{{\"[[",{"]":"\\"},1])", "key", limits).size(),
            3u);  // in texts nothing counts
  limits.depth = 2;
  EXPECT_EQ(parse_json("[[],[]]", "key", limits).size(), 2u);
  expect_error(Code::unsupported, {"2 deep"}, [&] { parse_json("[[[]]]", "key", limits); });
  expect_error(Code::bad_file, {"key is not valid JSON"},
               [&] { parse_json("[\"" + std::string(100000, 'a'), "key"); });
}

TEST(CostOfJson, AllMetadataIsReadWithTheFilesLimits) {
  const std::string brackets(100000, '[');
  for (const char* key : {"alexnet.labels", "alexnet.input"}) {
    const WeightFile file = opened(with_metadata(key, brackets));
    EXPECT_LT(bytes_for([&] {
                const std::vector<std::string> faults = file.faults();
                ASSERT_THAT(faults, SizeIs(1));
                EXPECT_THAT(faults[0], HasSubstr("64 deep"));
              }),
              4 * brackets.size());
  }
  Limits limits;
  limits.items = 3;
  EXPECT_THAT(opened(with_metadata("alexnet.labels", R"(["a","b","c"])"), limits).faults(),
              SizeIs(0));
  EXPECT_THAT(opened(with_metadata("alexnet.labels", R"(["a","b","c","d"])"), limits).faults(),
              SizeIs(1));
}

TEST(CostOfJson, AFeatureFileHasANameForEachRow) {
  const TempDir dir;
  const auto write = [&](size_t names) {
    const nlohmann::json images = std::vector<std::string>(names, "a");
    write_safetensors(
        dir.file("f"), {make_tensor("features", {30, 1}, std::vector<float>(30))},
        {{"alexnet.features.layer", "fc"}, {"alexnet.features.images", images.dump()}});
  };
  Limits limits;
  limits.items = 20;
  write(30);
  EXPECT_EQ(FeatureIndex::open(dir.file("f"), limits).size(), 30);
  write(31);
  expect_error(Code::unsupported, {"alexnet.features.images", "30 entries"},
               [&] { FeatureIndex::open(dir.file("f"), limits); });
}

TEST(CostOfAnswers, WordsDoNotGrowWithTheFile) {
  const std::string name = std::string(100000, 'm');
  for (const std::string& text : {name, name + "/1", "a/" + name}) {
    const WeightFile file = opened(with_metadata("alexnet.model", text));
    try {
      guess_model(file);
      ADD_FAILURE() << "nothing was thrown";
    } catch (const Error& error) {
      EXPECT_LT(std::string(error.what()).size(), 1000u);
    }
  }
  std::map<std::string, std::string> metadata{{"alexnet.format", "1"}, {"alexnet.min_reader", "1"}};
  metadata["alexnet.checksums"] = nlohmann::json{{"a", name}}.dump();
  metadata["alexnet.metadata_checksum"] = metadata_checksum(metadata);
  const nlohmann::json tensor{{"dtype", "I8"}, {"shape", {1}}, {"data_offsets", {0, 1}}};
  expect_refused(
      raw_safetensors(nlohmann::json{{"__metadata__", metadata}, {"a", tensor}}.dump(), "x"),
      Code::bad_file, "object of checksums", 20);
  const WeightFile strange =
      opened(with_metadata("alexnet.input", "{\"height\":\"" + name + "\"}"));
  EXPECT_LT(strange.faults().at(0).size(), 1000u);
  std::string json, data;
  for (size_t i = 0; i < 500; ++i) {
    json += cat(json.empty() ? "{" : ",", "\"", i,
                R"(":{"dtype":"F32","shape":[1],"data_offsets":[)", 4 * i, ",", 4 * i + 4, "]}");
    data += "\xff\xff\xff\xff";
  }
  const std::vector<std::string> faults = opened(raw_safetensors(json + "}", data)).faults();
  EXPECT_THAT(faults, SizeIs(101));
  EXPECT_THAT(faults.back(), HasSubstr("400 more"));
}

TEST(CostOfAnswers, ClassesThatTakeNoBytes) {
  for (const char* classes : {"1000000000", "1152921504606846976"}) {
    const std::string bytes = raw_safetensors(
        cat(R"({"__metadata__":{"alexnet.model":"alexnet-cifar10"},"fc6.weight":)",
            R"({"dtype":"F32","shape":[)", classes, R"(,0],"data_offsets":[0,0]}})"));
    EXPECT_LT(bytes_for([&] {
                expect_error(Code::bad_file, {"f"}, [&] { Model::open(in_memory(bytes)); });
              }),
              200000u);
  }
}

// A spec's nodes, inputs, aliases and labels each cost in proportion to their text, read or
// refused.
TEST(CostOfSpecs, GrowsWithTheText) {
  const auto spec = [](const std::string& aliases, const std::string& nodes, int64_t classes,
                       const std::string& labels) {
    return cat(
        R"({"format":1,"name":"n","classes":)", classes, labels,
        R"(,"input":{"height":1,"width":1,"scale":1,"mean":[0,0,0],"resize":{"mode":"none"}},)",
        R"("aliases":{)", aliases, R"(},"logits":"fc","nodes":[)", nodes,
        R"({"name":"fc","op":"linear","weight":0},{"name":"p","op":"softmax"}]})");
  };
  const auto many = [](size_t count, const std::string& before, const std::string& after) {
    std::string text;
    for (size_t i = 0; i < count; ++i) text += cat(before, i, after);
    return text;
  };
  const auto cost = [](const std::string& text) {
    return bytes_for([&] {
      try {
        network_named(text);
      } catch (const Error& error) {
        EXPECT_LT(std::string(error.what()).size(), 1000u);
      }
    });
  };
  expect_linear(
      [&](size_t n) {
        return cost(spec("", many(n, R"({"name":"r)", R"(","op":"relu"},)"), 2, ""));
      },
      400);
  expect_linear(
      [&](size_t n) {
        std::string inputs;
        for (size_t i = 0; i < n; ++i) inputs += R"(,"data")";
        return cost(
            spec("", cat(R"({"name":"c","op":"concat","inputs":["data")", inputs, "]},"), 2, ""));
      },
      400);
  expect_linear(
      [&](size_t n) { return cost(spec(many(n, "\"a", R"(":"fc",)") + R"("z":"fc")", "", 2, "")); },
      400);
  expect_linear(
      [&](size_t n) {
        return cost(spec("", "", static_cast<int64_t>(n) + 1,
                         cat(R"(,"labels":[)", many(n, "\"l", "\","), "\"z\"]")));
      },
      1000);
  const std::string keys = "{" + many(100'000, "\"k", "\":0,") + "\"z\":0}";
  EXPECT_LT(cost(keys), 60 * keys.size());
  const std::string huge(3 << 20, '{');
  EXPECT_LT(cost(huge), 2 * huge.size());
}

TEST(CostOfAnswers, TensorsThatBelongToNoNetworkAreCounted) {
  const std::vector<ParamSpec> params = params_of(make_model("alexnet-cifar10"));
  expect_linear(
      [&](size_t count) {
        const WeightFile file = opened(many_tensors(count));
        return bytes_for([&] {
          try {
            check_against(file, params, "n");
            ADD_FAILURE() << "nothing was thrown";
          } catch (const Error& error) {
            EXPECT_THAT(error.what(), HasSubstr(cat(count, " unexpected")));
            EXPECT_LT(std::string(error.what()).size(), 1000u);
          }
          EXPECT_THROW(guess_model(file), Error);
        });
      },
      1000);
}

}  // namespace
}  // namespace alx
