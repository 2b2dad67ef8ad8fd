// Memory that runs out: with the N-th allocation failing, for every N, a call returns an error,
// touches no out-parameter, leaks nothing, and works when it is made again. Both ways to memory are
// tried: operator new, and the context's allocator.
#include <alexnet/alexnet.h>
#include <gtest/gtest.h>
#include <link.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <new>
#include <string>
#include <vector>

namespace {

// Allocations that are alive, and how many may still be made before one fails (below 0: all of
// them).
std::atomic<int64_t> alive, left{-1};
std::atomic<bool> failed;
// the one that failed was asked for without an exception: whoever asked may do without it
std::atomic<bool> refused;

// oneDNN's code: it ends the program where an allocation fails inside its parallel loops, which
// nobody can mend from outside, so those of its own do not fail here. What it is given does.
std::pair<uintptr_t, uintptr_t> onednn_code() {
  std::pair<uintptr_t, uintptr_t> range{0, 0};
  dl_iterate_phdr(
      [](dl_phdr_info* module, size_t, void* found) {
        if (!std::strstr(module->dlpi_name, "libdnnl")) return 0;
        for (int i = 0; i < module->dlpi_phnum; ++i)
          if (const auto& part = module->dlpi_phdr[i];
              part.p_type == PT_LOAD && (part.p_flags & PF_X))
            *static_cast<std::pair<uintptr_t, uintptr_t>*>(found) = {
                module->dlpi_addr + part.p_vaddr, module->dlpi_addr + part.p_vaddr + part.p_memsz};
        return 1;
      },
      &range);
  return range;
}
std::pair<uintptr_t, uintptr_t> spared;

bool fails_now(const void* caller) {
  const auto address = reinterpret_cast<uintptr_t>(caller);
  if (address >= spared.first && address < spared.second) return false;
  int64_t now = left;
  while (now > 0 && !left.compare_exchange_weak(now, now - 1)) {
  }
  if (now != 1) return false;
  failed = true;  // this one alone fails: what comes after it shall clean up
  left = -1;
  return true;
}

void* counted(size_t bytes, size_t alignment, const void* caller) {
  if (fails_now(caller)) return nullptr;
  void* memory = nullptr;
  if (alignment <= alignof(std::max_align_t))
    memory = std::malloc(bytes ? bytes : 1);
  else if (posix_memalign(&memory, alignment, bytes ? bytes : 1) != 0)
    memory = nullptr;
  if (memory) ++alive;
  return memory;
}

void* counted_or_throw(size_t bytes, size_t alignment, const void* caller) {
  void* memory = counted(bytes, alignment, caller);
  if (!memory) throw std::bad_alloc();
  return memory;
}

void* counted_or_null(size_t bytes, size_t alignment, const void* caller) {
  void* memory = counted(bytes, alignment, caller);
  if (!memory) refused = true;
  return memory;
}

void give_back(void* memory) noexcept {
  if (!memory) return;
  --alive;
  std::free(memory);
}

}  // namespace

void* operator new(size_t bytes) { return counted_or_throw(bytes, 1, __builtin_return_address(0)); }
void* operator new[](size_t bytes) {
  return counted_or_throw(bytes, 1, __builtin_return_address(0));
}
void* operator new(size_t bytes, std::align_val_t to) {
  return counted_or_throw(bytes, static_cast<size_t>(to), __builtin_return_address(0));
}
void* operator new(size_t bytes, const std::nothrow_t&) noexcept {
  return counted_or_null(bytes, 1, __builtin_return_address(0));
}
void* operator new[](size_t bytes, const std::nothrow_t&) noexcept {
  return counted_or_null(bytes, 1, __builtin_return_address(0));
}
void* operator new(size_t bytes, std::align_val_t to, const std::nothrow_t&) noexcept {
  return counted_or_null(bytes, static_cast<size_t>(to), __builtin_return_address(0));
}
void operator delete(void* memory) noexcept { give_back(memory); }
void operator delete[](void* memory) noexcept { give_back(memory); }
void operator delete(void* memory, size_t) noexcept { give_back(memory); }
void operator delete[](void* memory, size_t) noexcept { give_back(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { give_back(memory); }
void operator delete(void* memory, size_t, std::align_val_t) noexcept { give_back(memory); }

namespace {

namespace fs = std::filesystem;

template <class T, void (*free_it)(T*)>
struct Freed {
  T* handle = nullptr;
  ~Freed() { free_it(handle); }
};
void free_session(alexnet_session* session) { (void)alexnet_session_free(session); }
void free_trainer(alexnet_trainer* trainer) { (void)alexnet_trainer_free(trainer); }
void free_context(alexnet_context* context) { (void)alexnet_context_free(context); }
using Model = Freed<alexnet_model, alexnet_model_free>;
using Options = Freed<alexnet_session_options, alexnet_session_options_free>;
using Session = Freed<alexnet_session, free_session>;
using Image = Freed<alexnet_image, alexnet_image_free>;
using Result = Freed<alexnet_result, alexnet_result_free>;
using Data = Freed<alexnet_dataset, alexnet_dataset_free>;
using TrainOptions = Freed<alexnet_train_options, alexnet_train_options_free>;
using Trainer = Freed<alexnet_trainer, free_trainer>;
using Context = Freed<alexnet_context, free_context>;

int64_t fail_after = 0;  // calls of the context's allocator until one fails; 0: none does

void* ALEXNET_CALL allocate(void*, size_t size, size_t alignment) {
  if (fail_after > 0 && --fail_after == 0) {
    failed = true;
    return nullptr;
  }
  void* memory = nullptr;
  return posix_memalign(&memory, alignment, size) == 0 ? memory : nullptr;
}
void ALEXNET_CALL deallocate(void*, void* memory, size_t, size_t) { std::free(memory); }

// The error text of this thread keeps its room, so that a longer one later is no leak.
void make_room_for_errors() {
  const std::string long_name(4000, 'x');
  alexnet_image* image = nullptr;
  (void)alexnet_image_from_file(long_name.c_str(), &image);
}

// `call` makes what it makes and frees it. It is made to fail at its first, second, ... allocation
// until it no longer does. Returns how many there were.
int64_t fail_at_every(const std::string& what, const std::function<alexnet_status()>& call,
                      const std::function<void(int64_t)>& arm) {
  make_room_for_errors();
  // fills what is kept for good
  EXPECT_EQ(call(), ALEXNET_OK) << what << ": " << alexnet_last_error();
  const auto fail_at = [&](int64_t n) {
    failed = refused = false;
    arm(n);
    const alexnet_status status = call();
    arm(-1);
    if (failed)
      EXPECT_TRUE(status == ALEXNET_ERROR_OUT_OF_MEMORY || (refused && status == ALEXNET_OK))
          << what << ", allocation " << n << ": " << status << ", " << alexnet_last_error();
    else
      EXPECT_EQ(status, ALEXNET_OK) << what << ": " << alexnet_last_error();
    return failed.load();
  };
  for (int64_t n = 1;; ++n) {
    int64_t before = alive;
    if (!fail_at(n)) return n - 1;
    if (alive > before) {  // oneDNN keeps some things for good, once: what leaks does so every time
      before = alive;
      fail_at(n);
    }
    EXPECT_LE(alive, before) << what << ", allocation " << n << " leaks";
    if (testing::Test::HasFailure()) return n;
  }
}

int64_t fail_every_new(const std::string& what, const std::function<alexnet_status()>& call) {
  return fail_at_every(what, call, [](int64_t n) { left = n; });
}
int64_t fail_every_tensor(const std::string& what, const std::function<alexnet_status()>& call) {
  return fail_at_every(what, call, [](int64_t n) { fail_after = n < 0 ? 0 : n; });
}

class Faults : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("alexnet_faults_" + std::string(GetParam()));
    fs::create_directories(folder_);
    spared = onednn_code();
    small_ = path("small");
    ASSERT_EQ(alexnet_context_create(&context_.handle), ALEXNET_OK);
    ASSERT_EQ(alexnet_context_set_allocator(context_.handle, allocate, deallocate, nullptr),
              ALEXNET_OK);
    ASSERT_EQ(alexnet_context_set_threads(context_.handle, 1), ALEXNET_OK);
    // A small network in a file: two classes, 12x12 pictures.
    ASSERT_EQ(fill_data(), ALEXNET_OK) << alexnet_last_error();
    ASSERT_EQ(alexnet_train_options_create(&train_options_.handle), ALEXNET_OK);
    alexnet_train_options* options = train_options_.handle;
    ASSERT_EQ(alexnet_train_options_set_device(options, GetParam()), ALEXNET_OK);
    ASSERT_EQ(alexnet_train_options_set_batch(options, 4), ALEXNET_OK);
    ASSERT_EQ(alexnet_train_options_set_input_size(options, 12), ALEXNET_OK);
    ASSERT_EQ(alexnet_train_options_set_epochs(options, 100000), ALEXNET_OK);
    ASSERT_EQ(alexnet_train_options_set_data_threads(options, 0), ALEXNET_OK);
    Trainer trainer;
    ASSERT_EQ(make(trainer), ALEXNET_OK) << alexnet_last_error();
    ASSERT_EQ(alexnet_trainer_save_weights(trainer.handle, small_, 0), ALEXNET_OK);
    std::ifstream file(small_, std::ios::binary);
    bytes_.assign(std::istreambuf_iterator<char>(file), {});
    ASSERT_EQ(alexnet_session_options_create(&options_.handle), ALEXNET_OK);
    ASSERT_EQ(alexnet_session_options_set_device(options_.handle, GetParam()), ALEXNET_OK);
  }
  void TearDown() override {
    options_ = {};
    fs::remove_all(folder_);
  }

  alexnet_status fill_data() {
    const char* const classes[] = {"dark", "light"};
    alexnet_status status = alexnet_dataset_create(classes, 2, &data_.handle);
    for (int i = 0; i < 8 && status == ALEXNET_OK; ++i) {
      Image image;
      const std::vector<uint8_t> pixels(12 * 12, static_cast<uint8_t>(i % 2 * 150 + i * 7));
      status = alexnet_image_create(&image.handle);
      if (!status)
        status =
            alexnet_image_set_pixels(image.handle, pixels.data(), 12, 12, 0, ALEXNET_PIXELS_GRAY);
      if (!status) status = alexnet_dataset_add(data_.handle, image.handle, i % 2);
      if (i == 0 && !status) std::swap(image_.handle, image.handle);
    }
    return status;
  }
  alexnet_status make(Trainer& trainer) {
    return alexnet_trainer_create(context_.handle, "fig1-relu", data_.handle, train_options_.handle,
                                  &trainer.handle);
  }
  alexnet_status make(Session& session) {
    Model model;
    const alexnet_status status =
        alexnet_model_open(context_.handle, small_, nullptr, &model.handle);
    return status ? status : alexnet_session_create(model.handle, options_.handle, &session.handle);
  }
  // Made beforehand: only the library shall allocate where allocations fail.
  const char* path(const std::string& name) {
    return (paths_[name] = (folder_ / name).string()).c_str();
  }

  fs::path folder_;
  const char* small_ = nullptr;
  Context context_;
  Data data_;
  Image image_;
  TrainOptions train_options_;
  Options options_;
  std::string bytes_;
  std::map<std::string, std::string> paths_;
};

constexpr const char* small_spec = R"({"format":1,"name":"small","classes":2,"labels":["a","b"],
 "input":{"height":4,"width":4,"scale":1,"mean":[0,0,0],"resize":{"mode":"none"}},
 "recipe":{"batch":2},"aliases":{"first":"conv"},"logits":"fc",
 "nodes":[{"name":"conv","op":"conv","out":2,"kernel":3,"weight":"he","bias":{"start":0,"rate":2}},
          {"name":"both","op":"concat","inputs":["conv","conv"]},
          {"name":"fc","op":"linear","weight":"torch"},{"name":"prob","op":"softmax"}]})";

TEST_P(Faults, Loading) {
  EXPECT_GT(fail_every_new("open",
                           [&] {
                             Model model;
                             const alexnet_status status = alexnet_model_open(
                                 context_.handle, small_, nullptr, &model.handle);
                             EXPECT_EQ(status != ALEXNET_OK, model.handle == nullptr);
                             return status;
                           }),
            100);
  fail_every_new("open memory", [&] {
    Model model;
    return alexnet_model_open_memory(context_.handle, bytes_.data(), bytes_.size(), nullptr,
                                     &model.handle);
  });
  fail_every_new("create from a spec", [&] {
    Model model;
    return alexnet_model_create(context_.handle, small_spec, 0, 0, 1, &model.handle);
  });
  fail_every_new("verify",
                 [&] { return alexnet_weights_verify(small_, GetParam(), nullptr, nullptr); });
  const char* half = path("half");
  fail_every_new("convert", [&] {
    return alexnet_weights_convert(small_, half, nullptr, ALEXNET_PRECISION_FP16, 0);
  });
}

TEST_P(Faults, Classifying) {
  const auto session = [&] {
    Session made;
    const alexnet_status status = make(made);
    EXPECT_EQ(status != ALEXNET_OK, made.handle == nullptr);
    return status;
  };
  fail_every_new("session", session);
  EXPECT_GT(fail_every_tensor("session", session), 3);
  Session made;
  ASSERT_EQ(make(made), ALEXNET_OK);
  const alexnet_image* images[] = {image_.handle, image_.handle};
  const auto classify = [&] {
    Result result;
    const alexnet_status status =
        alexnet_session_classify_images(made.handle, images, 2, 10, &result.handle);
    EXPECT_EQ(status != ALEXNET_OK, result.handle == nullptr);
    return status;
  };
  fail_every_new("classify", classify);
  fail_every_tensor("classify", classify);
}

TEST_P(Faults, Training) {
  const auto create = [&] {
    Trainer made;
    const alexnet_status status = make(made);
    EXPECT_EQ(status != ALEXNET_OK, made.handle == nullptr);
    return status;
  };
  fail_every_new("trainer", create);
  EXPECT_GT(fail_every_tensor("trainer", create), 5);

  const char *disturbed_file = path("disturbed"), *check_file = path("check");
  // Steps that failed on the way leave no trace: the weights are those of a run in which none did.
  Trainer disturbed, calm;
  ASSERT_EQ(make(disturbed), ALEXNET_OK);
  ASSERT_EQ(make(calm), ALEXNET_OK);
  fail_every_new("step", [&] { return alexnet_trainer_step(disturbed.handle, nullptr, nullptr); });
  fail_every_tensor("step",
                    [&] { return alexnet_trainer_step(disturbed.handle, nullptr, nullptr); });
  int64_t steps = 0;
  ASSERT_EQ(alexnet_trainer_progress(disturbed.handle, &steps, nullptr, nullptr), ALEXNET_OK);
  EXPECT_EQ(steps, 4);
  ASSERT_EQ(alexnet_trainer_run(calm.handle, steps), ALEXNET_OK);
  fail_every_new("save",
                 [&] { return alexnet_trainer_save_weights(disturbed.handle, disturbed_file, 0); });
  fail_every_new("checkpoint",
                 [&] { return alexnet_trainer_save_checkpoint(disturbed.handle, check_file); });
  ASSERT_EQ(alexnet_trainer_save_weights(calm.handle, path("calm"), 0), ALEXNET_OK);
  const auto content = [&](const std::string& name) {
    std::ifstream file(path(name), std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  EXPECT_EQ(content("disturbed"), content("calm"));
  int files = 0;
  for (const auto& entry : fs::directory_iterator(folder_)) files += entry.is_regular_file();
  EXPECT_EQ(files, 4) << "something is left half written";  // small, disturbed, calm, check
}

TEST_P(Faults, WithinALimit) {
  int64_t before = 0, needed = 0;
  ASSERT_EQ(alexnet_context_memory_in_use(context_.handle, &before), ALEXNET_OK);
  EXPECT_EQ(before, 0);
  {
    Session session;
    ASSERT_EQ(make(session), ALEXNET_OK);
    ASSERT_EQ(alexnet_context_memory_in_use(context_.handle, &needed), ALEXNET_OK);
    EXPECT_GT(needed, 1000);
  }
  ASSERT_EQ(alexnet_context_set_memory_limit(context_.handle, needed - 1), ALEXNET_OK);
  Session session;
  EXPECT_EQ(make(session), ALEXNET_ERROR_OUT_OF_MEMORY);
  EXPECT_NE(std::string(alexnet_last_error()).find(std::to_string(needed - 1)), std::string::npos);
  ASSERT_EQ(alexnet_context_set_memory_limit(context_.handle, needed), ALEXNET_OK);
  EXPECT_EQ(make(session), ALEXNET_OK) << alexnet_last_error();
}

// The reference backend is ours alone; under "cpu" oneDNN allocates too.
INSTANTIATE_TEST_SUITE_P(Devices, Faults, testing::Values("reference", "cpu"),
                         [](const auto& device) { return std::string(device.param); });

}  // namespace
