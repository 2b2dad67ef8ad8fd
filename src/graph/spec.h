// A network as data: nodes in order, each with its op, its inputs by name and its logical device.
#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "graph/ops.h"

namespace alx {

// How a picture becomes the network's input. Stored in weight files as `alexnet.input`.
constexpr int64_t max_input_side = 65536;
struct InputSpec {
  int64_t height = 224, width = 224;
  int64_t channels = 3;  // another number where a program feeds no pictures; in no file
  std::string channel_order = "RGB";  // or "BGR"
  // pixel bytes are mapped to 0..scale, then (v - mean) / std
  float scale = 1;
  std::vector<float> mean = {0, 0, 0}, std = {1, 1, 1};  // in channel_order
  // names a tensor (3, size, size) to subtract instead of `mean`; empty: none
  std::string mean_image;
  enum class Resize { short_side, squash, none } resize = Resize::short_side;
  int64_t resize_size = 256;
  bool antialias = true;  // Pillow's and torchvision's bilinear filter
};

// Another size (0: as it is). Pictures are resized in proportion, so that the crop keeps its share.
void set_size(InputSpec& input, int64_t height, int64_t width);

inline constexpr std::array mean_words{"fixed", "color", "image"};  // for Recipe::Mean, in order

// The training recipe of a network's source; `alexnet info` shows it, `alexnet train` starts from
// it.
struct Recipe {
  int64_t batch = 128;
  float rate = 0.01f, momentum = 0.9f, decay = 5e-4f;
  int64_t epochs = 90;
  std::string schedule = "step:30:0.1";  // see graph/schedule.h
  // v = m v - rate (g + decay w), w += v; else torch's v = m v + g + decay w
  bool rate_in_velocity = true;
  // What is subtracted from pictures: what `input` says, or the mean colour or mean image of the
  // training set.
  enum class Mean { fixed, colour, image } mean = Mean::fixed;
  // how pictures are varied, see Augment
  float colour_noise = 0;
  bool colour_divides = false;
  int64_t shared_crops = 1;  // pictures in a row that share one crop and flip
};

// What a node can read besides other nodes, and the name of a loss. No node may be called so.
inline constexpr const char *data_name = "data", *labels_name = "labels", *loss_name = "loss";

constexpr size_t longest_name = 512;  // of a node, in bytes

struct Node {
  std::string name;  // any UTF-8 up to longest_name, unique, none of the names above
  Op op;
  std::vector<std::string> inputs;  // names of nodes, or "data", or "labels"
  // logical device; empty: that of the first input, 0 behind "data"
  std::optional<size_t> slot = {};
  std::optional<LayerPart> part = {};  // empty: the node is a layer by itself
};

// What the aliases of the zoo mean. "convN" and "fcN" are a layer's activations, after its ReLU or
// tanh: the 4096 features of the paper, and what Caffe's blobs of these names hold. The last fc has
// no neuron: its logits. "fc7" is
//   in alexnet-caffe, caffenet: relu7 (it shadows the node fc7, whose parameters are fc7.weight and
//     fc7.bias);
//   in alexnet: classifier.5, which "relu7" means too; poolN and dropN are there as well;
//   in alexnet-2012, -6conv, -original: the node fc7, which joins relu7a and relu7b. "fc7a" is
//     relu7a,
//   and fc6 joins alike.
// With two towers "conv1a" is relu1a and so on; "pool2" and "pool5" join the towers.
// alexnet-2012-original rectifies its first and fifth block after pooling: "pool1a" is relu1a
// there, and conv1a the bare convolution. All others follow the rule of alexnet-caffe.
struct NetSpec {
  std::string id;    // its name: of the zoo, or another
  int revision = 1;  // of the architecture behind the name
  std::string source;
  int64_t classes = 1000;
  std::vector<std::string> labels;  // one for each class; empty: the default
  InputSpec input;
  std::vector<Node> nodes;
  std::string logits;                          // the node before Softmax
  std::map<std::string, std::string> aliases;  // usual layer names -> node names, see above
  Recipe recipe;

  // The layer a person means: by alias, else by node name; null where there is none. An alias may
  // shadow a node, so code that wants the node behind a parameter compares `ParamSpec::node` with
  // `Node::name` and does not ask here.
  const Node* find(const std::string& name) const;
  const Node& at(const std::string& name) const;  // throws not_found and lists what exists
  // by its own name, past aliases; null where there is none
  const Node* node(const std::string& name) const;
  size_t slots() const;  // number of logical devices used
};

constexpr int64_t max_classes = 1 << 20;
// The node whose channels are the classes: the logits, or the last layer with weights that they
// come from. Null where there is none.
Node* head_of(NetSpec& spec);
const Node* head_of(const NetSpec& spec);
// Another number of classes, by the head's width; labels of another number go. Throws
// invalid_argument where there is no head.
void set_classes(NetSpec& spec, int64_t classes);

// The slot of every node, in order. Throws where slots have gaps, or the graph is wrong.
std::vector<size_t> slots_of(const NetSpec& spec);

// Shape of every node's output at this batch, after checking the whole graph: names unique, inputs
// known and earlier, slots without gaps, every op able to take its inputs. Throws with the node's
// name and both sizes in the text.
std::map<std::string, Shape> infer_shapes(const NetSpec& spec, int64_t batch);

struct ParamSpec {
  std::string name;  // node name + ".weight" / ".bias"
  std::string node;
  Shape shape;
  ParamRule rule;
  std::optional<LayerPart> part = {};  // the node's: rows of a larger parameter, or a copy of one

  bool is_copy() const { return part && part->whole == 0; }
};
std::vector<ParamSpec> params_of(const NetSpec& spec);  // in the order of nodes

// The parameter of this suffix ("weight") and shape that belongs to this node.
ParamSpec param_of(const std::string& node, const std::optional<LayerPart>& part,
                   const ParamShape& param);

// The parameter of the layer that this one is a part or a copy of: "fc6.weight" for that of its
// second part.
ParamSpec whole_of(const ParamSpec& param);

// The table of `alexnet info`.
struct LayerInfo {
  std::string name, op, detail;  // detail: "11x11 /4 pad 2"
  Shape output;                  // of one image, batch dimension 1
  // bytes: fp32 output and parameters of one image
  int64_t parameters = 0, multiply_adds = 0, bytes = 0;
  size_t slot = 0;
};
std::vector<LayerInfo> layer_table(const NetSpec& spec);

}  // namespace alx
