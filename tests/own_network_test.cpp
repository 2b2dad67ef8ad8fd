// Networks outside the zoo, from training to answers: their weight files stand alone.
#include <gtest/gtest.h>

#include <cmath>

#include "colours.h"
#include "network/convert.h"
#include "network/named.h"
#include "network/session.h"
#include "refusal.h"
#include "train/trainer.h"
#include "weights/format.h"
#include "weights/spec_json.h"
#include "weights_files.h"

namespace alx {
namespace {

const char* const text = R"({"format":1, "name":"mine", "classes":5,
 "input":{"height":12,"width":12,"scale":1,"mean":[0.5,0.5,0.5],"resize":{"mode":"squash","size":12}},
 "aliases":{"middle":"relu2"}, "logits":"fc",
 "nodes":[
  {"name":"conv1","op":"conv","out":6,"kernel":3,"pad":1,"weight":"he"},
  {"name":"relu1","op":"relu"},
  {"name":"pool1","op":"max_pool","kernel":2,"stride":2},
  {"name":"conv2","op":"conv","out":8,"kernel":3,"pad":1,"weight":"he"},
  {"name":"relu2","op":"relu"},
  {"name":"drop","op":"dropout","drop":0.2},
  {"name":"fc","op":"linear","weight":"normal:0.05"},
  {"name":"prob","op":"softmax"}]})";

TrainOptions short_run() {
  TrainOptions options;
  options.recipe.batch = 16;
  options.recipe.epochs = 3;
  options.recipe.rate = 0.02f;
  options.threads = 1;
  return options;
}

class OwnNetwork : public testing::Test {
 protected:
  static NetSpec spec() { return network_named(text, {.classes = 3}); }
  std::string path(const std::string& name) const { return folder_.file(name); }
  // The metadata of a file, with one value changed; empty: taken away.
  std::string with(const std::string& from, const std::string& key, const std::string& value) {
    const WeightFile file = WeightFile::open(from);
    std::map<std::string, std::string> metadata = file.metadata();
    for (const char* own : {key_checksums, key_metadata_checksum, key_format, key_min_reader})
      metadata.erase(own);
    value.empty() ? static_cast<void>(metadata.erase(key))
                  : static_cast<void>(metadata[key] = value);
    std::vector<TensorToWrite> tensors;
    for (const TensorView& tensor : file.tensors())
      tensors.push_back({tensor.name, tensor.type, tensor.shape, [&](std::span<std::byte> out) {
                           std::ranges::copy(tensor.data, out.begin());
                         }});
    write_safetensors(path("changed.safetensors"), std::move(tensors), metadata);
    return path("changed.safetensors");
  }
  std::shared_ptr<const Dataset> data_ = std::make_shared<Colours>(96);
  const TempDir folder_;
};

TEST_F(OwnNetwork, IsTrainedStoppedAndGoesOn) {
  Trainer whole(spec(), data_, short_run());
  while (!whole.done()) whole.step();
  whole.save_weights(path("whole.safetensors"));
  Trainer first(spec(), data_, short_run());
  for (int step = 0; step < 7; ++step) first.step();
  first.save_checkpoint(path("half.safetensors"));
  const auto second = Trainer::resume(path("half.safetensors"), data_, as_written());
  EXPECT_EQ(second->spec().id, "mine");
  while (!second->done()) second->step();
  second->save_weights(path("resumed.safetensors"));
  EXPECT_EQ(load(path("whole.safetensors")), load(path("resumed.safetensors")));
}

TEST_F(OwnNetwork, ItsWeightFileStandsAlone) {
  Trainer trainer(spec(), data_, short_run());
  for (int step = 0; step < 12; ++step) trainer.step();
  trainer.save_weights(path("w.safetensors"));
  const auto model = Model::open(path("w.safetensors"));
  EXPECT_EQ(model->spec().id, "mine");
  EXPECT_EQ(model->labels(), (std::vector<std::string>{"red", "green", "blue"}));
  EXPECT_EQ(model->spec().find("middle")->name, "relu2");
  EXPECT_EQ(to_json(model->spec(), SpecPart::without_input_and_labels),
            to_json(spec(), SpecPart::without_input_and_labels));
  EXPECT_FALSE(has(model->file()->metadata(key_network), "\"input\":{"));
  SessionOptions wanted;
  wanted.outputs = {"middle"};
  Session session(model, wanted);
  const std::vector<float> picture(3 * 12 * 12, 0.25f);
  EXPECT_EQ(session.run(picture).size(), 3u);
  EXPECT_EQ(session.network().shape("middle"), (Shape{1, 8, 6, 6}));

  ConvertOptions halves;
  halves.stored = DataType::f16;
  convert_weights(path("w.safetensors"), path("half.safetensors"), halves);
  EXPECT_EQ(Model::open(path("half.safetensors"))->spec().id, "mine");
  EXPECT_EQ(Model::open(path("half.safetensors"))->file()->faults(), std::vector<std::string>{});

  TrainOptions options = short_run();
  options.init = path("w.safetensors");
  Trainer tuned(spec(), data_, options);
  EXPECT_EQ(tuned.network().read_param(0), trainer.network().read_param(0));
}

TEST_F(OwnNetwork, RatesOfLayersAreNoPartOfIt) {
  TrainOptions options = short_run();
  options.layer_rates["conv1"] = 0;
  Trainer trainer(spec(), data_, options);
  const std::vector<float> before = trainer.network().read_param(0);
  trainer.step();
  EXPECT_EQ(trainer.network().read_param(0), before);
  trainer.save_checkpoint(path("c.safetensors"));
  EXPECT_FALSE(has(WeightFile::open(path("c.safetensors")).metadata(key_network), "\"rate\":0,"));
  const auto resumed = Trainer::resume(path("c.safetensors"), data_, as_written());
  resumed->step();
  EXPECT_EQ(resumed->network().read_param(0), before);
}

// Nodes whose names begin as that of the last layer are no part of it.
TEST_F(OwnNetwork, TheLastLayerIsKnownByItsNodeAndNotByHowNamesBegin) {
  std::string other = text;
  const std::string before = R"({"name":"fc","op":"linear")";
  other.insert(other.find(before),
               R"({"name":"fc.1","op":"linear","out":3,"weight":"he"},{"name":"r","op":"relu"},)");
  const NetSpec two = network_named(other, {.classes = 3});
  Trainer first(two, data_, short_run());
  first.save_weights(path("w.safetensors"));
  TrainOptions options = short_run();
  options.init = path("w.safetensors");
  const auto more =
      std::make_shared<Colours>(96, std::vector<std::string>{"a", "b", "c", "d", "red"});
  Trainer tuned(network_named(other, {.classes = 5}), more, options);
  const auto& params = first.network().params();
  for (size_t i = 0; i < params.size(); ++i)
    if (params[i].spec.node != "fc") {
      EXPECT_EQ(tuned.network().read_param(i), first.network().read_param(i))
          << params[i].spec.name;
    }
}

TEST_F(OwnNetwork, AFileWithoutMetadataIsReadIntoTheSpecThatIsNamed) {
  Trainer(spec(), data_, short_run()).save_weights(path("w.safetensors"));
  ConvertOptions plain;
  plain.plain = true;
  convert_weights(path("w.safetensors"), path("plain.safetensors"), plain);
  EXPECT_TRUE(has(error_of([&] { Model::open(path("plain.safetensors")); }, Code::bad_file),
                  "does not say which network it is for"));
  EXPECT_EQ(Model::open(path("plain.safetensors"), text)->spec().classes, 3);
  save(path("net.json"), text);
  EXPECT_EQ(Model::open(path("plain.safetensors"), path("net.json"))->spec().id, "mine");
  EXPECT_TRUE(has(error_of([&] { Model::open(path("net.json")); }, Code::bad_file),
                  "begins as a network's spec, which holds no weights"));
}

TEST_F(OwnNetwork, WhatAFileCarriesIsChecked) {
  Trainer(spec(), data_, short_run()).save_weights(path("w.safetensors"));
  const std::string file = path("w.safetensors"),
                    network = WeightFile::open(file).metadata(key_network);
  const auto refusal = [&](const std::string& key, const std::string& value,
                           Code code = Code::bad_file) {
    const std::string changed = with(file, key, value);
    return error_of([&] { Model::open(changed); }, code);
  };
  const auto edited = [&](const std::string& from, const std::string& to) {
    std::string other = network;
    return other.replace(other.find(from), from.size(), to);
  };
  EXPECT_TRUE(has(refusal(key_input, ""), "it has alexnet.network, but no alexnet.input"));
  EXPECT_TRUE(has(refusal(key_network, "", Code::not_found), "no network is named \"mine\""));
  EXPECT_TRUE(has(refusal(key_network, edited("\"relu\"", "\"gelu\"")),
                  "alexnet.network: node \"relu1\": no op is called \"gelu\""));
  EXPECT_TRUE(has(refusal(key_network, edited("\"out\":6", "\"out\":7")),
                  "conv1.weight: 7 x 3 x 3 x 3 expected, 6 x 3 x 3 x 3 found"));
  EXPECT_TRUE(has(refusal(key_network, edited("\"classes\":3", "\"classes\":4")), "fc.weight"));
  EXPECT_TRUE(has(refusal(key_network, edited("\"name\":\"mine\"", "\"name\":\"yours\""),
                          Code::invalid_argument),
                  "holds weights of mine, not of yours"));
  EXPECT_TRUE(has(refusal(key_network, edited("\"name\":\"mine\"", "\"name\":\"alexnet\"")),
                  "its name is that of the library's alexnet"));
  EXPECT_TRUE(has(refusal(key_network, edited("\"aliases\"", "\"input\":{},\"aliases\"")),
                  "key \"input\" is not known"));
}

TEST_F(OwnNetwork, ANameInAFileIsNoPath) {
  Trainer(spec(), data_, short_run()).save_weights(path("w.safetensors"));
  save(path("net.json"), text);
  const WeightFile file = WeightFile::open(path("w.safetensors"));
  const std::string changed = with(path("w.safetensors"), key_network, "");
  const std::string other = with(changed, key_model, path("net.json") + "/1");
  EXPECT_TRUE(has(error_of([&] { Model::open(other); }, Code::not_found), "no network is named"));
}

}  // namespace
}  // namespace alx
