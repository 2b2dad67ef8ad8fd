// Data sets.
#include <string_view>
#include <unordered_set>

#include "handles.h"
#include "weights/weights.h"

using namespace alx;
using namespace alx::capi;

alexnet_status alexnet_dataset_open(const char* folder, const char* part, alexnet_dataset** data) {
  return guard([&] {
    require(folder, "folder");
    require(data, "data");
    *data =
        new alexnet_dataset{Dataset::open(folder, part ? part : "train", usual_limits()), nullptr};
  });
}

alexnet_status alexnet_dataset_create(const char* const* class_names, int64_t count,
                                      alexnet_dataset** data) {
  return guard([&] {
    require(data, "data");
    check(count >= 1 && count <= max_classes, Code::invalid_argument, "count must lie in 1..",
          max_classes, ", got ", count);
    require(class_names, "class_names");
    std::vector<std::string> names;
    std::unordered_set<std::string_view> known;
    for (int64_t i = 0; i < count; ++i) {
      check(class_names[i] != nullptr, Code::invalid_argument, "class_names[", i,
            "] must not be NULL");
      check(known.insert(class_names[i]).second, Code::invalid_argument, "class_names[", i,
            "] is '", class_names[i], "' once more; each class needs a name of its own");
      check(class_names[i][0] != '\0', Code::invalid_argument, "class_names[", i, "] is empty");
      names.emplace_back(class_names[i]);
    }
    (void)labels_to_json(names);  // refuses what no weight file could hold
    auto set = std::make_shared<MemoryDataset>(std::move(names));
    *data = new alexnet_dataset{set, set.get()};
  });
}

alexnet_status alexnet_dataset_add(alexnet_dataset* data, const alexnet_image* image,
                                   int64_t class_index) {
  return guard([&] {
    require(data, "data");
    require(image, "image");
    check(image->image.width > 0, Code::invalid_argument, "image has no pixels; set them first");
    check(
        data->growing != nullptr, Code::invalid_state,
        "this data set was opened from files; only one of alexnet_dataset_create can be added to");
    check(data->data.use_count() == 1, Code::invalid_state,
          "a trainer uses this data set, which must not change then; fill it before the trainer is "
          "made");
    data->growing->add(image->image, class_index);
  });
}

alexnet_status alexnet_dataset_size(const alexnet_dataset* data, int64_t* images) {
  return guard([&] {
    require(data, "data");
    require(images, "images");
    *images = data->data->size();
  });
}

alexnet_status alexnet_dataset_class_count(const alexnet_dataset* data, int64_t* count) {
  return guard([&] {
    require(data, "data");
    require(count, "count");
    *count = static_cast<int64_t>(data->data->classes().size());
  });
}

alexnet_status alexnet_dataset_class_name(const alexnet_dataset* data, int64_t class_index,
                                          const char** name) {
  return guard([&] {
    require(data, "data");
    require(name, "name");
    require_index(class_index, static_cast<int64_t>(data->data->classes().size()), "class_index");
    *name = data->data->classes()[static_cast<size_t>(class_index)].c_str();
  });
}

void alexnet_dataset_free(alexnet_dataset* data) { delete data; }
