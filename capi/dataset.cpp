// Data sets.
#include "handles.h"

using namespace alx;
using namespace alx::capi;

alexnet_status alexnet_dataset_open(const char* folder, const char* part, alexnet_dataset** data) {
  return guard([&] {
    require(folder, "folder");
    require(data, "data");
    *data = new alexnet_dataset{Dataset::open(folder, part ? part : "train")};
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

alexnet_status alexnet_dataset_class_name(const alexnet_dataset* data, int64_t class_index, const char** name) {
  return guard([&] {
    require(data, "data");
    require(name, "name");
    require_index(class_index, static_cast<int64_t>(data->data->classes().size()), "class_index");
    *name = data->data->classes()[static_cast<size_t>(class_index)].c_str();
  });
}

void alexnet_dataset_free(alexnet_dataset* data) { delete data; }
